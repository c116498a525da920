"""Arrays to image messages, and the messages that pictures come in."""

from __future__ import annotations

import array
import math
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

TRANSPORTS: dict[str, Any] = {"raw": Image, "compressed": CompressedImage}
"""Message of each of image_transport's transports that can be read."""


def transported(topic: str, transport: str) -> str:
    """Where image_transport puts what comes on `topic`."""
    return topic if transport == "raw" else f"{topic}/{transport}"


def to_message(image: NDArray[np.uint8], stamp: Time, frame_id: str) -> Image:
    """Return an rgb8 message of an RGB image, shape (height, width, 3)."""
    message = Image(height=image.shape[0], width=image.shape[1], encoding="rgb8")
    message.header.stamp, message.header.frame_id = stamp, frame_id
    message.step = image.shape[1] * image.shape[2]
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
