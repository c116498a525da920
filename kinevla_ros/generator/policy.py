"""From an instruction and an observation to reasoning and an action chunk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.codec.contract import Contract, ContractError
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decode import (
    BilevelDecoder,
    Draft,
    Generation,
    GenerationError,
    Given,
    Refusal,
)
from kinevla_ros.generator.device import (
    GpuOutOfMemory,
    find_device,
    naming_full_memory,
    wants_engine,
)
from kinevla_ros.generator.engine import FastDecoder
from kinevla_ros.generator.images import pixels, square, state_tensor
from kinevla_ros.generator.model import Generator
from kinevla_ros.generator.override import Override, OverrideError
from kinevla_ros.generator.sequence import InstructionTooLong
from kinevla_ros.generator.weights import read_generator
from kinevla_ros.language.llama_vocabulary import open_vocabulary
from kinevla_ros.language.parse import (
    UnknownInstruction,
    UnknownReasoning,
    parse_instruction,
    parse_reasoning,
)
from kinevla_ros.language.vocabulary import Vocabulary

DECODER_FILE, CONTRACT_FILE = "decoder.onnx", "kinevla.json"
WARM_UP_INSTRUCTION = "pick up the bread and move it to the front"


class CheckpointError(ValueError):
    """The checkpoint folder is incomplete, damaged or its parts do not belong together."""


class NotUnderstood(ValueError):
    """The instruction or the reasoning written for it names no task; nothing moves."""


@dataclass(frozen=True)
class Inference:
    """What one inference gave.

    Attributes:
        sequence: counts inferences from 1; the chunk carries the same number.
        stamp: time of the observation (s).
        goal, kinematics: the reasoning in words.
        goal_codes, kinematics_codes: codebook entry per residual level.
        draft_accepted: whether the previous chunk's words were verified and kept.
        passes: forward passes through the language model.
        model_time: time spent here (s).
        consistency: how well the codes agree with the words, -1 to 1; NaN where nobody asked.
    """

    sequence: int
    stamp: float
    instruction: str
    goal: str
    kinematics: str
    goal_codes: tuple[int, ...]
    kinematics_codes: tuple[int, ...]
    draft_accepted: bool
    passes: int
    model_time: float
    chunk: ActionChunk
    consistency: float


class Policy:
    """A checkpoint ready to run, of whichever size. Not thread safe: one thread infers.

    Args:
        folder: the checkpoint.
        threads: of arithmetic on the CPU.
        device: `auto`, `cpu` or `cuda`; see `find_device`.

    Raises:
        CheckpointError: see there.
        NoGpu, GpuOutOfMemory: see there.
    """

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        torch.set_num_threads(threads)
        self.folder, self.device = folder, find_device(device)
        self.model, self.vocabulary = load_generator(folder, self.device)
        with naming_full_memory():
            self._bilevel = BilevelDecoder(self.model, self.vocabulary)
            self._engine = None
            if wants_engine(self.device):
                self._engine = FastDecoder(self.model, self.vocabulary)
        self.decoder = load_decoder(folder, self.model.config)
        self._draft: Draft | None = None
        self._instruction = ""
        self._sequence = 0

    @property
    def contract(self) -> Contract:
        """What the chunks mean."""
        return self.decoder.contract

    def reset(self) -> None:
        """Forget the words of the previous chunk."""
        self._draft = None

    def warm_up(self) -> None:
        """Run every kind of pass, so that the first real chunk is not the slow one.

        Raises:
            GpuOutOfMemory: see there.
        """
        blank = np.zeros((240, 320, 3), np.uint8)
        images = self._tensors({"front": blank, "wrist": blank})
        state = state_tensor(np.zeros(7), 0.0)
        with naming_full_memory():
            if self._engine is not None:
                self._engine.warm_up()
            words: Draft | None = None
            # On an empty picture a text need not end.
            with suppress(GenerationError):
                for _ in range(2):
                    words = self._generate(WARM_UP_INSTRUCTION, images, state, words, Given()).words

    def infer(
        self,
        instruction: str,
        images: Mapping[str, NDArray[np.uint8]],
        joints: NDArray[np.float64],
        gripper: float,
        stamp: float,
        override: Override | None = None,
        agreement: bool = False,
    ) -> Inference:
        """Write the reasoning and the chunk for one observation.

        Args:
            instruction: what to do and how.
            images: `front` and `wrist`, RGB, shape [H, W, 3].
            joints: measured joint positions, shape [7], rad.
            gripper: measured opening (m).
            stamp: time of the observation (s).
            override: words or codes to follow instead of the model's own.
            agreement: whether to measure how well codes and words agree.

        Raises:
            NotUnderstood: the model refuses the instruction, or the instruction, the written or
                the given reasoning names no task.
            GenerationError: the model wrote no complete output.
            GpuOutOfMemory: see there.
        """
        started = time.perf_counter()
        try:
            if instruction != self._instruction:
                self._instruction, self._draft = instruction, None
            override = override or Override()
            with naming_full_memory():
                generation = self._generate(
                    instruction,
                    self._tensors(images),
                    state_tensor(joints, gripper),
                    self._draft,
                    override.given(self.vocabulary, self.model.config),
                    agreement,
                )
            # The model has the first word, this the last: what no reader knows moves nothing.
            parse_instruction(instruction)
            goal = self.vocabulary.decode_text(generation.words.goal)
            kinematics = self.vocabulary.decode_text(generation.words.kinematics)
            if override.must_name_command:
                parse_reasoning(goal, kinematics)
        except GenerationError as problem:
            raise _no_output(instruction, problem) from problem
        except (UnknownInstruction, InstructionTooLong, UnknownReasoning, OverrideError) as problem:
            raise NotUnderstood(str(problem)) from problem
        self._draft = generation.words
        codes = np.array([*generation.goal_codes, *generation.kinematics_codes])
        offsets = self.decoder(codes)[0].astype(np.float64)
        self._sequence += 1
        chunk = ActionChunk(stamp, self._sequence, joints + offsets[:, :7], offsets[:, 7])
        return Inference(
            sequence=self._sequence,
            stamp=stamp,
            instruction=instruction,
            goal=goal,
            kinematics=kinematics,
            goal_codes=generation.goal_codes,
            kinematics_codes=generation.kinematics_codes,
            draft_accepted=generation.draft_accepted,
            passes=generation.passes,
            model_time=time.perf_counter() - started,
            chunk=chunk,
            consistency=generation.consistency,
        )

    def _generate(
        self,
        instruction: str,
        images: torch.Tensor,
        state: torch.Tensor,
        draft: Draft | None,
        given: Given,
        agreement: bool = False,
    ) -> Generation:
        """Write words and codes; the engine takes none from outside and measures nothing."""
        if self._engine is not None and given == Given() and not agreement:
            return self._engine.generate(instruction, images, state, draft)
        state = state.to(self.device)
        return self._bilevel.generate(instruction, images, state, draft, given, agreement)

    def _tensors(self, images: Mapping[str, NDArray[np.uint8]]) -> torch.Tensor:
        config = self.model.config
        squares = [square(images[n], config.image_size) for n in ("front", "wrist")]
        return pixels(config, np.stack(squares)).to(self.device)


def _no_output(instruction: str, problem: GenerationError) -> Exception:
    """What to raise: an instruction that no reader knows is the likeliest cause."""
    told = f'the model writes "{problem}"; ' if isinstance(problem, Refusal) else ""
    try:
        parse_instruction(instruction)
    except UnknownInstruction as unknown:
        return NotUnderstood(f"{told}{unknown}")
    if told:
        return NotUnderstood(f'{told}say "{instruction}" in other words')
    return problem


def load_generator(
    folder: Path, device: str | torch.device = "cpu"
) -> tuple[Generator, Vocabulary]:
    """Read config.json, tokenizer.json and model.safetensors.

    Weights keep the dtype in which they are stored; on a GPU those of the full size are bfloat16.

    Raises:
        CheckpointError: a file is missing or damaged, or they do not fit each other.
        GpuOutOfMemory: see there.
    """
    try:
        config = GeneratorConfig.load(folder)
        vocabulary = open_vocabulary(folder, config.vocabulary_size, config.codes_per_level)
        halved = torch.device(device).type == "cuda" and config.images_first
        dtype = torch.bfloat16 if halved else None
        with naming_full_memory():
            model = read_generator(folder, config, dtype, device)
    except GpuOutOfMemory:
        raise
    except FileNotFoundError as problem:
        raise CheckpointError(
            f"{folder} is no complete checkpoint: {problem}. A checkpoint is a folder with "
            "config.json, model.safetensors, tokenizer.json, decoder.onnx and kinevla.json"
        ) from problem
    except (ValueError, RuntimeError) as problem:
        raise CheckpointError(f"{folder} holds a damaged checkpoint: {problem}") from problem
    if len(vocabulary) != config.vocabulary_size:
        raise CheckpointError(
            f"{folder}: the tokenizer has {len(vocabulary)} ids and the model "
            f"{config.vocabulary_size}; they are from different checkpoints"
        )
    return model, vocabulary


def load_contract(folder: Path) -> Contract:
    """Read kinevla.json.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        return Contract.from_json((folder / CONTRACT_FILE).read_text())
    except (OSError, ContractError) as problem:
        raise CheckpointError(f"{folder} is no complete checkpoint: {problem}") from problem


def load_decoder(folder: Path, config: GeneratorConfig) -> OnnxDecoder:
    """Open decoder.onnx and hold it against kinevla.json and the generator.

    Raises:
        CheckpointError: a file is missing or damaged, or they do not fit each other.
    """
    for name in (DECODER_FILE, CONTRACT_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder} is no complete checkpoint: {name} is missing; "
                "`kinevla train generator` and `kinevla train lora` write it"
            )
    wanted = Contract(
        goal_levels=config.goal_codes,
        kinematics_levels=config.kinematics_codes,
        codes_per_level=config.codes_per_level,
    )
    try:
        decoder = OnnxDecoder(folder / DECODER_FILE, wanted)
        decoder.contract.require(load_contract(folder))
    except ContractError as problem:
        raise CheckpointError(f"{folder}: {problem}") from problem
    return decoder
