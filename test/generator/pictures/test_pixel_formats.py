"""Pixel formats of cameras: a scene goes through each and keeps its colours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.generator.pictures.pixel_formats import PIXEL_FORMATS, rgb

COLOURS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [180, 180, 60]], np.uint8)
SCENE = np.repeat(np.repeat(COLOURS.reshape(2, 2, 3), 8, axis=0), 10, axis=1)
"""Four patches of plain colour, shape (16, 20, 3)."""
CENTRES = SCENE[4::8, 5::10]


def yuv(scene: np.ndarray) -> np.ndarray:
    """BT.601 in the range of video, written out from the standard."""
    r, g, b = np.moveaxis(scene.astype(float), -1, 0)
    y = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    u = 128 - 0.148 * r - 0.291 * g + 0.439 * b
    v = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    return np.stack([y, u, v], -1).round().astype(np.uint8)


def pairs(order: str) -> np.ndarray:
    """Two pixels in four bytes, such as `uyvy`."""
    left, right = yuv(SCENE)[:, ::2], yuv(SCENE)[:, 1::2]
    y = iter((left[..., 0], right[..., 0]))
    parts = {"u": left[..., 1], "v": left[..., 2]}
    return np.stack([next(y) if name == "y" else parts[name] for name in order], -1)


def planes(order: str) -> np.ndarray:
    """All brightness, then colours of four pixels each, as NV12 and NV21 have them."""
    values = yuv(SCENE)
    quarter = values[::2, ::2]
    colours = np.stack([quarter[..., "yuv".index(name)] for name in order], -1)
    return np.concatenate([values[..., 0].ravel(), colours.ravel()])


def bayer(pattern: str) -> np.ndarray:
    """One colour a pixel; the pattern names the first two rows as a sensor's sheet does."""
    mosaic = np.empty(SCENE.shape[:2], np.uint8)
    for index, name in enumerate(pattern):
        at = np.s_[index // 2 :: 2, index % 2 :: 2]
        mosaic[at] = SCENE[..., "rgb".index(name)][at]
    return mosaic


def with_alpha(scene: np.ndarray) -> np.ndarray:
    return np.dstack([scene, np.full(scene.shape[:2], 7, np.uint8)])


ENCODED: dict[str, Callable[[], np.ndarray]] = {
    "rgba8": lambda: with_alpha(SCENE),
    "bgra8": lambda: with_alpha(SCENE[..., ::-1]),
    "yuv422": lambda: pairs("uyvy"),
    "uyvy": lambda: pairs("uyvy"),
    "yuv422_yuy2": lambda: pairs("yuyv"),
    "yuyv": lambda: pairs("yuyv"),
    "nv12": lambda: planes("uv"),
    "nv21": lambda: planes("vu"),
    **{f"bayer_{p}8": lambda p=p: bayer(p) for p in ("rggb", "bggr", "gbrg", "grbg")},  # type: ignore[misc]
}
STEPS = {"rgba8": 80, "bgra8": 80, "yuv422": 40, "uyvy": 40, "yuv422_yuy2": 40, "yuyv": 40}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_scene_keeps_its_colours(encoding: str) -> None:
    data = ENCODED[encoding]().reshape(-1)
    picture = rgb(data, encoding, 20, 16, STEPS.get(encoding, 20), False)
    assert picture.shape == SCENE.shape
    assert np.abs(picture[4::8, 5::10].astype(int) - CENTRES).max() <= 4


@pytest.mark.parametrize("big_endian", [False, True])
def test_grey_of_sixteen_bits_keeps_its_upper_eight(big_endian: bool) -> None:
    values = np.array([[0, 255, 256, 65535]], ">u2" if big_endian else "<u2")
    picture = rgb(values.view(np.uint8).ravel(), "mono16", 4, 1, 8, big_endian)
    np.testing.assert_array_equal(picture[0, :, 1], [0, 0, 1, 255])


@given(
    st.sampled_from(sorted(PIXEL_FORMATS)),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 60),
    st.integers(0, 600),
)
def test_any_sizes_give_a_picture_or_a_refusal(
    encoding: str, width: int, height: int, step: int, size: int
) -> None:
    data = np.zeros(size, np.uint8)
    try:
        picture = rgb(data, encoding, width, height, step, False)
    except ValueError as error:
        assert "does not fit" in str(error)
    else:
        assert picture.shape == (height, width, 3)


def test_every_format_is_tried() -> None:
    assert {"mono8", "mono16", *ENCODED} == set(PIXEL_FORMATS)
