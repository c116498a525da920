"""Image messages to arrays and back."""

from __future__ import annotations

import array
import math
import struct
import sys
import types
import zlib
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from fake_cell import compressed
from sensor_msgs.msg import Image

from kinevla_ros.data.synchronisation.images import ImageError, to_array
from kinevla_ros.nodes.ros.images import camera_info, to_message

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)


def message(encoding: str, data: np.ndarray, padding: int = 0) -> Image:
    """A picture with `padding` bytes at the end of each row."""
    height, width = data.shape[:2]
    rows = np.zeros((height, data[0].size + padding), np.uint8)
    rows[:, : data[0].size] = data.reshape(height, -1)
    image = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
    image.data = array.array("B", rows.tobytes())
    return image


def test_a_picture_comes_back_as_it_was_sent() -> None:
    sent = to_message(PICTURE, Time(sec=3, nanosec=4), "camera")
    assert (sent.encoding, sent.width, sent.height, sent.step) == ("rgb8", 4, 6, 12)
    assert (sent.header.stamp.sec, sent.header.frame_id) == (3, "camera")
    np.testing.assert_array_equal(to_array(sent), PICTURE)


def test_a_strided_picture_is_sent_as_it_looks() -> None:
    flipped = PICTURE[::-1, ::-1]
    np.testing.assert_array_equal(to_array(to_message(flipped, Time(), "")), flipped)


def test_bgr_becomes_rgb() -> None:
    np.testing.assert_array_equal(to_array(message("bgr8", PICTURE[..., ::-1])), PICTURE)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_padding_at_the_end_of_rows_is_left_out(encoding: str) -> None:
    assert to_array(message(encoding, PICTURE, padding=5)).shape == PICTURE.shape


def test_reading_a_plain_picture_copies_nothing() -> None:
    sent = message("rgb8", PICTURE)
    assert np.shares_memory(to_array(sent), np.frombuffer(sent.data, np.uint8))


@pytest.mark.parametrize(("field", "value"), [("height", 7), ("step", 11), ("height", 0)])
def test_a_picture_that_contradicts_itself_is_refused(field: str, value: int) -> None:
    image = message("rgb8", PICTURE)
    setattr(image, field, value)
    with pytest.raises(ImageError, match="camera driver"):
        to_array(image)


def test_another_encoding_without_cv_bridge_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    with pytest.raises(ImageError, match=r'"8UC1".*rgb8 or bgr8, or install ros-<distro>'):
        to_array(message("8UC1", PICTURE[..., 0]))


class Bridge:
    """Answers as cv_bridge does for a grey picture, and fails for a Bayer pattern."""

    def imgmsg_to_cv2(self, image: Image, encoding: str) -> Any:
        if image.encoding != "8UC1":
            raise RuntimeError("Unrecognized image encoding")
        grey = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width)
        return np.repeat(grey[..., None], 3, axis=2)


@pytest.fixture
def cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("cv_bridge")
    module.CvBridge = Bridge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv_bridge", module)


@pytest.mark.usefixtures("cv_bridge")
def test_other_encodings_go_through_cv_bridge() -> None:
    grey = to_array(message("8UC1", PICTURE[..., 0]))
    np.testing.assert_array_equal(grey[..., 2], PICTURE[..., 0])


@pytest.mark.usefixtures("cv_bridge")
def test_an_encoding_that_cv_bridge_cannot_read_is_refused_by_name() -> None:
    with pytest.raises(ImageError, match="bayer_rggb16"):
        to_array(message("bayer_rggb16", PICTURE[..., 0]))


def test_a_grey_picture_needs_no_cv_bridge() -> None:
    grey = to_array(message("mono8", PICTURE[..., 0], padding=3))
    np.testing.assert_array_equal(grey, np.repeat(PICTURE[..., :1], 3, axis=2))


def test_a_converted_picture_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ImageError, match=r"4 x 6 yuyv with step 4 .* check the camera driver"):
        to_array(message("yuyv", PICTURE[..., 0]))


@pytest.mark.parametrize(
    ("said", "flipped"),
    [
        ("png", False),
        ("rgb8; png compressed bgr8", False),
        ("bgr8; png compressed bgr8", False),
        ("rgb8; png compressed rgb8", True),
    ],
)
def test_a_compressed_picture_has_the_colours_that_image_transport_gives_it(
    said: str, flipped: bool
) -> None:
    sent = PICTURE[..., ::-1] if flipped else PICTURE
    np.testing.assert_array_equal(to_array(compressed(sent, ".png", said)), PICTURE)


def test_a_jpeg_is_nearly_the_picture() -> None:
    smooth = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (1, 64, 3))
    smooth[..., 0] = 200
    read = to_array(compressed(smooth, ".jpg", "rgb8; jpeg compressed bgr8"))
    assert np.abs(read.astype(int) - smooth).max() < 10


@pytest.mark.parametrize("kind", [".png", ".jpg"])
@pytest.mark.parametrize("cut", [1, 30])
def test_a_compressed_picture_cut_short_is_refused(kind: str, cut: int) -> None:
    with pytest.raises(ImageError, match="damaged"):
        to_array(compressed(PICTURE, kind, "rgb8; ...", cut))


def test_a_damaged_middle_of_a_png_is_refused() -> None:
    sent = compressed(PICTURE, ".png", "png")
    sent.data[len(sent.data) // 2] ^= 255
    with pytest.raises(ImageError, match="damaged"):
        to_array(sent)


def test_a_size_that_no_memory_holds_is_refused() -> None:
    sent = compressed(PICTURE, ".png", "png")
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    header = chunk + struct.pack(">I", zlib.crc32(chunk))
    sent.data[12 : 12 + len(header)] = array.array("B", header)
    with pytest.raises(ImageError, match="damaged"):
        to_array(sent)


def test_other_bytes_than_a_picture_are_refused() -> None:
    sent = compressed(PICTURE, ".png", "16UC1; compressedDepth")
    sent.data = array.array("B", bytes(12)) + sent.data
    with pytest.raises(ImageError, match=r"compressedDepth.*neither JPEG nor PNG"):
        to_array(sent)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (PICTURE[..., 0], "mono8; png compressed mono8"),
        (PICTURE.astype(np.uint16), "rgb16; png compressed bgr16"),
        (np.dstack([PICTURE, PICTURE[..., 0]]), "rgba8; png compressed bgra8"),
    ],
)
def test_a_compressed_picture_without_three_colours_of_8_bit_is_refused(
    image: np.ndarray, said: str
) -> None:
    with pytest.raises(ImageError, match=f"{said}.*rgb8 or bgr8"):
        to_array(compressed(image, ".png", said))


def test_the_intrinsics_put_the_edge_of_the_view_at_the_edge_of_the_picture() -> None:
    view = math.radians(47)
    info = camera_info(320, 240, view, Time(), "front")
    k = np.array(info.k).reshape(3, 3)
    pixel = k @ [0.0, math.tan(view / 2), 1.0]
    assert pixel[1] == pytest.approx(239.5)
    assert pixel[0] == pytest.approx(159.5)
    assert np.array(info.p).reshape(3, 4)[:, :3] == pytest.approx(k)
    assert list(info.d) == [0.0] * 5
