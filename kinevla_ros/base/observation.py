"""What a policy sees at one time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import plain_pictures
from kinevla_ros.base.chunk import JOINT_NAMES


@dataclass(frozen=True, eq=False)
class Observation:
    """Pictures and the arm's measured state of one time.

    Attributes:
        images: camera name, such as `front`, to RGB picture, uint8, shape (height, width, 3).
        joints: measured joint positions, rad, shape (7,).
        gripper: measured opening, m, 0 is closed.
        stamp: time of the older picture, s.
        objects: poses that something else than the policy has found, such as markers: name to
            (x, y, yaw) on the table in `base_link`, shape (3,), m and rad.

    Raises:
        ValueError: A shape or a type is wrong, or a number is not finite.
    """

    images: Mapping[str, NDArray[np.uint8]]
    joints: NDArray[np.float64]
    gripper: float
    stamp: float
    objects: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for camera, image in self.images.items():
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                raise ValueError(
                    f"the picture of the {camera} camera is {image.dtype} of shape {image.shape}; "
                    "give RGB, uint8, (height, width, 3)"
                )
        joints = np.asarray(self.joints, dtype=np.float64)
        if joints.shape != (len(JOINT_NAMES),) or not np.isfinite(joints).all():
            raise ValueError(f"joints are {joints}; give {len(JOINT_NAMES)} finite numbers, rad")
        object.__setattr__(self, "joints", joints)
        for name, pose in self.objects.items():
            if np.shape(pose) != (3,) or not np.isfinite(pose).all():
                raise ValueError(f"the pose of the {name} is {pose}; give finite (x, y, yaw)")
        for name in ("gripper", "stamp"):
            if not math.isfinite(value := getattr(self, name)):
                raise ValueError(f"{name} is {value}; give a finite number")

    @property
    def state(self) -> NDArray[np.float64]:
        """Joint positions (rad) and the gripper's opening (m), shape (8,)."""
        return np.append(self.joints, self.gripper)


def plain_observation(brightness: int = 0, stamp: float = 0.0) -> Observation:
    """Grey pictures and an arm at zero, to warm a policy up with."""
    return Observation(
        plain_pictures(brightness=brightness), np.zeros(len(JOINT_NAMES)), 0.0, stamp
    )
