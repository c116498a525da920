"""The camera node: front and wrist RealSense, as realsense2_camera publishes them."""

from __future__ import annotations

import sys
from functools import partial

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.nodes.cameras.realsense import CameraPicture, RealSense, Stream, library
from kinevla_ros.nodes.ros.images import to_message
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.ros.parameters import FRAME_PREFIX, Parameter
from kinevla_ros.nodes.ros.qos import image_qos
from kinevla_ros.nodes.ros.runtime import run

PARAMETERS = {
    **FRAME_PREFIX,
    "front_serial": Parameter("", "Serial number of the front camera; empty: none."),
    "wrist_serial": Parameter("", "Serial number of the wrist camera; empty: none."),
    "width": Parameter(640, "Width of the pictures (px).", 160, 3840),
    "height": Parameter(480, "Height of the pictures (px).", 120, 2160),
    "rate": Parameter(15, "Pictures a second (Hz); 5, 15, 30 and 60 are usual.", 1, 90),
    "auto_exposure": Parameter(True, "The cameras choose how long they expose."),
    "exposure": Parameter(156.0, "Exposure without auto_exposure (100 us).", 1.0, 10000.0),
    "auto_white_balance": Parameter(True, "The cameras choose the white balance."),
    "white_balance": Parameter(
        4600.0, "White balance without auto_white_balance (K).", 2000.0, 10000.0
    ),
    "images_reliable": Parameter(True, "Publish reliably; best-effort subscribers match as well."),
}


class CameraNode(ManagedNode):
    """Both cameras, each read in a thread of its own."""

    def __init__(self) -> None:
        super().__init__("cameras", PARAMETERS)
        self._cameras: dict[str, RealSense] = {}
        qos = image_qos(self.values["images_reliable"])
        topics = {name: f"camera/{name}/color" for name in CAMERAS}
        self._images = {
            name: self.create_publisher(Image, f"{topic}/image_raw", qos)
            for name, topic in topics.items()
        }
        self._infos = {
            name: self.create_publisher(CameraInfo, f"{topic}/camera_info", qos)
            for name, topic in topics.items()
        }

    def configure(self) -> None:
        """Begin to read the cameras; one that is not there yet is waited for.

        Raises:
            ValueError: no serial number, or the same one twice.
            CameraError: librealsense is missing.
        """
        serials = {name: self.values[f"{name}_serial"] for name in CAMERAS}
        given = {name: serial for name, serial in serials.items() if serial}
        if not given or len(set(given.values())) < len(given):
            raise ValueError(
                "front_serial and wrist_serial tell the cameras apart: set each to the number that "
                "`rs-enumerate-devices -s` shows"
            )
        library()
        stream = Stream(self.values["width"], self.values["height"], self.values["rate"])
        for name, serial in given.items():
            publish = partial(self._publish, name)
            self._cameras[name] = RealSense(serial, stream, self._options(), publish)
            self._cameras[name].start()

    def cleanup(self) -> None:
        """Release the cameras."""
        for camera in self._cameras.values():
            camera.stop()
        self._cameras = {}

    def stages(self) -> dict[str, Diagnosis]:
        """Whether the pictures of each camera come."""
        return {
            name: Diagnosis(
                camera.problem or "pictures come",
                DiagnosticStatus.ERROR if camera.problem else DiagnosticStatus.OK,
                {"pictures": str(camera.pictures), "connected again": str(camera.reconnections)},
            )
            for name, camera in self._cameras.items()
        }

    def _options(self) -> dict[str, float]:
        values = self.values
        options = {
            "enable_auto_exposure": float(values["auto_exposure"]),
            "enable_auto_white_balance": float(values["auto_white_balance"]),
        }
        if not values["auto_exposure"]:
            options["exposure"] = values["exposure"]
        if not values["auto_white_balance"]:
            options["white_balance"] = values["white_balance"]
        return options

    def _publish(self, name: str, picture: CameraPicture) -> None:
        if self.state != "active":
            return
        seconds = int(picture.time)
        stamp = Time(sec=seconds, nanosec=int(1e9 * (picture.time - seconds)))
        frame = f"{self.values['frame_prefix']}camera_{name}_color_optical_frame"
        self._images[name].publish(to_message(picture.rgb, stamp, frame))
        self._infos[name].publish(intrinsics(picture, stamp, frame))


def intrinsics(picture: CameraPicture, stamp: Time, frame_id: str) -> CameraInfo:
    """Return a picture's intrinsics as a message."""
    height, width = picture.rgb.shape[:2]
    (fx, fy), (cx, cy) = picture.focal, picture.centre
    info = CameraInfo(height=height, width=width, distortion_model="plumb_bob")
    info.header.stamp, info.header.frame_id = stamp, frame_id
    info.d = [float(value) for value in picture.distortion]
    info.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def main() -> int:
    """Run the node; returns the exit code."""
    return run(CameraNode)


if __name__ == "__main__":
    sys.exit(main())
