"""The cell node: pictures like realsense2_camera's, the emulated controller, and a judge."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from kinevla_ros.base import topics
from kinevla_ros.base.arm import ARM_PORT
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.ros.images import camera_info, to_message
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.ros.messages import Stamps
from kinevla_ros.nodes.ros.parameters import FRAME_PREFIX, Parameter
from kinevla_ros.nodes.ros.qos import image_qos
from kinevla_ros.nodes.ros.runtime import run
from kinevla_ros.nodes.ros.subscribe import subscribe
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.cell.realtime import CellError, Images, RealTimeCell
from kinevla_ros.sim.cell.scene import FRONT_FOVY, WRIST_FOVY
from kinevla_ros.sim.cell.tasks import command_of
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.stream_check import measured_period, stream_figures

PARAMETERS = {
    **FRAME_PREFIX,
    "host": Parameter("127.0.0.2", "Address of the emulated controller; any of 127.0.0.0/8."),
    "port": Parameter(
        ARM_PORT, "TCP port of the emulated controller; 0 takes a free one.", 0, 65535
    ),
    "seed": Parameter(0, "Fixes the sequence of random scenes.", 0, 2**31 - 1),
    "camera_rate": Parameter(15.0, "Pictures a second of each camera (Hz).", 1.0, 30.0),
    "images_reliable": Parameter(
        True, "Publish images reliably: none is lost, and best-effort subscribers match as well."
    ),
}
DISCONNECT_TIMEOUT = 3.0
"""Ctrl-C reaches all nodes at once, and an arm whose controller goes first is a fault, s."""

VIEWS = {"front": math.radians(FRONT_FOVY), "wrist": math.radians(WRIST_FOVY)}


class CellNode(ManagedNode):
    """The simulated cell as the other nodes see a real one."""

    def __init__(self) -> None:
        super().__init__("cell", PARAMETERS)
        self._stamps = Stamps(self.get_clock())
        self._cell: RealTimeCell | None = None
        self._controller: EmulatedController | None = None
        self._task = ""
        qos = image_qos(self.values["images_reliable"])
        self._images = {
            name: self.create_publisher(Image, topics.PICTURES.format(name), qos)
            for name in CAMERAS
        }
        self._infos = {
            name: self.create_publisher(CameraInfo, f"camera/{name}/color/camera_info", qos)
            for name in CAMERAS
        }
        drop = self.get_logger().warning
        subscribe(self, Reasoning, topics.REASONING, self._on_reasoning, drop, 10)
        self.create_service(Trigger, "~/judge", self._answer(self._judge))
        self.create_service(Trigger, "~/state", self._answer(self._state))
        self.create_service(Trigger, "~/reset", self._answer(self._reset))

    def configure(self) -> None:
        """Let the world run and the controller listen."""
        self._cell = RealTimeCell(
            self.values["seed"], self.values["camera_rate"], self._publish_images
        )
        self._cell.start()
        self._controller = EmulatedController(self._cell, self.values["host"], self.values["port"])
        self._controller.start()
        host, port = self._controller.address
        self.get_logger().info(f"the emulated controller listens on {host}:{port}")

    def cleanup(self) -> None:
        """Stop world and controller, once the arm node has brought the arm to rest and left."""
        if self._controller is not None:
            end = time.monotonic() + DISCONNECT_TIMEOUT
            while self._controller.clients and time.monotonic() < end:
                time.sleep(0.05)
            self._controller.stop()
        if self._cell is not None:
            self._cell.stop()
        self._cell = self._controller = None

    def diagnosis(self) -> Diagnosis:
        """Whether the world runs, and in time."""
        if self._cell is None or self._cell.failure is not None:
            failure = self._cell.failure if self._cell else None
            return Diagnosis(f"the cell has stopped: {failure}", DiagnosticStatus.ERROR)
        figures = {"simulated time given up (s)": f"{self._cell.lost_time:.2f}"}
        return Diagnosis("the cell runs", figures=figures)

    def stages(self) -> dict[str, Diagnosis]:
        """World and controller."""
        cell, controller = self._cell, self._controller
        if cell is None or controller is None:
            return {}
        late = Diagnosis(
            "the world loses time: this computer is too slow or too busy",
            DiagnosticStatus.WARN,
            {"simulated time given up (s)": f"{cell.lost_time:.2f}"},
        )
        clients = str(len(controller.clients))
        refused = controller.records.refused
        taken = Diagnosis("takes targets", figures={"clients": clients})
        refuses = Diagnosis(
            "has refused targets", DiagnosticStatus.WARN, {"targets refused": str(refused)}
        )
        return {
            "world": late if cell.lost_time > 0 else Diagnosis("keeps time"),
            "controller": refuses if refused else taken,
        }

    def _publish_images(self, images: Images, time: float) -> None:
        if self.state != "active":
            return
        stamp = self._stamps.to_ros(time)
        for name, image in images.items():
            frame = f"{self.values['frame_prefix']}camera_{name}_color_optical_frame"
            height, width = image.shape[:2]
            self._images[name].publish(to_message(image, stamp, frame))
            self._infos[name].publish(camera_info(width, height, VIEWS[name], stamp, frame))

    def _on_reasoning(self, reasoning: Reasoning) -> None:
        """Judge what the policy carries out: what it has not heard is no task."""
        over = reasoning.status in (Reasoning.NOT_UNDERSTOOD, Reasoning.ASKING)
        task = "" if over else reasoning.instruction
        if self._cell is None or (task == self._task and reasoning.status != Reasoning.ACCEPTED):
            return
        self._task = task
        try:
            command = command_of(task)
        except ValueError:
            command = None
        try:
            self._cell.watch(command)
        except CellError as error:
            self.get_logger().error(str(error))

    def _judge(self, cell: RealTimeCell) -> str:
        judgement = cell.judgement()
        if judgement is None:
            raise CellError("there is nothing to judge: the policy has accepted no instruction")
        return json.dumps(
            {
                "instruction": self._task,
                "goal": judgement.goal,
                "kinematic": judgement.kinematic,
                "constraints": judgement.constraints,
                "measures": {k: v for k, v in judgement.measures.items() if math.isfinite(v)},
                "stream": self._stream(),
            }
        )

    def _stream(self) -> dict[str, Any]:
        """Figures of the targets that reached the controller since it started."""
        assert self._controller is not None
        record = self._controller.stream_record()
        return asdict(stream_figures(record, RM75_LIMITS, measured_period(record)))

    def _state(self, cell: RealTimeCell) -> str:
        """Where everything is: a `CellState`, for whoever plays a person."""
        state = asdict(cell.state())
        return json.dumps(state, default=lambda array: array.tolist())

    def _reset(self, cell: RealTimeCell) -> str:
        cell.reset_scene()
        self._task = ""
        return "the objects lie in a new scene; publish an instruction"

    def _answer(self, act: Callable[[RealTimeCell], str]) -> Callable[[Any, Any], Any]:
        """Make a service callback of a function that returns a message or raises CellError."""

        def serve(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                if self._cell is None:
                    raise CellError("the cell node is not configured")
                response.message, response.success = act(self._cell), True
            except CellError as error:
                response.message, response.success = str(error), False
            return response

        return serve


def main() -> int:
    """Run the node; returns the exit code."""
    return run(CellNode, prompt=True)


if __name__ == "__main__":
    sys.exit(main())
