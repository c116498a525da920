"""Pictures that nothing may be inferred from are named, and no others."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

from kinevla_ros.generator.pictures.checks import PictureChecks, PictureFault, PictureLimits
from kinevla_ros.generator.pictures.header import picture_size

REST = np.zeros(7)
RNG = np.random.default_rng(0)


def noisy(picture: np.ndarray, level: float, gain: float = 1.0) -> np.ndarray:
    """As a sensor sees it: darker or brighter, with noise of its own in each picture."""
    seen = picture * gain + RNG.normal(0, level, picture.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def fault(picture: np.ndarray) -> PictureFault:
    with pytest.raises(PictureFault) as caught:
        PictureChecks().check({"wrist": picture}, REST)
    return caught.value


SIZE = (480, 640, 3)
BAD = {
    "dark": np.zeros(SIZE, np.uint8),
    "burnt out": np.full(SIZE, 255, np.uint8),
    "one colour": np.full(SIZE, (180, 60, 90), np.uint8),
    "noise": RNG.integers(0, 256, SIZE, np.uint8),
}


@pytest.mark.parametrize("name", BAD)
def test_a_picture_without_content_is_named_with_its_camera_and_a_cure(name: str) -> None:
    found = fault(BAD[name])
    assert found.name == f"wrist {name}"
    assert str(found).startswith("wrist camera: the picture is")
    assert ": " in str(found).removeprefix("wrist camera: ")


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        (noisy(BAD["dark"], 6), "dark"),
        (noisy(BAD["burnt out"], 6), "burnt out"),
        (noisy(BAD["one colour"], 6), ("one colour", "noise")),
    ],
)
def test_a_sensors_noise_is_no_content(picture: np.ndarray, name: str) -> None:
    assert fault(picture).name.removeprefix("wrist ") in name


@pytest.mark.parametrize(
    ("width", "height"),
    [(1, 1), (1, 200_000), (200_000, 1), (640, 90), (90, 640), (5000, 4000), (1000, 200)],
)
def test_a_picture_of_absurd_shape_is_refused_by_its_size_alone(width: int, height: int) -> None:
    with pytest.raises(PictureFault, match=f"front camera.*{width} x {height}.*profile"):
        PictureLimits().require_size("front", width, height)


@pytest.mark.parametrize(
    ("width", "height"), [(96, 96), (320, 240), (240, 424), (640, 480), (1920, 1080), (3840, 2160)]
)
def test_sizes_of_real_cameras_pass(width: int, height: int) -> None:
    PictureLimits().require_size("front", width, height)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    gain=st.floats(0.3, 1.6),
    noise=st.floats(0.3, 12.0),
    moved=st.floats(0.0, 0.5),
    quality=st.sampled_from([None, 60, 90]),
)
def test_pictures_of_a_real_camera_give_no_alarm(
    seed: int, gain: float, noise: float, moved: float, quality: int | None
) -> None:
    """Dim or bright, noisy, compressed, the arm outside of the view: the scene stays the same."""
    checks, picture = PictureChecks(), scene(seed, 240, 320)
    for step in range(3):
        seen = noisy(picture, noise, gain)
        if quality:
            seen = cv2.imdecode(cv2.imencode(".jpg", seen, [1, quality])[1], cv2.IMREAD_COLOR)
        checks.check({"front": seen}, np.full(7, step * moved))


def test_a_picture_frozen_while_the_arm_moves_is_refused_until_it_changes() -> None:
    checks = PictureChecks()

    def look(wrist: np.ndarray, joint7: float) -> None:
        front = noisy(scene(2), 2)
        checks.check({"front": front, "wrist": wrist}, np.append(np.zeros(6), joint7))

    look(scene(1), 0.0)
    look(scene(1), 0.04)
    # Back where it was, the arm has moved all the same.
    for reached in (0.2, 0.0):
        with pytest.raises(PictureFault, match=r"wrist camera.*not changed.*0\.20 rad.*restart"):
            look(scene(1), reached)
    look(scene(3), 0.0)


def test_a_frozen_picture_that_was_compressed_once_more_is_still_frozen() -> None:
    checks, picture = PictureChecks(), scene(1)
    again = picture.copy()
    again[::7, ::11] ^= 1
    checks.check({"wrist": picture}, REST)
    with pytest.raises(PictureFault, match="not changed"):
        checks.check({"wrist": again}, REST + 0.1)


def test_a_picture_that_stays_the_same_while_the_arm_rests_is_no_fault() -> None:
    checks = PictureChecks()
    for jitter in (0.0, 0.002, -0.002) * 10:
        checks.check({"front": scene(1), "wrist": scene(2)}, REST + jitter)


def test_after_a_reset_the_pictures_before_are_forgotten() -> None:
    checks = PictureChecks()
    checks.check({"wrist": scene(1)}, REST)
    checks.reset()
    checks.check({"wrist": scene(1)}, REST + 1.0)


@pytest.mark.parametrize("kind", [".png", ".jpg"])
@pytest.mark.parametrize("size", [(640, 480), (33, 1000)])
def test_a_headers_size_is_the_pictures(kind: str, size: tuple[int, int]) -> None:
    width, height = size
    coded = cv2.imencode(kind, scene(0, height, width))[1].tobytes()
    assert picture_size(coded) == size


@settings(max_examples=100, deadline=None)
@given(start=st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]), rest=st.binary(max_size=64))
def test_no_bytes_make_reading_a_header_fail(start: bytes, rest: bytes) -> None:
    size = picture_size(start + rest)
    assert size is None or min(size) >= 0


def test_checking_two_pictures_takes_a_fraction_of_a_chunk() -> None:
    pictures = {camera: noisy(scene(n), 3) for n, camera in enumerate(("front", "wrist"))}
    checks, taken = PictureChecks(), []
    for step in range(20):
        begun = time.perf_counter()
        checks.check(pictures, REST + 0.001 * step)
        taken.append(time.perf_counter() - begun)
    assert min(taken) < 0.01
