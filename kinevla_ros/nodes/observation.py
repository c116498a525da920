"""The newest pictures and joint states that belong together."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from kinevla_ros.nodes.images import to_array

CAMERAS = ("front", "wrist")
FRAMES_KEPT = 4
STATES_KEPT = 64


class NoObservation(RuntimeError):
    """Nothing to infer from; the message says what is missing."""


@dataclass(frozen=True)
class Observation:
    """What one inference sees.

    Attributes:
        stamp: time of the older picture, s.
        images: camera to RGB picture, shape (height, width, 3).
        joints: joint positions at that time, shape (7,), rad.
        gripper: opening, m.
    """

    stamp: float
    images: dict[str, NDArray[np.uint8]]
    joints: NDArray[np.float64]
    gripper: float


class Observations:
    """Collects from one thread, gives to another.

    Args:
        max_age: oldest usable picture or joint state, s.
        max_skew: largest time between the pictures of the two cameras, and between a picture and
            the joint state, s.
    """

    def __init__(self, max_age: float, max_skew: float) -> None:
        self._max_age, self._max_skew = max_age, max_skew
        self._frames: dict[str, deque[tuple[float, Image]]] = {
            camera: deque(maxlen=FRAMES_KEPT) for camera in CAMERAS
        }
        self._states: deque[tuple[float, NDArray[np.float64], float]] = deque(maxlen=STATES_KEPT)
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._states.clear()
            for frames in self._frames.values():
                frames.clear()

    def add_image(self, camera: str, stamp: float, image: Image) -> None:
        """Take a picture and its time (s)."""
        with self._lock:
            self._frames[camera].append((stamp, image))

    def add_joints(self, stamp: float, joints: NDArray[np.float64], gripper: float) -> None:
        """Take joint positions, shape (7,), rad, the gripper's opening (m) and their time (s)."""
        with self._lock:
            self._states.append((stamp, joints, gripper))

    def newest(self, now: float) -> Observation:
        """Return the newest pictures that belong together, with the joint state of their time.

        Raises:
            NoObservation: something is missing, too old, or too far apart in time.
            ImageError: a picture's encoding cannot be read.
        """
        with self._lock:
            frames = {camera: list(kept) for camera, kept in self._frames.items()}
            states = list(self._states)
        for camera, kept in frames.items():
            self._require_fresh(f"picture on /camera/{camera}", [f[0] for f in kept], now)
        self._require_fresh("message on /joint_states", [s[0] for s in states], now)
        stamp, pair = self._pair(frames)
        self._require_fresh("pair of pictures", [stamp], now)
        at, joints, gripper = min(states, key=lambda state: abs(state[0] - stamp))
        if abs(at - stamp) > self._max_skew:
            raise NoObservation(
                f"pictures and joint states are {abs(at - stamp):.2f} s apart (at most "
                f"{self._max_skew:.2f}): check that their computers' clocks agree"
            )
        images = {camera: to_array(image) for camera, image in pair.items()}
        return Observation(stamp, images, joints, gripper)

    def _require_fresh(self, what: str, stamps: list[float], now: float) -> None:
        if not stamps:
            raise NoObservation(f"no {what} has come")
        age = now - max(stamps)
        if not -self._max_skew <= age <= self._max_age:
            raise NoObservation(
                f"the last {what} is {age:.2f} s old (at most {self._max_age:.2f}): check that it "
                "is still published, and that the computers' clocks agree"
            )

    def _pair(self, frames: dict[str, list[tuple[float, Image]]]) -> tuple[float, dict[str, Image]]:
        """The newest two pictures within the skew, and the older one's time."""
        pairs = [(front, wrist) for front in frames["front"] for wrist in frames["wrist"]]
        fitting = [p for p in pairs if abs(p[0][0] - p[1][0]) <= self._max_skew]
        if not fitting:
            skew = min(abs(front[0] - wrist[0]) for front, wrist in pairs)
            raise NoObservation(
                f"front and wrist pictures are {skew:.2f} s apart (at most {self._max_skew:.2f}): "
                "check that both cameras keep their rate"
            )
        front, wrist = max(fitting, key=lambda p: min(p[0][0], p[1][0]))
        return min(front[0], wrist[0]), {"front": front[1], "wrist": wrist[1]}
