"""Robot's PC and GPU machine as two network namespaces joined by a cable that can be pulled.

    unshare --net --mount python test/support/nodes/two_machines.py compressed report.json

This process is on the robot's PC, beside cell and arm; the policy is on the other machine. Each has
its own shared memory, so that all between them goes over the cable.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import rclpy
import yaml
from fake_cell import compressed
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base.resources import resource_path
from kinevla_ros.data.synchronisation.images import picture_topic, to_array
from kinevla_ros.msg import ActionChunk, Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.qos import LATCHED, image_qos

ROBOT, GPU = "10.77.0.1", "10.77.0.2"
BREAD = "pick up the bread and move it to the left front"
TIMEOUT = 60.0
CAMERA_RATE = 8.0
"""Low, Hz: drawing takes most of the time of two cores."""

REST = 0.02
"""Below this no joint moves, rad/s."""

JPEG = "rgb8; jpeg compressed bgr8"


def sh(command: str) -> None:
    subprocess.run(command, shell=True, check=True)


class Cable:
    """A second machine and the cable to it."""

    def __init__(self) -> None:
        waiting = "mount -t tmpfs tmpfs /dev/shm && echo ready && exec sleep infinity"
        # The holder ends with this process.
        command = ["unshare", "--net", "--mount", "sh", "-c", waiting]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        pid = self._holder.pid
        self.there = f"nsenter --target {pid} --net --mount "
        sh("mount -t tmpfs tmpfs /dev/shm && ip link set lo up")
        sh(f"ip link add cable type veth peer name cable netns {pid}")
        sh(f"ip addr add {ROBOT}/24 dev cable && ip link set cable up")
        sh(f"{self.there} ip addr add {GPU}/24 dev cable")
        sh(f"{self.there} ip link set lo up")
        self.plug(True)

    def plug(self, plugged: bool) -> None:
        """Plug the cable in, or pull it at the far end."""
        sh(f"{self.there} ip link set cable {'up' if plugged else 'down'}")

    def carried(self) -> int:
        """Bytes that have left the robot's PC."""
        lines = Path("/proc/net/dev").read_text().splitlines()
        return int(next(line for line in lines if "cable:" in line).split()[9])

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


@contextmanager
def half(which: str, transport: str, place: str = "") -> Iterator[None]:
    """`kinevla up` of one half."""
    parameters = yaml.safe_load(resource_path("config", "realman.yaml").read_text())
    parameters["/**/policy"]["ros__parameters"]["image_transport"] = transport
    parameters["/**/cell"]["ros__parameters"]["camera_rate"] = CAMERA_RATE
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        yaml.safe_dump(parameters, config)
        words = ["up", "--only", which, "--config", config.name]
        command = [*place.split(), sys.executable, "-m", "kinevla_ros.cli", *words]
        process = subprocess.Popen(command)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30.0)


