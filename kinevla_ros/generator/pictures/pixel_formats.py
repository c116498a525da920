"""Raw pixel formats of cameras as RGB, by OpenCV; names as in ROS (sensor_msgs/image_encodings)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the bytes of a picture lie in memory, and OpenCV's way from there to RGB."""

    channels: int
    """Values per pixel in a row; 1 for Bayer patterns and planes."""
    to_rgb: int
    depth: type[np.unsignedinteger] = np.uint8
    rows: float = 1.0
    """Rows of values per row of pixels: nv12 has half a row of colours for each of brightness."""


PIXEL_FORMATS = {
    "rgba8": PixelFormat(4, cv2.COLOR_RGBA2RGB),
    "bgra8": PixelFormat(4, cv2.COLOR_BGRA2RGB),
    "mono8": PixelFormat(1, cv2.COLOR_GRAY2RGB),
    "mono16": PixelFormat(1, cv2.COLOR_GRAY2RGB, np.uint16),
    "yuv422": PixelFormat(2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": PixelFormat(2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": PixelFormat(2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": PixelFormat(2, cv2.COLOR_YUV2RGB_YUY2),
    "nv12": PixelFormat(1, cv2.COLOR_YUV2RGB_NV12, rows=1.5),
    "nv21": PixelFormat(1, cv2.COLOR_YUV2RGB_NV21, rows=1.5),
    # OpenCV names a pattern by its second row and column, ROS by its first.
    "bayer_rggb8": PixelFormat(1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": PixelFormat(1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": PixelFormat(1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": PixelFormat(1, cv2.COLOR_BayerGB2RGB),
}


def rgb(
    data: NDArray[np.uint8], encoding: str, width: int, height: int, step: int, big_endian: bool
) -> NDArray[np.uint8]:
    """Return a picture as RGB, shape (height, width, 3).

    Args:
        data: the bytes of the picture, flat.
        encoding: one of `PIXEL_FORMATS`.
        step: bytes from one row to the next.
        big_endian: order of the bytes of a 16-bit value.

    Raises:
        ValueError: sizes do not belong together.
    """
    form = PIXEL_FORMATS[encoding]
    size = np.dtype(form.depth).itemsize
    rows = height * form.rows
    used = width * form.channels * size
    halved = form.channels == 2 or form.rows != 1
    if (
        not (width and height)
        or step < used
        or step % size
        or rows % 1
        or data.size != rows * step
        or (halved and width % 2)
    ):
        raise ValueError(
            f"{width} x {height} {encoding} with step {step} does not fit {data.size} bytes"
        )
    values = data.reshape(int(rows), step)[:, :used]
    if form.depth is np.uint16:
        order = ">u2" if big_endian else "<u2"
        values = (np.ascontiguousarray(values).view(order) >> 8).astype(np.uint8)
    shape = (int(rows), width) + ((form.channels,) if form.channels > 1 else ())
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(values).reshape(shape), form.to_rgb))
