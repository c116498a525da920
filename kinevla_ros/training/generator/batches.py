"""Batches of training sequences: which frame, which command, which wording, which light."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.sequence import InstructionTooLong, Tail, instruction_ids, tail
from kinevla_ros.generator.pictures.squares import pixels, scene_scale
from kinevla_ros.language.grammar import REFUSAL, instruction
from kinevla_ros.language.reading.out_of_scope import OutOfScope
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary
from kinevla_ros.training.generator.objective import Batch, LossWeights
from kinevla_ros.training.generator.samples import Samples

PHRASINGS = 1024
"""Instructions drawn before training, for each command and of those that name none."""

GIVEN_SHARE = 0.25
"""Of them the one that the model is given for the command when it runs."""


@dataclass(frozen=True)
class GeneratorSettings:
    """How to train.

    Attributes:
        steps, batch_size, learning_rate, warmup, weight_decay: AdamW with a cosine schedule; a
            batch shows each of its frames twice, with two commands.
        encoder_steps: steps at the start in which only what embeds the observation learns, from
            the objects' known places; they cost a fraction of the others.
        alternative_share: frames seen with another command than the demonstration followed.
        text_every: of so many frames one teaches the words, which are learnt long before the codes.
        refusal_share: samples whose instruction names no task: the words written are a refusal.
            The words read are still true, and so are the codes.
        seed: of batches and weights.
        save_every: steps between checkpoints.
    """

    steps: int = 6500
    batch_size: int = 64
    learning_rate: float = 8e-4
    warmup: int = 300
    weight_decay: float = 0.02
    encoder_steps: int = 0
    alternative_share: float = 0.25
    text_every: int = 4
    refusal_share: float = 0.15
    seed: int = 0
    save_every: int = 500
    weights: LossWeights = field(default_factory=LossWeights)


class BatchMaker:
    """Draws batches; the batch of a step depends on seed and step alone, so runs resume."""

    def __init__(
        self,
        samples: Samples,
        codes: NDArray[np.int64],
        vocabulary: Vocabulary,
        config: GeneratorConfig,
        settings: GeneratorSettings,
    ) -> None:
        self._samples, self._codes, self._common = samples, codes, samples.common()
        self._vocabulary, self._config, self._settings = vocabulary, config, settings
        self._commands = samples.tasks.commands
        self._rng = np.random.default_rng(settings.seed)
        self._prompts = [self._spoken(n, self._rng) for n in range(len(self._commands))]
        self._sibling = [
            [sibling.task_number - 1 for sibling in command.siblings()]
            for command in self._commands
        ]
        # One length for all batches: a CPU compiles its kernels again for each shape.
        self._length = self._longest()
        self._scene_scale = scene_scale(samples.scene.shape[1])

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, on the CPU."""
        settings, samples = self._settings, self._samples
        rng = np.random.default_rng((settings.seed, step))
        rows = self._rows(rng)
        foresight = settings.weights.foresight > 0
        images = (samples.moving_pictures if foresight else samples.pictures)(rows, rng)
        tasks, prompts, tails, motions = [], [], [], []
        seen = [(row, *view) for row in rows.tolist() for view in self._pair(row, rng)]
        for row, task, variant in seen:
            refused = rng.random() < settings.refusal_share
            tasks.append(task)
            motions.append([self._common[row, task], samples.chunks[row, task]])
            prompts.append(self._prompt(task, refused, rng))
            codes = self._codes[row, task, variant]
            tails.append(self._tail(prompts[-1], task, codes, variant > 0, refused))
        length = self._length
        cameras = self._config.cameras
        shown = pixels(self._config, _relit(images, rng))
        return Batch(
            images=shown[:, :cameras],
            state=torch.from_numpy(samples.state[rows] / samples.space.state_scale),
            prompt=torch.tensor([ids for ids, _ in prompts]),
            prompt_segments=torch.tensor([segments for _, segments in prompts]),
            tail=_padded([t.ids for t in tails], length),
            tail_segments=_padded([t.segments for t in tails], length),
            targets=_padded([t.targets for t in tails], length),
            text=_padded([t.text for t in tails], length).bool(),
            code=_padded([t.code for t in tails], length).bool(),
            command=torch.tensor(tasks),
            starts=torch.tensor([self._starts(t) for t in tails]),
            motion=torch.from_numpy(np.array(motions) / samples.space.motion_scale).flatten(2),
            scene=torch.from_numpy(samples.scene[rows] / self._scene_scale),
            ahead=shown[:, cameras:] if foresight else torch.empty(0),
            followed=torch.tensor([task == samples.task[row] for row, task, _ in seen]),
        )

    def _longest(self) -> int:
        """Positions of the longest written part."""
        codes = [0] * self._config.goal_codes, [0] * self._config.kinematics_codes
        return max(
            len(tail(self._vocabulary, c.goal, c.kinematics, *codes, said).ids)
            for c in self._commands
            for said in (None, REFUSAL)
        )

    def _prompt(
        self, task: int, refused: bool, rng: np.random.Generator
    ) -> tuple[list[int], list[int]]:
        """Ids and segments of an instruction."""
        prompts = self._nonsense if refused else self._prompts[task]
        return prompts[int(rng.integers(len(prompts)))]

    def _tail(
        self,
        prompt: tuple[list[int], list[int]],
        task: int,
        codes: NDArray[np.int64],
        disturbed: bool,
        refused: bool,
    ) -> Tail:
        """The written part of a sample; disturbed goal codes are given and carry no loss."""
        command, split = self._commands[task], self._config.goal_codes
        written = tail(
            self._vocabulary,
            command.goal,
            command.kinematics,
            codes[:split].tolist(),
            codes[split:].tolist(),
            REFUSAL if refused else None,
        )
        return goal_codes_given(written, split) if disturbed else written

    @cached_property
    def _nonsense(self) -> list[tuple[list[int], list[int]]]:
        """Prompts that name no task and have room; drawn when one is wanted: that takes long."""
        nonsense = OutOfScope(self._samples.tasks)
        found: list[tuple[list[int], list[int]]] = []
        while len(found) < PHRASINGS:
            with contextlib.suppress(InstructionTooLong):
                found.append(
                    instruction_ids(self._vocabulary, self._config, nonsense.draw(self._rng))
                )
        return found

    def _spoken(self, task: int, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
        """Prompts of a command: the one it is given, of templates, and of its demonstrations."""
        command, said = self._commands[task], self._samples.said[task]
        found: list[tuple[list[int], list[int]]] = []
        while len(found) < PHRASINGS:
            if len(found) < GIVEN_SHARE * PHRASINGS:
                text = command.prompt
            elif said and len(found) % 2:
                text = said[int(rng.integers(len(said)))]
            else:
                text = instruction(command, rng)
            # What a demonstration had may be longer than the room that the tasks need.
            try:
                found.append(instruction_ids(self._vocabulary, self._config, text))
            except InstructionTooLong:
                found.append(instruction_ids(self._vocabulary, self._config, command.prompt))
        return found

    def _starts(self, written: Tail) -> list[int]:
        """Where each level's codes are asked for."""
        closings = self._vocabulary.goal_codes, self._vocabulary.kinematics_codes
        return [written.ids.index(closing) for closing in closings]

    def _rows(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Frames of a batch, as many of each dataset."""
        ends = np.cumsum(self._samples.parts)
        part = rng.integers(len(ends), size=self._settings.batch_size // 2)
        size = np.asarray(self._samples.parts)[part]
        return ends[part] - size + rng.integers(size)

    def _pair(self, row: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
        """Two commands for a frame: the same goal in two ways, so that the words decide.

        The second comes with a variant of its codes: at run time goal codes are sometimes wrong,
        and the kinematics codes have to make up for it.
        """
        valid = np.flatnonzero(self._samples.valid[row])
        task = int(self._samples.task[row])
        if rng.random() < self._settings.alternative_share:
            task = int(rng.choice(valid))
        others = np.intersect1d(self._sibling[task], valid)
        other = int(rng.choice(others)) if len(others) else task
        return (task, 0), (other, int(rng.integers(self._codes.shape[2])))


def goal_codes_given(written: Tail, count: int) -> Tail:
    """The tail without a loss on its first `count` codes, those of the goal."""
    first = written.code.index(True)
    code = [flag and not first <= i < first + count for i, flag in enumerate(written.code)]
    return replace(written, code=code)


def _padded(rows: Sequence[Sequence[int]], length: int) -> Tensor:
    """Rows as one tensor (B, length), zeros (the pad id and segment) at their ends."""
    padded = torch.zeros(len(rows), length, dtype=torch.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = torch.tensor(row)
    return padded


def _relit(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random brightness and contrast for each sample."""
    shape = (len(images), 1, 1, 1, 1)
    gain = rng.uniform(0.8, 1.2, shape).astype(np.float32)
    offset = rng.uniform(-20, 20, shape).astype(np.float32)
    return np.clip(images * gain + offset, 0, 255).astype(np.uint8)
