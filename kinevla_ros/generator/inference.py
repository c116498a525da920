"""What one inference gave, whoever infers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk


class NotUnderstood(ValueError):
    """The instruction, or the reasoning written for it, names no task or another; nothing moves."""


class NoMotion(RuntimeError):
    """The instruction is understood, but the scene or the arm does not allow it; says why."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a checkpoint of whatever action space answers to an observation.

    Attributes:
        actions: physical, in the units and the order of its action space, shape (H, D); absolute
            ones are targets, no longer offsets.

    The others are those of `Inference`.
    """

    actions: NDArray[np.float64]
    goal: str
    kinematics: str
    goal_codes: tuple[int, ...]
    kinematics_codes: tuple[int, ...]
    draft_accepted: bool
    passes: int
    consistency: float


@dataclass(frozen=True)
class Inference:
    """What one inference gave.

    Attributes:
        sequence: counts inferences from 1; the chunk carries the same number.
        stamp: time of the observation (s).
        goal, kinematics: the reasoning in words.
        goal_codes, kinematics_codes: codebook entry per residual level.
        draft_accepted: whether the words drafted for it were verified and stood: those of the
            previous chunk, or of the way that was read.
        passes: forward passes through the language model.
        model_time: time spent here (s).
        consistency: P(words | codes, observation), see `Consistency`; NaN where nobody asked.
        disagreement: of the last chunks with each other, see `Disagreement`; NaN where it is not
            known.
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
    disagreement: float = math.nan