class Watch:
    """Hears what the robot's PC hears; compresses the cell's pictures as image_transport does."""

    def __init__(self) -> None:
        rclpy.init()
        self._node = rclpy.create_node("watch")
        self.chunks: list[ActionChunk] = []
        self.reasonings: list[Reasoning] = []
        self.status = SafetyStatus()
        self.joints: list[tuple[float, JointState]] = []
        listen = self._node.create_subscription
        listen(ActionChunk, "/kinevla/action_chunk", self.chunks.append, 10)
        listen(Reasoning, "/kinevla/reasoning", self.reasonings.append, 10)
        listen(SafetyStatus, "/kinevla/safety_status", self._on_status, LATCHED)
        listen(JointState, "/joint_states", self._on_joints, 10)
        self._instruction = self._node.create_publisher(String, "/instruction", 1)

    def compress(self) -> None:
        for camera in ("front", "wrist"):
            topic = picture_topic(camera, "compressed")
            publisher = self._node.create_publisher(CompressedImage, topic, image_qos(True))

            def forward(image: Image, publisher: Any = publisher) -> None:
                message = compressed(to_array(image), ".jpg", JPEG)
                message.header = image.header
                publisher.publish(message)

            topic = picture_topic(camera, "raw")
            self._node.create_subscription(Image, topic, forward, image_qos(True))

    def say_until_moving(self, text: str) -> float:
        """Until the policy is active and follows; returns the time from then to a chunk, s."""
        deadline = time.monotonic() + TIMEOUT
        while self.status.state != SafetyStatus.MOVING:
            assert time.monotonic() < deadline, f"no motion: {self.situation()}"
            if self.status.state == SafetyStatus.FAULTED:  # a busy computer, at start
                self._call(Trigger, "/arm/reset", Trigger.Request())
                self._call(SetBool, "/arm/enable", SetBool.Request(data=True))
            said = time.monotonic()
            self._instruction.publish(String(data=text))
            with suppress(TimeoutError):
                self.wait(lambda: self.chunks, "chunk", 1.0)
                self.until(SafetyStatus.MOVING, 1.0)
        return time.monotonic() - said

    def situation(self) -> str:
        last = self.reasonings[-1].detail if self.reasonings else "silent"
        return f"arm in state {self.status.state}, {self.status.reason}; policy: {last}"

    def wait(self, condition: Callable[[], object], what: str, timeout: float = TIMEOUT) -> float:
        """Spin until the condition holds; returns how long it took, s."""
        start = time.monotonic()
        while not condition():
            rclpy.spin_once(self._node, timeout_sec=0.01)
            if time.monotonic() - start > timeout:
                raise TimeoutError(f"no {what}; {self.situation()}")
        return time.monotonic() - start

    def until(self, state: int, timeout: float = TIMEOUT) -> float:
        return self.wait(lambda: self.status.state == state, f"state {state}", timeout)

    def speed(self) -> float:
        """Of the fastest joint over the last 0.2 s, rad/s."""
        now, last = self.joints[-1]
        then, first = next(s for s in reversed(self.joints) if s[0] <= now - 0.2)
        moved = (abs(a - b) for a, b in zip(last.position[:7], first.position[:7], strict=True))
        return max(moved) / (now - then)

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end, "end of time")

    def hears_policy(self) -> bool:
        return self._instruction.get_subscription_count() >= 1

    def _call(self, kind: Any, name: str, request: Any) -> None:
        client = self._node.create_client(kind, name)
        self.wait(client.service_is_ready, name)
        future = client.call_async(request)
        self.wait(future.done, f"answer of {name}")

    def _on_status(self, message: SafetyStatus) -> None:
        self.status = message

    def _on_joints(self, message: JointState) -> None:
        self.joints.append((time.monotonic(), message))


def pull_the_cable(cable: Cable, watch: Watch) -> dict[str, float]:
    """Let the arm move, pull the cable, plug it in again; times in s, speed in rad/s."""
    watch.wait(watch.hears_policy, "policy")
    to_motion = watch.say_until_moving(BREAD)
    before, start = cable.carried(), time.monotonic()
    watch.run(2.0)
    rate = (cable.carried() - before) / (time.monotonic() - start)
    watch.until(SafetyStatus.MOVING)
    cable.plug(False)
    to_hold = watch.until(SafetyStatus.HOLDING)
    to_rest = to_hold + watch.wait(lambda: watch.speed() < REST, "rest")
    watch.chunks.clear()
    watch.run(1.0)
    without = len(watch.chunks)
    at_rest = watch.speed()
    cable.plug(True)
    to_return = watch.wait(lambda: watch.chunks, "chunk after the cable is back")
    watch.until(SafetyStatus.MOVING)
    return {
        "instruction_to_motion": to_motion,
        "megabits_a_second": rate * 8e-6,
        "cable_pulled_to_holding": to_hold,
        "cable_pulled_to_rest": to_rest,
        "chunks_without_cable": without,
        "speed_without_cable": at_rest,
        "cable_plugged_to_chunk": to_return,
        "fault": float(watch.status.fault),
    }


def main(transport: str, report: Path) -> None:
    cable = Cable()
    try:
        watch = Watch()
        if transport == "compressed":
            watch.compress()
        with half("robot", transport), half("policy", transport, cable.there):
            found = pull_the_cable(cable, watch)
    finally:
        cable.close()
    assert all(map(math.isfinite, found.values()))
    report.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
