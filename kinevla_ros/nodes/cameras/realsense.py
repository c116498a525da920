"""Colour pictures of one RealSense through librealsense, connected again whenever it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.driver.backoff import BackOff

LOG = logging.getLogger(__name__)

SILENCE = 2.0
"""No picture for so long (s): the connection counts as lost."""

POLL = 0.2
"""Longest time until `stop` is noticed while no picture comes, s."""


class CameraError(RuntimeError):
    """A camera cannot be used as asked; the message says which and what it can do."""


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """One picture of a camera.

    Attributes:
        rgb: shape (height, width, 3), not shared with the library.
        time: when it was taken, s since the epoch.
        focal, centre: intrinsics, px; x and y.
        distortion: coefficients k1, k2, t1, t2, k3 of Brown and Conrady.
    """

    rgb: NDArray[np.uint8]
    time: float
    focal: tuple[float, float]
    centre: tuple[float, float]
    distortion: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """What is asked of a camera: size in px, pictures a second."""

    width: int
    height: int
    rate: int


def library() -> Any:
    """Return the module pyrealsense2.

    Raises:
        CameraError: it is missing, or a system library that it needs.
    """
    try:
        import pyrealsense2
    except ImportError as error:
        raise CameraError(
            f"librealsense cannot be used ({error}): pip install 'kinevla_ros[realsense]', "
            "apt install libusb-1.0-0"
        ) from error
    return pyrealsense2


def reads_realsense() -> bool:
    """Whether librealsense can be used on this computer."""
    try:
        library()
    except CameraError:
        return False
    return True


def connected_devices() -> list[Any]:
    """Return the RealSense devices on this computer."""
    return list(library().context().query_devices())


class RealSense:
    """A thread that reads one camera, by its serial number.

    Args:
        serial: as `rs-enumerate-devices -s` shows it.
        stream: what is asked for.
        options: librealsense's names (`enable_auto_exposure`) and their values.
        on_picture: called in the thread with each picture.
        devices: gives the devices that are there.

    Attributes:
        problem: why no pictures come; empty while they do.
        pictures, reconnections: counts since the start.
    """

    def __init__(
        self,
        serial: str,
        stream: Stream,
        options: Mapping[str, float],
        on_picture: Callable[[CameraPicture], None],
        devices: Callable[[], Iterable[Any]] = connected_devices,
    ) -> None:
        self._rs = library()
        self._serial, self._stream, self._options = serial, stream, options
        self._on_picture, self._devices = on_picture, devices
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {serial}", daemon=True)
        self.problem = "not connected yet"
        self.pictures = self.reconnections = 0

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and release the camera."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        backoff = BackOff()
        while not self._ended.wait(backoff.wait(time.monotonic())):
            try:
                self._read(backoff)
            except (CameraError, RuntimeError) as error:  # RuntimeError: librealsense's own
                if str(error) != self.problem:
                    LOG.warning("%s", error)
                self.problem = str(error)
            self.reconnections += not self._ended.is_set()

    def _read(self, backoff: BackOff) -> None:
        """Read until the camera falls silent or `stop`.

        Raises:
            CameraError: it is not there, cannot do what is asked, or has fallen silent.
        """
        sensor, profile = self._find()
        queue = self._rs.frame_queue(1)  # the newest; who is late gets no old one
        sensor.open(profile)
        try:
            self._set_options(sensor)
            sensor.start(queue)
            try:
                self._read_queue(queue, backoff)
            finally:
                sensor.stop()
        finally:
            sensor.close()

    def _read_queue(self, queue: Any, backoff: BackOff) -> None:
        last = time.monotonic()
        while not self._ended.is_set():
            come, frame = queue.try_wait_for_frame(int(1000 * POLL))
            if come:
                if self.problem:
                    LOG.info("camera %s: pictures come", self._serial)
                    backoff.connected(time.monotonic())
                last, self.problem = time.monotonic(), ""
                self.pictures += 1
                self._on_picture(self._picture(frame.as_video_frame()))
            elif time.monotonic() - last > SILENCE:
                raise CameraError(
                    f"camera {self._serial} gives no pictures: check its cable and USB port"
                )

    def _find(self) -> tuple[Any, Any]:
        """Return the sensor of the colour stream asked for, and its profile."""
        found = {self._number(device): device for device in self._devices()}
        if self._serial not in found:
            there = ", ".join(sorted(found)) or "none"
            raise CameraError(f"there is no camera {self._serial}; connected: {there}")
        asked, offered = self._stream, set()
        for sensor in found[self._serial].query_sensors():
            for profile in sensor.get_stream_profiles():
                if profile.stream_type() != self._rs.stream.color:
                    continue
                video = profile.as_video_stream_profile()
                if profile.format() != self._rs.format.rgb8:
                    continue
                offer = Stream(video.width(), video.height(), profile.fps())
                if offer == asked:
                    return sensor, profile
                offered.add(f"{offer.width}x{offer.height}x{offer.rate}")
        raise CameraError(
            f"camera {self._serial} has no colour stream "
            f"{asked.width}x{asked.height}x{asked.rate}; it has "
            f"{', '.join(sorted(offered)) or 'none (USB 2?)'}"
        )

    def _number(self, device: Any) -> str:
        return str(device.get_info(self._rs.camera_info.serial_number))

    def _set_options(self, sensor: Any) -> None:
        for name, value in self._options.items():
            option = getattr(self._rs.option, name)
            if not sensor.supports(option):
                if name.startswith("enable_auto") and value:
                    continue  # a camera without it, such as the D405, has nothing to switch on
                raise CameraError(f"camera {self._serial} has no option {name}")
            limits = sensor.get_option_range(option)
            if not limits.min <= value <= limits.max:
                raise CameraError(
                    f"camera {self._serial}: {name} is {value:g}, "
                    f"its range {limits.min:g} to {limits.max:g}"
                )
            sensor.set_option(option, value)

    def _picture(self, frame: Any) -> CameraPicture:
        at = frame.get_profile().as_video_stream_profile().get_intrinsics()
        # The camera's own clock counts from its start: then the time of arrival is the nearest.
        hardware = frame.get_frame_timestamp_domain() == self._rs.timestamp_domain.hardware_clock
        taken = time.time() if hardware else frame.get_timestamp() / 1000
        rgb = np.array(frame.get_data(), np.uint8)
        return CameraPicture(rgb, taken, (at.fx, at.fy), (at.ppx, at.ppy), tuple(at.coeffs))
