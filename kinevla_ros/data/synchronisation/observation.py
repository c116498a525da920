"""The newest pictures and joint states that belong together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.observation import Observation
from kinevla_ros.data.synchronisation.images import (
    ImageError,
    picture_size,
    picture_topic,
    to_array,
)
from kinevla_ros.data.synchronisation.joint_states import JointStates
from kinevla_ros.data.synchronisation.stamp_checks import Arrival, staleness
from kinevla_ros.generator.pictures.checks import PictureLimits

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import CompressedImage, Image, JointState

Read = TypeVar("Read")
FRAMES_KEPT = 4
SAMPLES_KEPT = 64


class NoObservation(RuntimeError):
    """Nothing to infer from; the message says what is missing."""


class ReceivedPicture(NamedTuple):
    """A picture."""

    arrival: Arrival
    image: Image | CompressedImage

    @property
    def stamp(self) -> float:
        """Its time, s."""
        return self.arrival.stamp


class JointSample(NamedTuple):
    """Joint positions, shape (7,), rad, and the gripper's opening, m."""

    arrival: Arrival
    joints: NDArray[np.float64]
    gripper: float

    @property
    def stamp(self) -> float:
        """Their time, s."""
        return self.arrival.stamp


@dataclass(frozen=True)
class ReceivedObservation:
    """Messages of which one inference sees the content.

    Attributes:
        stamp: time of the older picture, s.
        ros_stamp: the same as its message says it.
        messages: camera to picture as it came.
        joints: joint positions at that time, shape (7,), rad.
        gripper: opening, m.
        limits: what size a picture may have.
    """

    stamp: float
    ros_stamp: Time
    messages: dict[str, Image | CompressedImage]
    joints: NDArray[np.float64]
    gripper: float
    limits: PictureLimits

    @cached_property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Camera to width and height, pixels, as the picture's header says; nothing is decoded.

        Raises:
            ImageError: a header cannot be read.
            PictureFault: a size is absurd.
        """
        sizes = {camera: _naming(camera, picture_size, m) for camera, m in self.messages.items()}
        for camera, size in sizes.items():
            self.limits.require_size(camera, *size)
        return sizes

    @cached_property
    def images(self) -> dict[str, NDArray[np.uint8]]:
        """Camera to RGB picture, shape (height, width, 3); only those that are used are decoded.

        Raises:
            ImageError: a picture cannot be read.
            PictureFault: its size is absurd; nothing is decoded then.
        """
        return {camera: _naming(camera, to_array, self.messages[camera]) for camera in self.sizes}

    @property
    def observation(self) -> Observation:
        """For the policy; raises what `images` raises."""
        return Observation(self.images, self.joints, self.gripper, self.stamp)


class Observations:
    """Collects from one thread, gives to another.

    Args:
        max_age: oldest usable picture or joint state, s.
        max_skew: largest time between the pictures of the two cameras, and between a picture and
            the joint state, s.
        transport: how pictures come, for `topics`.
        limits: what size a picture may have.

    Attributes:
        topics: camera to the topic of its pictures.
    """

    def __init__(
        self,
        max_age: float,
        max_skew: float,
        transport: str = "raw",
        limits: PictureLimits = PictureLimits(),  # noqa: B008
    ) -> None:
        self.topics = {camera: picture_topic(camera, transport) for camera in CAMERAS}
        self._max_age, self._max_skew, self._limits = max_age, max_skew, limits
        self._frames: dict[str, deque[ReceivedPicture]] = {
            c: deque(maxlen=FRAMES_KEPT) for c in CAMERAS
        }
        self._samples: deque[JointSample] = deque(maxlen=SAMPLES_KEPT)
        self._joint_states, self._joint_problem = JointStates(), ""
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._samples.clear()
            self._joint_problem = ""
            for frames in self._frames.values():
                frames.clear()

    def add_image(self, camera: str, arrival: Arrival, image: Image | CompressedImage) -> None:
        """Take a picture."""
        with self._lock:
            self._frames[camera].append(ReceivedPicture(arrival, image))

    def add_joints(self, arrival: Arrival, joints: NDArray[np.float64], gripper: float) -> None:
        """Take joint positions, shape (7,), rad, and the gripper's opening (m)."""
        with self._lock:
            self._samples.append(JointSample(arrival, joints, gripper))
            self._joint_problem = ""

    def read_joints(self, arrival: Arrival, message: JointState) -> None:
        """Take a message of /joint_states, or note what is wrong with it."""
        try:
            state = self._joint_states.read(message, arrival.at)
        except ValueError as problem:
            self.miss_joints(str(problem))
            return
        if state is not None:
            self.add_joints(arrival, *state)

    def miss_joints(self, problem: str) -> None:
        """Take note that a joint state came which is of no use, and why."""
        with self._lock:
            self._samples.clear()
            self._joint_problem = problem

    def newest(self, now: float) -> ReceivedObservation:
        """Return the newest pictures that belong together, with the joint state of their time.

        Raises:
            NoObservation: something is missing, too old, or too far apart in time.
        """
        with self._lock:
            frames = {camera: list(kept) for camera, kept in self._frames.items()}
            samples = list(self._samples)
        for camera, kept in frames.items():
            self._require_fresh(f"picture on {self.topics[camera]}", kept, now)
        if self._joint_problem:
            raise NoObservation(self._joint_problem)
        self._require_fresh("message on /joint_states", samples, now)
        front, wrist = self._pair(frames["front"], frames["wrist"])
        older = min(front, wrist, key=lambda frame: frame.stamp)
        self._require_fresh("pair of pictures", [older], now)
        sample = min(samples, key=lambda s: abs(s.stamp - older.stamp))
        if (gap := abs(sample.stamp - older.stamp)) > self._max_skew:
            raise NoObservation(
                f"pictures and joint states are {gap:.2f} s apart (at most {self._max_skew:.2f}): "
                "check that their computers' clocks agree"
            )
        messages = {"front": front.image, "wrist": wrist.image}
        ros_stamp = older.image.header.stamp
        state = sample.joints, sample.gripper
        return ReceivedObservation(older.stamp, ros_stamp, messages, *state, self._limits)

    def front(self, now: float) -> NDArray[np.uint8] | None:
        """The front camera's newest picture, RGB, shape (height, width, 3); None if it is old.

        Raises:
            ImageError, PictureFault: see `ReceivedObservation.images`.
        """
        with self._lock:
            newest = self._frames["front"][-1] if self._frames["front"] else None
        if newest is None or now - newest.arrival.at > self._max_age:
            return None
        self._limits.require_size("front", *picture_size(newest.image))
        return to_array(newest.image)

    def _require_fresh(
        self, what: str, kept: Sequence[ReceivedPicture] | Sequence[JointSample], now: float
    ) -> None:
        if not kept:
            raise NoObservation(f"no {what} has come")
        age = now - max(each.stamp for each in kept)
        if not -self._max_skew <= age <= self._max_age:
            arrivals = [each.arrival for each in kept]
            raise NoObservation(staleness(what, arrivals, now, self._max_age))

    def _pair(
        self, fronts: list[ReceivedPicture], wrists: list[ReceivedPicture]
    ) -> tuple[ReceivedPicture, ReceivedPicture]:
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


def _naming(
    camera: str, read: Callable[[Image | CompressedImage], Read], message: Image | CompressedImage
) -> Read:
    try:
        return read(message)
    except ImageError as problem:
        raise ImageError(f"{camera} camera: {problem}") from problem
