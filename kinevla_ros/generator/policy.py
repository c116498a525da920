"""From an instruction and an observation to reasoning and an action chunk."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation, plain_observation
from kinevla_ros.codec.contract import Contract
from kinevla_ros.generator.checkpoint import load_decoder, load_generator, load_task_set
from kinevla_ros.generator.decoding.decode import Draft, Generation, GenerationError, Refusal
from kinevla_ros.generator.decoding.override import Override, OverrideError
from kinevla_ros.generator.decoding.sequence import InstructionTooLong
from kinevla_ros.generator.decoding_backend import DecodingOptions, choose_backend
from kinevla_ros.generator.device import find_device, naming_full_memory
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.quantised import Weights
from kinevla_ros.generator.inference import Inference
from kinevla_ros.generator.pictures.squares import observed
from kinevla_ros.language.reading.reader import (
    Reader,
    Understood,
    UnknownReasoning,
    explained,
    shortened,
)
from kinevla_ros.language.reading.spelling import is_english

NOTHING_READ = Understood({}, "", "")


class NotUnderstood(ValueError):
    """The instruction, or the reasoning written for it, names no task or another; nothing moves."""


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

    Attributes:
        way: what decodes, in words.

    Attributes:
        tasks, reader: what can be said to the model, and what reads it.

    Raises:
        CheckpointError: see there; or the depth head is missing or another model's.
        ValueError: the device or the model cannot have such weights.
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
    ) -> None:
        torch.set_num_threads(threads)
        self.folder, self.device = folder, find_device(device)
        self.model, self.vocabulary = load_generator(folder, self.device)
        self.tasks = load_task_set(folder)
        self.reader = Reader(self.tasks)
        options = DecodingOptions(threads, weights, depth_head, graphs)
        with naming_full_memory():
            backend = choose_backend(self.model, self.vocabulary, self.tasks, folder, options)
        self._writer, self._consistency, self.backend = (
            backend.writer,
            backend.consistency,
            backend.name,
        )
        self.decoder = load_decoder(folder, self.model.config)
        self._draft: Draft | None = None
        self._instruction, self._read = "", NOTHING_READ
        self._sequence = 0

    @property
    def contract(self) -> Contract:
        """What the chunks mean."""
        return self.decoder.contract

    def reset(self) -> None:
        """Forget the words of the previous chunk; the next draft is what its way is to say."""
        self._draft = None

    def warm_up(self, consistency: bool = False) -> None:
        """Run every kind of pass, so that the first real chunk is not the slow one.

        Args:
            consistency: as `infer` will be asked.

        Raises:
            GpuOutOfMemory: see there.
        """
        is_english("")  # the list of English words is read from disk once
        images, state = observed(self.model.config, plain_observation(), self.device)
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
            observation: of the cameras `front` and `wrist`.
            override: words or codes to follow instead of the model's own.
            consistency: whether to measure how well the codes tell the words, see there.

        Raises:
            NotUnderstood: the instruction or the given reasoning names no task, or the model
                refuses it or writes another.
            GenerationError: the model wrote no complete output.
            GpuOutOfMemory: see there.
        """
        started = time.perf_counter()
        joints, stamp = observation.joints, observation.stamp
        seen = observed(self.model.config, observation, self.device)
        generation = self._understood(instruction, seen, override or Override())
        self._draft = generation.words
        codes = np.array([*generation.goal_codes, *generation.kinematics_codes])
        offsets = self.decoder(codes)[0].astype(np.float64)
        with naming_full_memory():
            sure = (
                self._consistency(generation, self._writer.observed()) if consistency else math.nan
            )
        self._sequence += 1
        chunk = ActionChunk(stamp, self._sequence, joints + offsets[:, :7], offsets[:, 7])
        return Inference(
            sequence=self._sequence,
            stamp=stamp,
            instruction=instruction,
            goal=self.vocabulary.decode_text(generation.words.goal),
            kinematics=self.vocabulary.decode_text(generation.words.kinematics),
            goal_codes=generation.goal_codes,
            kinematics_codes=generation.kinematics_codes,
            draft_accepted=generation.draft_accepted,
            passes=generation.passes,
            model_time=time.perf_counter() - started,
            chunk=chunk,
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
            if override.must_name_command:
                words = (generation.words.goal, generation.words.kinematics)
                goal, kinematics = map(self.vocabulary.decode_text, words)
                written = self.reader.reasoning(goal, kinematics)
                own = override.goal is None and override.kinematics is None
                if own and written != read.slots:
                    raise NotUnderstood(
                        f'the instruction "{shortened(instruction)}" was read as "{read.say}", but '
                        f'the model writes "{kinematics}": nothing moves while they disagree'
                    )
        except Refusal as problem:
            raise NotUnderstood(
                f'the instruction "{shortened(instruction)}" was read as "{read.say}", but the '
                f'model writes "{problem}"'
            ) from problem
        except (InstructionTooLong, UnknownReasoning, OverrideError) as problem:
            raise NotUnderstood(str(problem)) from problem
        return generation

    def _reading(self, instruction: str) -> Understood:
        """What an instruction means, read once; the draft is kept while the meaning stays."""
        if instruction != self._instruction or self._read is NOTHING_READ:
            reading = self.reader.read(instruction)
            if not isinstance(reading, Understood):
                raise NotUnderstood(explained(instruction, reading))
            if reading.slots != self._read.slots:
                self._draft = None
            self._instruction, self._read = instruction, reading
        return self._read

    def _expected(self, read: Understood) -> Draft:
        """The words that a model of these tasks writes for a way; verified as any draft."""
        texts = self.reader.texts(read.slots)
        return Draft(*(tuple(self.vocabulary.encode_text(text)) for text in texts))
