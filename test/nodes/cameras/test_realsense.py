"""The camera node with librealsense itself, whose software device stands in for a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from waiting import wait_until

pytest.importorskip("rclpy")
pytest.importorskip("pyrealsense2", exc_type=ImportError)

import pyrealsense2 as rs
from builtin_interfaces.msg import Time

from kinevla_ros.nodes.cameras import realsense
from kinevla_ros.nodes.cameras.node import intrinsics
from kinevla_ros.nodes.cameras.realsense import CameraPicture, RealSense, Stream

ASKED = Stream(64, 48, 30)


class Camera:
    """A software device that gives pictures while it is plugged in."""

    def __init__(self, serial: str) -> None:
        self.device = rs.software_device()
        self.device.register_info(rs.camera_info.serial_number, serial)
        self.sensor = self.device.add_sensor("RGB Camera")
        video = rs.video_stream()
        video.type, video.index, video.uid = rs.stream.color, 0, 1
        video.width, video.height, video.fps, video.bpp = 64, 48, 30, 3
        video.fmt = rs.format.rgb8
        at = rs.intrinsics()
        at.width, at.height, at.fx, at.fy, at.ppx, at.ppy = 64, 48, 60.0, 61.0, 31.5, 23.5
        at.model, at.coeffs = rs.distortion.brown_conrady, [0.1, 0.0, 0.0, 0.0, 0.2]
        video.intrinsics = at
        self.profile = self.sensor.add_video_stream(video)
        self.sensor.add_option(rs.option.enable_auto_exposure, rs.option_range(), True)
        self.plugged = True
        self.number = 0

    def give(self, domain: Any, seconds: float) -> None:
        frame = rs.software_video_frame()
        self.number += 1
        frame.pixels = np.full((48, 64, 3), (200, self.number % 256, 30), np.uint8)
        frame.stride, frame.bpp, frame.frame_number = 64 * 3, 3, self.number
        frame.timestamp, frame.domain = 1000 * seconds, domain
        frame.profile = self.profile.as_video_stream_profile()
        self.sensor.on_video_frame(frame)


@contextmanager
def giving(camera: Camera, domain: Any = rs.timestamp_domain.system_time) -> Iterator[None]:
    """Pictures at 50 Hz while the camera is plugged in."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.02):
            if camera.plugged:
                camera.give(domain, time.time())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def reading(
    camera: Camera, serial: str = "1234", stream: Stream = ASKED, **options: float
) -> Iterator[tuple[RealSense, list[CameraPicture]]]:
    pictures: list[CameraPicture] = []
    there = lambda: [camera.device] if camera.plugged else []  # noqa: E731
    reader = RealSense(serial, stream, options, pictures.append, there)
    reader.start()
    try:
        yield reader, pictures
    finally:
        reader.stop()


def test_pictures_come_with_colours_time_and_intrinsics() -> None:
    camera = Camera("1234")
    with giving(camera), reading(camera) as (reader, pictures):
        assert wait_until(lambda: len(pictures) > 3)
        assert not reader.problem
    picture = pictures[-1]
    assert picture.rgb.shape == (48, 64, 3)
    assert picture.rgb[0, 0, 0] == 200 and picture.rgb[0, 0, 2] == 30
    assert abs(picture.time - time.time()) < 5
    info = intrinsics(picture, Time(sec=1), "camera_front_color_optical_frame")
    assert (info.k[0], info.k[4], info.k[2], info.k[5]) == (60.0, 61.0, 31.5, 23.5)
    assert info.d[0] == pytest.approx(0.1) and info.d[4] == pytest.approx(0.2)


def test_the_clock_of_the_camera_itself_is_no_time_of_day() -> None:
    camera = Camera("1234")
    with reading(camera) as (_, pictures):
        wait_until(lambda: False, 0.3)
        for _ in range(40):
            camera.give(rs.timestamp_domain.hardware_clock, 12.0)
            time.sleep(0.02)
        assert wait_until(lambda: len(pictures) > 3)
    assert all(abs(picture.time - time.time()) < 5 for picture in pictures)


def test_a_camera_that_is_not_there_is_named_beside_those_that_are() -> None:
    with reading(Camera("1234"), serial="99") as (reader, _):
        assert wait_until(lambda: "no camera 99; connected: 1234" in reader.problem)


def test_a_size_that_the_camera_lacks_is_named_beside_those_it_has() -> None:
    with reading(Camera("1234"), stream=Stream(640, 480, 15)) as (reader, _):
        assert wait_until(lambda: "640x480x15; it has 64x48x30" in reader.problem)


def test_an_option_that_the_camera_lacks_is_named() -> None:
    with reading(Camera("1234"), exposure=100.0) as (reader, _):
        assert wait_until(lambda: "has no option exposure" in reader.problem)


def test_a_camera_that_falls_silent_is_connected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realsense, "SILENCE", 0.5)
    camera = Camera("1234")
    with giving(camera), reading(camera) as (reader, pictures):
        assert wait_until(lambda: len(pictures) > 3)
        camera.plugged = False
        assert wait_until(lambda: "gives no pictures" in reader.problem)
        assert wait_until(lambda: "connected: none" in reader.problem)
        count = len(pictures)
        camera.plugged = True
        assert wait_until(lambda: len(pictures) > count and not reader.problem, 15)
        assert reader.reconnections


def test_the_end_does_not_wait_for_a_silent_camera() -> None:
    with reading(Camera("1234")):
        time.sleep(0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 2
