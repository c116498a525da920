"""Image messages to arrays; RGB and BGR without a copy, cv_bridge for what is rare.

A message is one of rclpy's or one of whatever reads a bag: only its fields are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import cv2
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base import topics
from kinevla_ros.generator.pictures.header import JPEG, PNG
from kinevla_ros.generator.pictures.header import picture_size as header_size
from kinevla_ros.generator.pictures.pixel_formats import PIXEL_FORMATS, rgb

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage, Image

BYTES = 3

ENDS = {JPEG: b"\xff\xd9", PNG[:2]: b"IEND\xaeB`\x82"}
"""First and last bytes of JPEG and PNG. OpenCV 4 decodes a JPEG cut short, grey from there on."""


def picture_topic(camera: str, transport: str) -> str:
    """Where the colour pictures of `front` or `wrist` come."""
    topic = f"/{topics.PICTURES.format(camera)}"
    return topic if transport == "raw" else f"{topic}/{transport}"


class ImageError(ValueError):
    """An image message cannot be read; the message names the encoding and the way out."""


def picture_size(message: Image | CompressedImage) -> tuple[int, int]:
    """Return width and height in pixels, from the header alone: nothing is decoded.

    Raises:
        ImageError: the picture is compressed and neither JPEG nor PNG.
    """
    if not _is_compressed(message):
        return message.width, message.height
    data = bytes(message.data)
    size = header_size(data)
    if size is None:
        raise ImageError(
            f'a compressed picture ("{message.format}", {len(data)} bytes) is damaged or neither '
            "JPEG nor PNG: check the network and the camera driver"
        )
    return size


def to_array(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """Return the image as RGB, shape (height, width, 3); a view of the message where possible.

    Raises:
        ImageError: the message is inconsistent or damaged, has no colours, or its encoding needs
            cv_bridge and there is none.
    """
    if _is_compressed(message):
        return _decompressed(message)
    if message.encoding in PIXEL_FORMATS:
        return _converted(message)
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


def _is_compressed(message: Image | CompressedImage) -> TypeGuard[CompressedImage]:
    return not hasattr(message, "encoding")


def _decompressed(message: CompressedImage) -> NDArray[np.uint8]:
    """Decode a picture of image_transport's `compressed`, as its own subscriber does."""
    said, data = message.format, bytes(message.data)
    if not any(data.startswith(a) and data.rstrip(b"\0").endswith(b) for a, b in ENDS.items()):
        raise ImageError(
            f'a compressed picture ("{said}", {len(data)} bytes) is damaged or neither JPEG nor '
            "PNG: check the network and the camera driver"
        )
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # such as a size in the header that no memory holds
        image = None
    if image is None:
        raise ImageError(f'a compressed picture ("{said}") is damaged: check the camera driver')
    if image.dtype != np.uint8 or image.shape[2:] != (BYTES,):
        raise ImageError(
            f'a compressed picture ("{said}") has shape {image.shape} and type {image.dtype}, not '
            "three colours of 8 bit: let the camera publish rgb8 or bgr8"
        )
    # "rgb8; jpeg compressed bgr8" was put in the order that decoding expects; "rgb8; jpeg
    # compressed rgb8" was not, so it comes out as it went in. A bare "jpeg" follows the standard.
    as_it_was = "compressed rgb" in said
    return np.asarray(image if as_it_was else image[..., ::-1])


def _converted(message: Image) -> NDArray[np.uint8]:
    data = np.frombuffer(message.data, np.uint8)
    size = message.width, message.height, message.step
    try:
        return rgb(data, message.encoding, *size, bool(message.is_bigendian))
    except ValueError as error:
        raise ImageError(f"an image says {error}; check the camera driver") from error


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
