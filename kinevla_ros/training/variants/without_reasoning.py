"""Batches without reasoning: where the codes read words they read the instruction itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.generator.decoding.sequence import Tail, written_part
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary
from kinevla_ros.training.generator.batches import BatchMaker, goal_codes_given


def written_without_reasoning(
    vocabulary: Vocabulary,
    words: Sequence[int],
    goal_codes: Sequence[int] = (),
    kinematics_codes: Sequence[int] = (),
) -> Tail:
    """The written part with the instruction's word ids given as the words of both levels.

    Nothing learns to write them, and the codes' echo is left out: there is nothing to compare.
    """
    tail = written_part(vocabulary, words, words, goal_codes, kinematics_codes)
    count = len(tail.ids) - len(goal_codes) - len(kinematics_codes)
    cut = Tail(*(getattr(tail, field.name)[:count] for field in fields(Tail)))
    return replace(cut, text=[False] * count)


class InstructionBatches(BatchMaker):
    """Draws the same batches, without words."""

    def _longest(self) -> int:
        config = self._config
        words = [0] * (config.max_instruction_tokens - 1)
        codes = [0] * config.goal_codes, [0] * config.kinematics_codes
        return len(written_without_reasoning(self._vocabulary, words, *codes).ids)

    def _tail(
        self,
        prompt: tuple[list[int], list[int]],
        task: int,
        codes: NDArray[np.int64],
        disturbed: bool,
        refused: bool,
    ) -> Tail:
        # The first token is the delimiter.
        words = [i for i, kind in zip(*prompt, strict=True) if kind == Segment.INSTRUCTION][1:]
        split = self._config.goal_codes
        tail = written_without_reasoning(
            self._vocabulary, words, codes[:split].tolist(), codes[split:].tolist()
        )
        return goal_codes_given(tail, split) if disturbed and split else tail
