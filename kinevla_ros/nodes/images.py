"""Image messages to arrays and back; plain RGB and BGR without a copy and without cv_bridge."""

from __future__ import annotations

import array
import math
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

BYTES = 3


class ImageError(ValueError):
    """An image message cannot be read; the message names the encoding and the way out."""


def to_array(message: Image) -> NDArray[np.uint8]:
    """Return the image as RGB, shape (height, width, 3); a view of the message where possible.

    Raises:
        ImageError: the message is inconsistent, or its encoding needs cv_bridge and there is none.
    """
    if message.encoding not in ("rgb8", "bgr8"):
        return _through_cv_bridge(message)
    height, width, step = message.height, message.width, message.step
    if not height or step < width * BYTES or len(message.data) != height * step:
        raise ImageError(
            f"an image says {width} x {height} {message.encoding}, step {step}, and holds "
            f"{len(message.data)} bytes; check the camera driver"
        )
    rows = np.frombuffer(message.data, np.uint8).reshape(height, step)
    pixels = rows[:, : width * BYTES].reshape(height, width, BYTES)
    return pixels if message.encoding == "rgb8" else pixels[..., ::-1]


def to_message(image: NDArray[np.uint8], stamp: Time, frame_id: str) -> Image:
    """Return an rgb8 message of an RGB image, shape (height, width, 3)."""
    message = Image(height=image.shape[0], width=image.shape[1], encoding="rgb8")
    message.header.stamp, message.header.frame_id = stamp, frame_id
    message.step = image.shape[1] * BYTES
    # Of everything that the field takes, only an array made so is not copied byte by byte.
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(image).data)
    message.data = data
    return message


def camera_info(
    width: int, height: int, vertical_view: float, stamp: Time, frame_id: str
) -> CameraInfo:
    """Return the intrinsics of a pinhole camera with square pixels and no distortion.

    Args:
        vertical_view: vertical field of view, rad.
    """
    focal = height / 2 / math.tan(vertical_view / 2)
    x, y = (width - 1) / 2, (height - 1) / 2
    info = CameraInfo(height=height, width=width, distortion_model="plumb_bob", d=[0.0] * 5)
    info.header.stamp, info.header.frame_id = stamp, frame_id
    info.k = [focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [focal, 0.0, x, 0.0, 0.0, focal, y, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def _through_cv_bridge(message: Image) -> NDArray[np.uint8]:
    try:
        from cv_bridge import CvBridge
    except ImportError as error:
        raise ImageError(
            f'images come as "{message.encoding}", which needs cv_bridge, and it is not installed: '
            "let the camera publish rgb8 or bgr8, or install ros-<distro>-cv-bridge"
        ) from error
    try:
        image: Any = CvBridge().imgmsg_to_cv2(message, "rgb8")
    except Exception as error:
        # What it raises depends on how it was built: RuntimeError, KeyError, cv2.error.
        raise ImageError(
            f'cv_bridge cannot turn "{message.encoding}" into rgb8 ({error}): '
            "let the camera publish rgb8 or bgr8"
        ) from error
    return np.asarray(image, np.uint8)
