"""The camera node with librealsense itself, whose software device stands in for a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
from waiting import wait_until

pytest.importorskip("rclpy")
pytest.importorskip("pyrealsense2", exc_type=ImportError)

import pyrealsense2 as rs
from builtin_interfaces.msg import Time
from node_bench import FAILURE, SUCCESS, Bench, bench
from sensor_msgs.msg import CameraInfo, Image

from kinevla_ros.data.synchronisation.images import to_array
from kinevla_ros.nodes.cameras import node as node_module
from kinevla_ros.nodes.cameras import realsense
from kinevla_ros.nodes.cameras.node import CameraNode, intrinsics
from kinevla_ros.nodes.cameras.realsense import CameraPicture, RealSense, Stream
from kinevla_ros.nodes.ros.qos import image_qos

WIDTH, HEIGHT = 160, 120
ASKED = Stream(WIDTH, HEIGHT, 30)


def option_range(low: float, high: float, step: float) -> Any:
    found = rs.option_range()
    found.min, found.max, found.step, found.default = low, high, step, low
    return found


class Camera:
    """A software device that gives pictures while it is plugged in."""

    def __init__(self, serial: str) -> None:
        self.device = rs.software_device()
        self.device.register_info(rs.camera_info.serial_number, serial)
        self.sensor = self.device.add_sensor("RGB Camera")
        video = rs.video_stream()
        video.type, video.index, video.uid = rs.stream.color, 0, 1
        video.width, video.height, video.fps, video.bpp = WIDTH, HEIGHT, 30, 3
        video.fmt = rs.format.rgb8
        at = rs.intrinsics()
        at.width, at.height, at.fx, at.fy, at.ppx, at.ppy = WIDTH, HEIGHT, 60.0, 61.0, 31.5, 23.5
        at.model, at.coeffs = rs.distortion.brown_conrady, [0.1, 0.0, 0.0, 0.0, 0.2]
        video.intrinsics = at
        self.profile = self.sensor.add_video_stream(video)
        switch, kelvin = option_range(0, 1, 1), option_range(2000, 6500, 10)
        self.sensor.add_option(rs.option.enable_auto_exposure, switch, True)
        self.sensor.add_option(rs.option.enable_auto_white_balance, switch, True)
        self.sensor.add_option(rs.option.white_balance, kelvin, True)
        self.plugged = True
        self.number, self.red = 0, 200

    def give(self, domain: Any, seconds: float) -> None:
        frame = rs.software_video_frame()
        self.number += 1
        frame.pixels = np.full((HEIGHT, WIDTH, 3), (self.red, self.number % 256, 30), np.uint8)
        frame.stride, frame.bpp, frame.frame_number = WIDTH * 3, 3, self.number
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
    assert picture.rgb.shape == (HEIGHT, WIDTH, 3)
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
        assert wait_until(lambda: "640x480x15; it has 160x120x30" in reader.problem)


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


PARAMETERS = {
    "front_serial": '"11"', "wrist_serial": '"22"', "width": WIDTH, "height": HEIGHT, "rate": 30,
    "auto_white_balance": "false", "white_balance": 3000.0, "frame_prefix": "left/",
}  # fmt: skip


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Camera]]:
    """Both cameras as the node finds them, giving pictures; the wrist's are the red ones."""
    found = {"front": Camera("11"), "wrist": Camera("22")}
    found["wrist"].red = 90
    there = lambda: [camera.device for camera in found.values()]  # noqa: E731
    monkeypatch.setattr(node_module, "RealSense", partial(RealSense, devices=there))
    with ExitStack() as stack:
        for camera in found.values():
            stack.enter_context(giving(camera))
        yield found


def configured(run: Bench) -> CameraNode:
    node = run.add(CameraNode)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    return node


def test_the_node_publishes_both_cameras_by_their_numbers_as_realsense2_camera_does(
    cameras: dict[str, Camera],
) -> None:
    with bench(PARAMETERS) as run:
        configured(run)
        for name, camera in cameras.items():
            images = run.record(Image, f"/camera/{name}/color/image_raw", image_qos(False))
            infos = run.record(CameraInfo, f"/camera/{name}/color/camera_info", image_qos(True))
            run.spin_until(lambda i=images, c=infos: i and c, "pictures")
            image, info = images[-1], infos[-1]
            assert (image.encoding, image.width, image.height) == ("rgb8", WIDTH, HEIGHT)
            assert to_array(image)[0, 0, 0] == camera.red
            assert image.header.frame_id == f"left/camera_{name}_color_optical_frame"
            assert info.header.frame_id == image.header.frame_id
            assert (info.width, info.height, info.k[0]) == (WIDTH, HEIGHT, 60.0)
            assert abs(image.header.stamp.sec - time.time()) < 5
            assert camera.sensor.get_option(rs.option.white_balance) == 3000.0
            run.spin_until(lambda n=name: run.diagnosis(f"/cameras: {n}"), "diagnosis")
            assert run.diagnosis(f"/cameras: {name}").message == "pictures come"


def test_the_node_says_of_each_camera_why_it_gives_no_pictures(cameras: dict[str, Camera]) -> None:
    with bench({**PARAMETERS, "wrist_serial": '"33"'}) as run:
        configured(run)
        wanted = "there is no camera 33; connected: 11, 22"
        run.spin_until(lambda: wanted in str(run.diagnosis("/cameras: wrist")), "diagnosis")
        run.spin_until(
            lambda: "pictures come" in str(run.diagnosis("/cameras: front")), "diagnosis"
        )


@pytest.mark.parametrize("wrist", ['"11"', '""'])
def test_cameras_that_no_number_tells_apart_are_refused(wrist: str) -> None:
    front = '"11"' if wrist == '"11"' else '""'
    with bench({**PARAMETERS, "front_serial": front, "wrist_serial": wrist}) as run:
        node = run.add(CameraNode)
        assert node.trigger_configure() == FAILURE
        run.spin_until(lambda: "tell the cameras apart" in str(run.diagnosis("/cameras")), "reason")
