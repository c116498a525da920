"""One demonstration: what the cameras and joints showed, what was done, and why in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75

MOST_TEXT = 10_000
"""Characters of an instruction."""
STATE_NAMES = RM75.state_names

Image = NDArray[np.uint8]
Vector = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Frame:
    """One time step of a demonstration; vectors are kept as float32.

    Attributes:
        images: Picture by camera, rgb, shape (height, width, 3).
        state: What was measured, shape (S,); the dataset's `ActionSpace` names it.
        action: What was done until the next step, shape (D,); alike.
        goal: Reasoning text of the goal level; empty where nobody has written it yet.
        kinematics: Reasoning text of the kinematics level, likewise.
        vectors: Further float vectors by feature name, each of shape (n,).

    Raises:
        ValueError: An image is not uint8 rgb, a vector has a wrong shape or is not finite.
    """

    images: Mapping[str, Image]
    state: Vector
    action: Vector
    goal: str = ""
    kinematics: str = ""
    vectors: Mapping[str, Vector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for camera, image in self.images.items():
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise ValueError(
                    f"{camera} is {image.dtype} of shape {image.shape}; "
                    "an image is uint8 rgb of shape (height, width, 3)"
                )
        for name in ("state", "action"):
            object.__setattr__(self, name, _finite(name, getattr(self, name)))
        vectors = {name: _finite(name, vector) for name, vector in self.vectors.items()}
        object.__setattr__(self, "vectors", vectors)


@dataclass(frozen=True, eq=False)
class Episode:
    """A demonstration of one instruction, frames at the dataset's rate.

    Raises:
        ValueError: There is no frame or no instruction, or it is too long.
    """

    instruction: str
    frames: Sequence[Frame]

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("an episode needs at least one frame")
        if not self.instruction.strip():
            raise ValueError("an episode needs its instruction")
        if len(self.instruction) > MOST_TEXT:
            raise ValueError(f"an instruction has at most {MOST_TEXT} characters; shorten it")


def _finite(name: str, values: Vector) -> Vector:
    vector = np.array(values, dtype=np.float32)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; it must be a vector")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} holds NaN or infinity; such a frame teaches nothing")
    return vector
