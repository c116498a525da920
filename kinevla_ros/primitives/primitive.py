"""TP-GMM and LFE-KMP: a motion learnt in the frames of its start and its end, and put elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinevla_ros.primitives.demonstrations import check, extent
from kinevla_ros.primitives.frames import TaskFrame, seen_from
from kinevla_ros.primitives.gaussians import Gaussians, product
from kinevla_ros.primitives.kmp import KmpSettings, predict, through
from kinevla_ros.primitives.reference import End, followed, regressed, trusted_near

Array = NDArray[np.float64]

SETTINGS = KmpSettings(width=24.0, smoothing=0.01, spread=1.0)
"""For motions whose extent is 1."""

RESAMPLED = 0.06
"""Share of the phases, at each end, that are resampled; much more pins the motion stiff."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """A motion as the frame of its start and the frame of its end see it.

    Attributes:
        start, end: N Gaussians each, of the same phases.
    """

    start: Gaussians
    end: Gaussians

    def between(self, start: TaskFrame, end: TaskFrame) -> Gaussians:
        """The motion between two frames: the product of what both want (eq. 6 of VL-MP).

        Raises:
            ValueError: a frame has another number of dimensions.
        """
        dims = self.start.means.shape[1]
        for frame in (start, end):
            if len(frame.origin) != dims:
                raise ValueError(f"a frame of {len(frame.origin)} dimensions; give {dims}")
        return product(
            self.start.moved(start.axes, start.origin), self.end.moved(end.axes, end.origin)
        )


def tp_gmm(
    demonstrations: Array, starts: Sequence[TaskFrame], ends: Sequence[TaskFrame]
) -> Primitive:
    """Task-parameterised Gaussian mixture: each frame's regression, with nothing added.

    Args:
        demonstrations: shape (M, N, D), at least two.
        starts, ends: the frames of each demonstration's start and end.

    Raises:
        ValueError: demonstrations or frames cannot be learnt from.
    """
    points = check(demonstrations)
    return Primitive(regressed(seen_from(points, starts)), regressed(seen_from(points, ends)))


def lfe_kmp(
    demonstrations: Array,
    starts: Sequence[TaskFrame],
    ends: Sequence[TaskFrame],
    handover: float = 1.0,
) -> Primitive:
    """KMP with local features enhanced: each frame's regression, resampled at its own end.

    Each frame is trusted near its own end (`trusted_near`); there the demonstrations' mean is
    resampled into points to meet, and a KMP is fitted to both (eq. 5). Motions are learnt at the
    extent 1, so that the unit of the demonstrations does not matter.

    Args:
        demonstrations: shape (M, N, D). One is enough: it is followed as it is.
        starts, ends: the frames of each demonstration's start and end.
        handover: how soon the start lets go, see `trusted_near`.

    Raises:
        ValueError: demonstrations or frames cannot be learnt from.
    """
    points = check(demonstrations)
    return Primitive(
        learnt_at(seen_from(points, starts), "start", handover),
        learnt_at(seen_from(points, ends), "end", handover),
    )


def enhanced(
    reference: Gaussians, points: Array, end: End, settings: KmpSettings = SETTINGS
) -> Gaussians:
    """A KMP that meets a motion's points at one end.

    Args:
        reference: N Gaussians, in the unit that the settings mean.
        points: shape (N, D), what is resampled, in that unit.
    """
    count = max(2, round(RESAMPLED * len(points)))
    there = slice(0, count) if end == "start" else slice(-count, None)
    extended = through(reference, reference.phases[there], points[there])
    return predict(extended, reference.phases, settings)


def learnt_at(local: Array, end: End, handover: float = 1.0) -> Gaussians:
    """What LFE-KMP learns in the frame of one end.

    Args:
        local: demonstrations as that frame sees them, shape (M, N, D).
        handover: how soon the start lets go, see `trusted_near`.
    """
    unit = extent(local)
    reference = followed(local[0]) if len(local) == 1 else regressed(local)
    reference = trusted_near(reference, end, unit, handover).scaled(1 / unit)
    return enhanced(reference, local.mean(axis=0) / unit, end).scaled(unit)


def led_through(motion: Gaussians, phases: ArrayLike, points: ArrayLike) -> Gaussians:
    """A motion that also meets points on its way; it gives way where it is least sure.

    Args:
        motion: N Gaussians, as `Primitive.between` returns them.
        phases: shape (R,), 0 to 1, when each is to be met.
        points: shape (R, D), in the unit and frame of the motion.

    Raises:
        ValueError: shapes do not fit, a number is not finite or a phase not within 0 to 1.
    """
    unit = extent(motion.means[None])
    extended = through(motion.scaled(1 / unit), phases, np.asarray(points, float) / unit)
    return predict(extended, motion.phases, SETTINGS).scaled(unit)
