"""How near the arm came to what was recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.evaluation.replay.recorded_motion import RecordedMotion

Array = NDArray[np.float64]

LAGS = np.arange(0.0, 0.501, 0.01)
"""By so much the arm may trail, s."""


@dataclass(frozen=True, eq=False)
class TrackingReport:
    """Distance between the recorded motion and the measured one.

    Attributes:
        rms, largest: of joints and gripper, shape (8,), rad and m, each measured point against
            what was due then.
        lag: by which the arm trailed, s: the shift with the least error.
        rms_of_path, largest_of_path: the same without that lag, shape (8,).
    """

    rms: Array
    largest: Array
    lag: float
    rms_of_path: Array
    largest_of_path: Array

    def lines(self) -> list[list[str]]:
        """A row for each joint and the gripper: name, and the four figures as texts."""
        scale = np.array([*np.ones(len(JOINT_NAMES)), 1000.0])
        figures = (self.rms, self.largest, self.rms_of_path, self.largest_of_path)
        names = [*(f"{name} (rad)" for name in JOINT_NAMES), "gripper (mm)"]
        digits = [*[4] * len(JOINT_NAMES), 1]
        return [
            [name, *(f"{figure[row] * scale[row]:.{digits[row]}f}" for figure in figures)]
            for row, name in enumerate(names)
        ]


def tracking_report(motion: RecordedMotion, times: Array, measured: Array) -> TrackingReport:
    """Compare what was measured with what was recorded.

    Args:
        motion: what was sent.
        times: of the measurements since its start, shape (n,), s.
        measured: joints and opening, shape (n, 8), rad and m.

    Raises:
        ValueError: nothing was measured.
    """
    if not len(times):
        raise ValueError("no joint states came while the motion was sent")
    errors = [abs(measured - motion.at(times - lag)) for lag in LAGS]
    best = int(np.argmin([float((e[:, :-1] ** 2).mean()) for e in errors]))
    return TrackingReport(
        _rms(errors[0]),
        errors[0].max(axis=0),
        float(LAGS[best]),
        _rms(errors[best]),
        errors[best].max(axis=0),
    )


def _rms(errors: Array) -> Array:
    return np.asarray(np.sqrt((errors**2).mean(axis=0)))
