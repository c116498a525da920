"""From an instruction and an observation to reasoning and an action chunk."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.cameras import plain_pictures
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.codec.contract import Contract
from kinevla_ros.generator.checkpoint import load_decoder, load_generator, load_task_set
from kinevla_ros.generator.decoding.decode import Draft, Generation, GenerationError, Refusal
from kinevla_ros.generator.decoding.disagreement import Disagreement
from kinevla_ros.generator.decoding.doubt import load_doubt
from kinevla_ros.generator.decoding.override import Override, OverrideError
from kinevla_ros.generator.decoding.sequence import InstructionTooLong
from kinevla_ros.generator.decoding_backend import DecodingOptions, choose_backend
from kinevla_ros.generator.device import find_device, naming_full_memory
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.quantised import Weights
from kinevla_ros.generator.inference import Inference, NotUnderstood, Prediction
from kinevla_ros.generator.pictures.squares import camera_pixels, state_tensor
from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import (
    Refused,
    Understood,
    UnknownReasoning,
    explained,
    shortened,
)
from kinevla_ros.language.reading.spelling import is_english
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary

Accept = Literal["known", "any"]


@dataclass(frozen=True)
class Read:
    """What the model is given for an instruction, and the way that it must write.

    Attributes:
        command: None where the instruction names none and every one is accepted.
    """

    instruction: str
    prompt: str
    command: Command | None


class Policy:
    """A checkpoint ready to run, of whichever size. Not thread safe: one thread infers.

    What is read out of an instruction decides: the model is given the one sentence of the way that
    was read, whatever the words, and what it writes must name that way.

    Args:
        folder: the checkpoint.
        threads: of arithmetic on the CPU.
        device: `auto`, `cpu` or `cuda`; see `find_device`.
        weights: whether to round the language model's weights; see `quantised`.
        depth_head: whether the checkpoint's depth head chooses later codes; see there.
        graphs: whether to decode by the checkpoint's ONNX graphs; see `DecodingOptions`.
        accept: what moves: `known`, the ways of the checkpoint's task set; `any`, for a checkpoint
            fine-tuned from OpenVLA: an instruction that is refused is given to the model as it is,
            and what it writes is followed whatever way it names, or none. What leaves a slot open
            is asked about all the same.

    Attributes:
        backend: what decodes, in words.
        tasks, reader: what can be said to the model, and what reads it.
        most_disagreement: of its chunks, above which it doubts itself; None where the checkpoint
            does not say.

    Raises:
        CheckpointError: see there; or the depth head is missing or another model's.
        ValueError: the device or the model cannot have such weights, or such a model cannot
            accept any words.
        NoGpu, GpuOutOfMemory: see there.
    """

    def __init__(
        self,
        folder: Path,
        threads: int = 1,
        device: str = "auto",
        weights: Weights | None = None,
        depth_head: bool = False,
        graphs: bool = True,
        accept: Accept = "known",
    ) -> None:
        torch.set_num_threads(threads)
        self.folder, self.device = folder, find_device(device)
        self.model, self.vocabulary = load_generator(folder, self.device)
        self.tasks = load_task_set(folder)
        self.reader, self._accept = reader_of(self.tasks), accept
        if accept == "any" and not isinstance(self.vocabulary, LlamaVocabulary):
            raise ValueError(
                f"accept: any needs a model fine-tuned from OpenVLA; {folder} knows no words but "
                "those of its tasks. Use accept: known"
            )
        options = DecodingOptions(threads, weights, depth_head, graphs)
        with naming_full_memory():
            backend = choose_backend(self.model, self.vocabulary, self.tasks, folder, options)
        self._writer, self._consistency, self.backend = (
            backend.writer,
            backend.consistency,
            backend.name,
        )
        self.decoder = load_decoder(folder, self.model.config)
        self.most_disagreement = load_doubt(folder)
        self._disagreement = Disagreement()
        self._draft: Draft | None = None
        self._read: Read | None = None
        self._sequence = 0

    @property
    def contract(self) -> Contract:
        """What the chunks mean."""
        return self.decoder.contract

    @property
    def space(self) -> ActionSpace:
        """What the numbers of its actions and states mean, and which cameras it sees."""
        return self.contract.space

    def reset(self) -> None:
        """Forget the previous chunk; the next draft is what its way is to say."""
        self._draft = None
        self._disagreement.reset()

    def warm_up(self, consistency: bool = False) -> None:
        """Run every kind of pass, so that the first real chunk is not the slow one.

        Args:
            consistency: as `infer` will be asked.

        Raises:
            GpuOutOfMemory: see there.
        """
        is_english("")  # the list of English words is read from disk once
        images = self._pixels(plain_pictures(self.space.cameras))
        state = state_tensor(np.zeros(len(self.space.state_names)), self.space).to(self.device)
        with naming_full_memory():
            if isinstance(self._writer, FastDecoder):
                self._writer.warm_up()
            words: Draft | None = None
            # On an empty picture a text need not end.
            with suppress(GenerationError):
                said = next(way.prompt for _, way in self.tasks.ways())
                for _ in range(2):
                    words = self._writer.generate(said, images, state, words).words
            if consistency:
                config = self.model.config
                codes = (0,) * config.goal_codes, (0,) * config.kinematics_codes
                nothing = Generation(Draft(), *codes, draft_accepted=False, passes=0)
                self._consistency(nothing, self._writer.observed())

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
        consistency: bool = False,
    ) -> Inference:
        """Write the reasoning and the chunk for one observation.

        Args:
            instruction: what to do and how.
            observation: with a picture of each camera of `space`.
            override: words or codes to follow instead of the model's own.
            consistency: whether to measure how well the codes fit the words, see there.

        Raises:
            ActionSpaceError: the checkpoint's actions are not those of an RM75; `predict` gives
                them.
            NotUnderstood, GenerationError, GpuOutOfMemory: as of `predict`.
        """
        started, space = time.perf_counter(), self.space
        cure = "Such actions are predicted, not executed: kinevla evaluate --open-loop DATASET"
        space.require(RM75, f"the checkpoint {self.folder}", "an RM75", cure, cameras=False)
        found = self.predict(
            instruction, observation.images, observation.state, override, consistency
        )
        self._sequence += 1
        actions = found.actions
        chunk = ActionChunk(observation.stamp, self._sequence, actions[:, :-1], actions[:, -1])
        return Inference(
            sequence=self._sequence,
            stamp=observation.stamp,
            instruction=instruction,
            goal=found.goal,
            kinematics=found.kinematics,
            goal_codes=found.goal_codes,
            kinematics_codes=found.kinematics_codes,
            draft_accepted=found.draft_accepted,
            passes=found.passes,
            model_time=time.perf_counter() - started,
            chunk=chunk,
            consistency=found.consistency,
            disagreement=self._disagreement(chunk),
        )

    def predict(
        self,
        instruction: str,
        images: Mapping[str, NDArray[np.uint8]],
        state: NDArray[np.float64],
        override: Override | None = None,
        consistency: bool = False,
    ) -> Prediction:
        """Write the reasoning and the actions, of whatever action space.

        Args:
            instruction: what to do and how.
            images: camera to RGB picture, uint8, shape (height, width, 3).
            state: measured, as `space` names it, shape (S,).
            override, consistency: as of `infer`.

        Raises:
            NotUnderstood: the instruction or the given reasoning names no task, or the model
                refuses it or writes another.
            GenerationError: the model wrote no complete output.
            GpuOutOfMemory: see there.
        """
        seen = self._pixels(images), state_tensor(state, self.space).to(self.device)
        generation = self._understood(instruction, seen, override or Override())
        self._draft = generation.words
        codes = np.array([*generation.goal_codes, *generation.kinematics_codes])
        offsets = self.decoder(codes)[0].astype(np.float64)
        with naming_full_memory():
            sure = (
                self._consistency(generation, self._writer.observed()) if consistency else math.nan
            )
        return Prediction(
            actions=self.space.start(state) + offsets,
            goal=self.vocabulary.decode_text(generation.words.goal),
            kinematics=self.vocabulary.decode_text(generation.words.kinematics),
            goal_codes=generation.goal_codes,
            kinematics_codes=generation.kinematics_codes,
            draft_accepted=generation.draft_accepted,
            passes=generation.passes,
            consistency=sure,
        )

    def _understood(
        self,
        instruction: str,
        seen: tuple[torch.Tensor, torch.Tensor],
        override: Override,
    ) -> Generation:
        """Write words and codes, and read the words; errors as of `infer`."""
        read = self._reading(instruction)
        try:
            given = override.given(self.vocabulary, self.model.config)
            draft = self._draft or self._expected(read)
            with naming_full_memory():
                generation = self._writer.generate(read.prompt, *seen, draft, given)
            if override.must_name_command and read.command is not None:
                words = (generation.words.goal, generation.words.kinematics)
                goal, kinematics = map(self.vocabulary.decode_text, words)
                written = self.reader.reasoning(goal, kinematics)
                own = override.goal is None and override.kinematics is None
                if own and written != read.command:
                    raise NotUnderstood(
                        f'the instruction "{shortened(instruction)}" was read as '
                        f'"{read.command.say}", but the model writes "{kinematics}": nothing moves '
                        "while they disagree"
                    )
        except Refusal as problem:
            way = (
                f'was read as "{read.command.say}", but' if read.command else "is no known way, and"
            )
            raise NotUnderstood(
                f'the instruction "{shortened(instruction)}" {way} the model writes "{problem}"'
            ) from problem
        except (InstructionTooLong, UnknownReasoning, OverrideError) as problem:
            raise NotUnderstood(str(problem)) from problem
        return generation

    def _reading(self, instruction: str) -> Read:
        """What an instruction means, read once; the draft is kept while the meaning stays."""
        if self._read is None or instruction != self._read.instruction:
            reading = self.reader.read(instruction)
            if isinstance(reading, Understood):
                read = Read(instruction, reading.command.prompt, reading.command)
            elif isinstance(reading, Refused) and self._accept == "any":
                read = Read(instruction, instruction, None)
            else:
                raise NotUnderstood(explained(instruction, reading))
            if self._read is None or (read.prompt, read.command) != (
                self._read.prompt,
                self._read.command,
            ):
                self.reset()
            self._read = read
        return self._read

    def _expected(self, read: Read) -> Draft | None:
        """The words that a model of these tasks writes for a way; verified as any draft."""
        if read.command is None:
            return None
        texts = read.command.goal, read.command.kinematics
        return Draft(*(tuple(self.vocabulary.encode_text(text)) for text in texts))

    def _pixels(self, images: Mapping[str, NDArray[np.uint8]]) -> torch.Tensor:
        if missing := [name for name in self.space.cameras if name not in images]:
            raise ValueError(
                f"no picture of {', '.join(missing)} among {', '.join(images) or 'none'}: the "
                f"checkpoint {self.folder} sees {', '.join(self.space.cameras)}"
            )
        return camera_pixels(self.model.config, images, self.device, self.space.cameras)
