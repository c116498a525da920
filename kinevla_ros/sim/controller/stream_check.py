"""What the recorded stream of joint targets looked like: rate, and how near it came to limits.

It is differentiated as an arm sees it in time: an arm that gets no target for a while stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.target_sender import STANDING
from kinevla_ros.sim.controller.records import StreamRecord

PAUSE = 0.1
"""Without a target for so long a stream is over and the next one begins, from rest, s."""

BURST = 1e-3
"""Nearer together than this, targets were held up on their way and say nothing of its period, s."""

_REST = 3  # targets in one place: speed, acceleration and jerk are zero

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
        longest_gap: between two targets of a stream, s.
    """

    points: int
    refused: int
    rate: float
    shares: dict[str, float]
    longest_gap: float


def measured_period(record: StreamRecord) -> float:
    """Time between the targets of a stream, s; `STREAM_PERIOD` where none follows another."""
    gaps = _gaps(record)
    return round(float(np.median(gaps)), 4) if len(gaps) else STREAM_PERIOD


def _gaps(record: StreamRecord) -> NDArray[np.float64]:
    """From target to target within a stream, s."""
    gaps = np.diff(record.times)
    return np.asarray(gaps[(gaps >= BURST) & (gaps <= PAUSE)])


def stream_figures(record: StreamRecord, limits: JointLimits, dt: float) -> StreamFigures:
    """Differentiate a record whose targets are meant to be `dt` s apart."""
    gaps = _gaps(record)
    streams = seen_in_time(record, dt)
    shares = {
        name: max((_share(s, order, name, limits, dt) for s in streams), default=0.0)
        for order, name in enumerate(ROUNDING, start=1)
    }
    return StreamFigures(
        points=len(record.times),
        refused=int((~record.accepted).sum()),
        rate=float(1 / np.median(gaps)) if len(gaps) else 0.0,
        shares=shares,
        longest_gap=float(gaps.max(initial=0.0)),
    )


def seen_in_time(record: StreamRecord, dt: float) -> list[NDArray[np.float64]]:
    """Return each stream of a record, shape (n, 7), rad, as if its targets had come `dt` s apart.

    Where none came for `STANDING` periods the last one is repeated until the arm stands; where
    none came for `PAUSE`, the next stream begins with an arm that rests at its first target.
    """
    if not len(record.times):
        return []
    streams = [[record.targets[0]]]
    for gap, target in zip(np.diff(record.times), record.targets[1:], strict=True):
        if gap > PAUSE:
            streams.append([target] * _REST)
        elif gap > STANDING * dt:
            streams[-1] += [streams[-1][-1]] * _REST
        streams[-1].append(target)
    return [np.array(stream) for stream in streams]


def _share(
    targets: NDArray[np.float64], order: int, name: str, limits: JointLimits, dt: float
) -> float:
    if len(targets) <= order:
        return 0.0
    differences = np.abs(np.diff(targets, order, axis=0)) - ROUNDING[name] * WIRE_STEP
    return float((differences / dt**order / getattr(limits, name)).max())
