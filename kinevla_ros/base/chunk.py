"""The action chunk: five joint and gripper targets that leave the policy together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JOINT_NAMES: tuple[str, ...] = tuple(f"joint{i}" for i in range(1, 8))
HORIZON = 5
ACTION_DIM = len(JOINT_NAMES) + 1
CHUNK_DT = 0.1


@dataclass(frozen=True, eq=False)
class ActionChunk:
    """Absolute targets of one observation; step k (from 0) is due at `stamp + (k + 1) * dt`.

    Attributes:
        stamp: Time of the observation the chunk answers, s.
        sequence: Number of the chunk; grows by one with each chunk of a policy run.
        positions: Joint targets, rad, shape (HORIZON, 7), read-only.
        gripper: Gripper opening, m, 0 is closed, shape (HORIZON,), read-only.
        dt: Time between steps, s.

    Raises:
        ValueError: A shape is wrong, a number is not finite, or dt is not positive.
    """

    stamp: float
    sequence: int
    positions: NDArray[np.float64]
    gripper: NDArray[np.float64]
    dt: float = CHUNK_DT

    def __post_init__(self) -> None:
        shapes = {"positions": (HORIZON, len(JOINT_NAMES)), "gripper": (HORIZON,)}
        for name, shape in shapes.items():
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}; a chunk needs {shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds NaN or infinity; such a chunk must not be sent")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not math.isfinite(self.stamp):
            raise ValueError(f"stamp is {self.stamp}; a chunk needs the observation's time")
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt is {self.dt}; it must be a positive number of seconds")

    def times(self) -> NDArray[np.float64]:
        """Return the time each step is due, s, shape (HORIZON,)."""
        return np.array([self.stamp + self.dt * step for step in range(1, HORIZON + 1)])
