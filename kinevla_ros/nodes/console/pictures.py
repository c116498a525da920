"""Cameras for a page: few pictures, small ones, by a thread that gives way to all others."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image

from kinevla_ros.data.synchronisation.images import ImageError, to_array
from kinevla_ros.generator.pictures.header import JPEG
from kinevla_ros.nodes.console.web.behind import Picture
from kinevla_ros.nodes.ros.subscribe import PICTURE

WIDTH = 640
"""Of a picture on a page at most, px."""

QUALITY = 75
NICE = 10
LARGEST_CODED = 512 * 1024
"""Of a JPEG that is passed on as it came, bytes."""


class Pictures:
    """Takes serialized messages in whatever thread and codes the newest now and then.

    Args:
        kind: `Image` or `CompressedImage`.
        rate: pictures a second of each camera.
        to_monotonic: of a stamp.
    """

    def __init__(self, kind: type[Any], rate: float, to_monotonic: Callable[[Time], float]) -> None:
        self._kind, self._period, self._to_monotonic = kind, 1 / rate, to_monotonic
        self._wake, self._ended = threading.Condition(), False
        self._waiting: dict[str, tuple[float, bytes]] = {}
        self._due: dict[str, float] = {}
        self._found: dict[str, Picture] = {}
        self.problems: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
        self._thread.start()

    def add(self, camera: str, data: bytes) -> None:
        """Take a serialized message, if it is time for one."""
        now = time.monotonic()
        if len(data) > PICTURE:
            self.problems[camera] = f"a picture of {len(data)} bytes is dropped"
            return
        if now < self._due.get(camera, 0.0):
            return
        self._due[camera] = now + self._period
        with self._wake:
            self._waiting[camera] = now, data
            self._wake.notify()

    def newest(self, camera: str) -> Picture | None:
        """The newest picture of a camera."""
        return self._found.get(camera)

    def close(self) -> None:
        """End the thread."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        self._thread.join(1.0)

    def _run(self) -> None:
        if sys.platform == "linux":
            # There a thread has a niceness of its own.
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                camera, (came, data) = self._waiting.popitem()
            try:
                self._take(camera, came, data)
            except Exception as problem:  # of whatever a driver can send
                self.problems[camera] = str(problem)

    def _take(self, camera: str, came: float, data: bytes) -> None:
        message = deserialize_message(data, self._kind)
        jpeg = coded(message)
        last = self._found.get(camera)
        taken = min(came, self._to_monotonic(message.header.stamp))
        self._found[camera] = Picture(last.number + 1 if last else 1, jpeg, taken)
        self.problems.pop(camera, None)


def coded(message: Image | CompressedImage) -> bytes:
    """A picture as JPEG, at most `WIDTH` wide.

    Raises:
        ImageError: it cannot be read.
    """
    if isinstance(message, CompressedImage) and len(message.data) <= LARGEST_CODED:
        data = bytes(message.data)
        if data.startswith(JPEG):
            return data  # a damaged one does no more harm than a picture that stands still
    image = to_array(message)
    if image.shape[1] > WIDTH:
        size = WIDTH, max(1, round(image.shape[0] * WIDTH / image.shape[1]))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _jpeg(image)


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    bgr = np.ascontiguousarray(image[..., ::-1])
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ImageError(f"a picture of shape {image.shape} cannot be coded as JPEG")
    return data.tobytes()
