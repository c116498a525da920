"""The newest pictures and joint states that belong together."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from kinevla_ros.nodes.images import picture_topic, to_array

CAMERAS = ("front", "wrist")
FRAMES_KEPT = 4
SAMPLES_KEPT = 64


class NoObservation(RuntimeError):
    """Nothing to infer from; the message says what is missing."""


class Frame(NamedTuple):
    """A picture and its time, s."""

    stamp: float
    image: Image | CompressedImage


class JointSample(NamedTuple):
    """Joint positions, shape (7,), rad, and the gripper's opening, m, at a time, s."""

    stamp: float
    joints: NDArray[np.float64]
    gripper: float


@dataclass(frozen=True)
class Observation:
    """What one inference sees.

    Attributes:
        stamp: time of the older picture, s.
        ros_stamp: the same as its message says it.
        messages: camera to picture as it came.
        joints: joint positions at that time, shape (7,), rad.
        gripper: opening, m.
    """

    stamp: float
    ros_stamp: Time
    messages: dict[str, Image | CompressedImage]
    joints: NDArray[np.float64]
    gripper: float

    @cached_property
    def images(self) -> dict[str, NDArray[np.uint8]]:
        """Camera to RGB picture, shape (height, width, 3); only those that are used are decoded.

        Raises:
            ImageError: a picture cannot be read.
        """
        return {camera: to_array(message) for camera, message in self.messages.items()}


class Observations:
    """Collects from one thread, gives to another.

    Args:
        max_age: oldest usable picture or joint state, s.
        max_skew: largest time between the pictures of the two cameras, and between a picture and
            the joint state, s.
        transport: how pictures come, for `topics`.

    Attributes:
        topics: camera to the topic of its pictures.
    """

    def __init__(self, max_age: float, max_skew: float, transport: str = "raw") -> None:
        self.topics = {camera: picture_topic(camera, transport) for camera in CAMERAS}
        self._max_age, self._max_skew = max_age, max_skew
        self._frames: dict[str, deque[Frame]] = {c: deque(maxlen=FRAMES_KEPT) for c in CAMERAS}
        self._samples: deque[JointSample] = deque(maxlen=SAMPLES_KEPT)
        self._joint_problem = ""
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._samples.clear()
            for frames in self._frames.values():
                frames.clear()

    def add_image(self, camera: str, stamp: float, image: Image | CompressedImage) -> None:
        """Take a picture and its time (s)."""
        with self._lock:
            self._frames[camera].append(Frame(stamp, image))

    def add_joints(self, stamp: float, joints: NDArray[np.float64], gripper: float) -> None:
        """Take joint positions, shape (7,), rad, the gripper's opening (m) and their time (s)."""
        with self._lock:
            self._samples.append(JointSample(stamp, joints, gripper))
            self._joint_problem = ""

    def miss_joints(self, problem: str) -> None:
        """Take note that a joint state came which is of no use, and why."""
        with self._lock:
            self._samples.clear()
            self._joint_problem = problem

    def newest(self, now: float) -> Observation:
        """Return the newest pictures that belong together, with the joint state of their time.

        Raises:
            NoObservation: something is missing, too old, or too far apart in time.
        """
        with self._lock:
            frames = {camera: list(kept) for camera, kept in self._frames.items()}
            samples = list(self._samples)
        for camera, kept in frames.items():
            self._require_fresh(f"picture on {self.topics[camera]}", [f.stamp for f in kept], now)
        if self._joint_problem:
            raise NoObservation(self._joint_problem)
        self._require_fresh("message on /joint_states", [s.stamp for s in samples], now)
        front, wrist = self._pair(frames["front"], frames["wrist"])
        older = min(front, wrist, key=lambda frame: frame.stamp)
        self._require_fresh("pair of pictures", [older.stamp], now)
        sample = min(samples, key=lambda s: abs(s.stamp - older.stamp))
        if (gap := abs(sample.stamp - older.stamp)) > self._max_skew:
            raise NoObservation(
                f"pictures and joint states are {gap:.2f} s apart (at most {self._max_skew:.2f}): "
                "check that their computers' clocks agree"
            )
        messages = {"front": front.image, "wrist": wrist.image}
        ros_stamp = older.image.header.stamp
        return Observation(older.stamp, ros_stamp, messages, sample.joints, sample.gripper)

    def _require_fresh(self, what: str, stamps: list[float], now: float) -> None:
        if not stamps:
            raise NoObservation(f"no {what} has come")
        age = now - max(stamps)
        if not -self._max_skew <= age <= self._max_age:
            raise NoObservation(
                f"the last {what} is {age:.2f} s old (at most {self._max_age:.2f}): check that it "
                "is still published, and that the computers' clocks agree"
            )

    def _pair(self, fronts: list[Frame], wrists: list[Frame]) -> tuple[Frame, Frame]:
        """The newest front and wrist picture within the skew."""
        pairs = [(front, wrist) for front in fronts for wrist in wrists]
        skews = [abs(front.stamp - wrist.stamp) for front, wrist in pairs]
        fitting = [p for p, skew in zip(pairs, skews, strict=True) if skew <= self._max_skew]
        if not fitting:
            raise NoObservation(
                f"front and wrist pictures are {min(skews):.2f} s apart (at most "
                f"{self._max_skew:.2f}): check that both cameras keep their rate"
            )
        return max(fitting, key=lambda pair: min(pair[0].stamp, pair[1].stamp))
