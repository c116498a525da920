"""A demonstrated motion of the tool between other ends, by one of three methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.primitives.demonstrations import extent, resampled
from kinevla_ros.primitives.frames import TaskFrame
from kinevla_ros.primitives.primitive import Primitive, led_through, lfe_kmp
from kinevla_ros.primitives.reference import followed, trusted_near

Array = NDArray[np.float64]
Method = Literal["lfe-kmp", "tp-gmm", "kmp"]
METHODS: tuple[Method, ...] = get_args(Method)

PHASES = 100
HANDOVER = 0.5
"""The start lets go early, or an arm that starts low would repeat the demonstrated descent."""

TURN_LENGTH = 0.2
"""A turn of the tool counts as much as this way for each radian (m)."""

NO_HEADING = 0.03
"""A shorter way in the plane has no direction (m)."""


class Motion:
    """One segment of a demonstration, ready to be put elsewhere.

    Its shape is turned with the direction from start to goal in the table plane.

    Args:
        path: tool poses (x, y, z, yaw) at even times, shape (N, 4), m and rad.
        method: `lfe-kmp`; or, to compare, `tp-gmm`: its frames and covariances without the KMP;
            `kmp`: one frame, the base, led through both ends.

    Raises:
        ValueError: the path cannot be learnt from.
    """

    def __init__(self, path: Array, method: Method = "lfe-kmp") -> None:
        self._scale = np.array([1.0, 1.0, 1.0, TURN_LENGTH])
        points = resampled([np.asarray(path) * self._scale], PHASES)[0]
        self._heading = _heading(points[0], points[-1])
        self._generalise = _LEARN[method](points)

    def between(self, start: Array, goal: Array) -> Array:
        """Tool poses at even phases from one pose to another.

        Args:
            start, goal: (x, y, z, yaw), shape (4,); the tool turns by their yaws' difference.

        Returns:
            Shape (PHASES, 4).
        """
        first, last = start * self._scale, goal * self._scale
        heading, shown = _heading(first, last), self._heading
        turn = 0.0 if heading is None or shown is None else heading - shown
        axes = np.eye(4)
        axes[:2, :2] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
        return self._generalise(TaskFrame(axes, first), TaskFrame(axes, last)) / self._scale


Generalise = Callable[[TaskFrame, TaskFrame], Array]


def _heading(start: Array, goal: Array) -> float | None:
    """Direction of a way in the plane, rad; None where it is too short to have one."""
    way = goal[:2] - start[:2]
    return math.atan2(way[1], way[0]) if np.hypot(*way) > NO_HEADING else None


def _lfe_kmp(points: Array) -> Generalise:
    first, last = TaskFrame.at(points[0]), TaskFrame.at(points[-1])
    primitive = lfe_kmp(points[None], [first], [last], HANDOVER)
    return lambda start, goal: primitive.between(start, goal).means


def _tp_gmm(points: Array) -> Generalise:
    unit = extent(points[None])
    primitive = Primitive(
        trusted_near(followed(points - points[0]), "start", unit, HANDOVER),
        trusted_near(followed(points - points[-1]), "end", unit, HANDOVER),
    )
    return lambda start, goal: primitive.between(start, goal).means


def _kmp(points: Array) -> Generalise:
    reference = followed(points)
    return lambda start, goal: (
        led_through(reference, (0.0, 1.0), np.stack([start.origin, goal.origin])).means
    )


_LEARN: dict[Method, Callable[[Array], Generalise]] = {
    "lfe-kmp": _lfe_kmp,
    "tp-gmm": _tp_gmm,
    "kmp": _kmp,
}
