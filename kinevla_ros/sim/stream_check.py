"""What the recorded stream of joint targets looked like: rate, and how near it came to limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.sim.controller_records import StreamRecord

PAUSE = 0.1
"""Without a target for so long a stream is over and the next one begins, s."""

WIRE_STEP = np.radians(0.001)
"""Targets go over the wire in steps of a thousandth of a degree, rad."""

ROUNDING = {"velocity": 1, "acceleration": 2, "jerk": 4}
"""Largest effect of the wire's rounding on the differences, in steps."""


@dataclass(frozen=True)
class StreamFigures:
    """Figures of a recorded stream.

    Attributes:
        points: targets that arrived.
        refused: targets that the controller did not take.
        rate: targets a second, median (Hz).
        shares: velocity, acceleration and jerk, differentiated from the targets, as the largest
            share of the limit that any joint reached; what the wire's rounding may add is taken
            off.
    """

    points: int
    refused: int
    rate: float
    shares: dict[str, float]


def stream_figures(record: StreamRecord, limits: JointLimits, dt: float) -> StreamFigures:
    """Differentiate a record whose targets are meant to be `dt` s apart."""
    gaps = np.diff(record.times)
    streams = np.split(record.targets, np.flatnonzero(gaps > PAUSE) + 1)
    shares = {
        name: max((_share(s, order, name, limits, dt) for s in streams), default=0.0)
        for order, name in enumerate(ROUNDING, start=1)
    }
    within = gaps[gaps <= PAUSE]
    return StreamFigures(
        points=len(record.times),
        refused=int((~record.accepted).sum()),
        rate=float(1 / np.median(within)) if len(within) else 0.0,
        shares=shares,
    )


def _share(
    targets: NDArray[np.float64], order: int, name: str, limits: JointLimits, dt: float
) -> float:
    if len(targets) <= order:
        return 0.0
    differences = np.abs(np.diff(targets, order, axis=0)) - ROUNDING[name] * WIRE_STEP
    return float((differences / dt**order / getattr(limits, name)).max())
