"""Cameras and an arm at rest, in a bench's own process."""

from __future__ import annotations

import array
import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from node_bench import Bench
from pictures import scene
from sensor_msgs.msg import CompressedImage, Image, JointState

from kinevla_ros.data.synchronisation.images import picture_topic
from kinevla_ros.nodes.ros.images import TRANSPORTS, to_message
from kinevla_ros.nodes.ros.messages import Stamps, joints_to_message

JOINTS = np.linspace(-0.3, 0.3, 7)
SCENES = {camera: scene(n, 96, 128) for n, camera in enumerate(("front", "wrist"))}
GRIPPER = 0.05


class FakeCell:
    """Publishes pictures and joint states until the test stops it.

    Attributes:
        mute: what does not come, of `front`, `wrist` and `joints`.
        encoding: what raw pictures say they are.
        skew: by which its clock is behind, s.
        lag: by which the wrist's pictures are older, s.
        cut: bytes that are missing at the end of compressed pictures.
        pictures: what each camera shows.
        joints, gripper: where the arm stands, rad and m.
        doubled: names that joint states hold twice.
        stamp: makes each picture's stamp, where it is not the time it shows.
    """

    def __init__(
        self, bench: Bench, images: Mapping[str, np.ndarray] = SCENES, transport: str = "raw"
    ) -> None:
        self._clock, self._images, self._transport = bench.client.get_clock(), images, transport
        self._publishers = {
            camera: bench.publisher(TRANSPORTS[transport], picture_topic(camera, transport))
            for camera in images
        }
        self._joints = bench.publisher(JointState, "/joint_states")
        self.reset()
        bench.client.create_timer(0.03, self._publish)

    def reset(self) -> None:
        self.mute: set[str] = set()
        self.encoding, self.skew, self.lag, self.cut = "rgb8", 0.0, 0.0, 0
        self.pictures, self.joints, self.gripper = dict(self._images), JOINTS, GRIPPER
        self.doubled: tuple[str, ...] = ()
        self.stamp: Callable[[Time], Time] = lambda stamp: stamp

    def _publish(self) -> None:
        stamps, now = Stamps(self._clock), time.monotonic() - self.skew
        for camera, publisher in self._publishers.items():
            stamp = self.stamp(stamps.to_ros(now - (self.lag if camera == "wrist" else 0.0)))
            if camera not in self.mute:
                publisher.publish(self._picture(self.pictures[camera], stamp))
        if "joints" not in self.mute:
            state = joints_to_message(self.joints, self.gripper, stamps.to_ros(now))
            for name in self.doubled:
                state.name.append(name)
                state.position.append(0.0)
            self._joints.publish(state)

    def _picture(self, image: np.ndarray, stamp: Time) -> Image | CompressedImage:
        if self._transport == "compressed":
            message = compressed(image, ".png", "rgb8; png compressed bgr8", cut=self.cut)
            message.header.stamp = stamp
            return message
        message = to_message(image, stamp, "")
        message.encoding = self.encoding
        return message


def compressed(image: np.ndarray, kind: str, said: str, cut: int = 0) -> CompressedImage:
    """An RGB picture as image_transport sends it; `kind` is `.png` or `.jpg`."""
    data = cv2.imencode(kind, image[..., ::-1])[1].tobytes()
    return CompressedImage(format=said, data=array.array("B", data[: len(data) - cut]))
