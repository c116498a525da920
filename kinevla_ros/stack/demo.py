"""The demonstration: cell, arm and policy as processes, one instruction, a judgement, a video."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.task import Future
from rich.console import Console
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import Trigger

from kinevla_ros.base import topics
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.data.synchronisation.images import to_array
from kinevla_ros.data.video import VideoWriter
from kinevla_ros.evaluation.report.video import FRAME_HEIGHT, FRAME_WIDTH, annotated
from kinevla_ros.language.stop import STOP
from kinevla_ros.msg import Reasoning, SafetyStatus
from kinevla_ros.nodes.policy.rviz import lines
from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.nodes.ros.messages import Stamps
from kinevla_ros.nodes.ros.qos import LATCHED, image_qos
from kinevla_ros.stack.judgement import print_judgement
from kinevla_ros.stack.processes.isolation import free_tcp_port, free_udp_port, own_domain
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Interrupted,
    Launcher,
    LaunchError,
    client_node,
    parameter_file,
    simulated,
)
from kinevla_ros.stack.talk import REPEAT_PERIOD

FPS = 15
POLL = 0.02
JUDGE_PERIOD = 0.5
DONE_TIME = 1.0
"""The goal counts as reached once the judge has said so for so long, s."""

DISCOVERY_TIMEOUT = 10.0
SERVICE_TIMEOUT = 5.0
REST_TIMEOUT = 5.0


def demo(
    instruction: str,
    video: Path,
    timeout: float,
    seed: int,
    page: bool = False,
    model: Path | None = None,
) -> int:
    """Run the demonstration; returns 0 if every process worked and there is a judgement.

    Args:
        page: with the console, and stay until Ctrl-C.
        model: checkpoint folder; the shipped one without it.
    """
    console = Console(highlight=False, soft_wrap=True)
    own_domain()
    port = free_tcp_port(CELL_HOST)
    overrides: dict[str, dict[str, Any]] = {
        "cell": {"host": CELL_HOST, "port": port, "seed": seed},
        "policy": {"model": str(model)} if model else {},
        "arm": {**simulated(port), "udp_port": free_udp_port(CELL_HOST)},
    }
    if page:
        overrides = {"console": {}, **overrides}
    with client_node("kinevla_demo") as (node, interrupted):
        try:
            console.print("starting cell, arm and policy ...")
            launcher = Launcher(node, interrupted, parameter_file(None), overrides, "warn")
            with launcher:
                with Demonstration(node, launcher, console, video) as seen:
                    launcher.bring_up()
                    judgement = seen.run(instruction, timeout)
                if page:
                    print_judgement(console, judgement, seen.model_time, seen.latency, video)
                    _stay(console, launcher)
        except Interrupted:
            console.print("interrupted")
            return INTERRUPTED
        except (LaunchError, OSError) as error:
            console.print(f"[red]error:[/] {error}")
            return 1
    if not page:
        print_judgement(console, judgement, seen.model_time, seen.latency, video)
    return 0


def _stay(console: Console, launcher: Launcher) -> None:
    """Keep the nodes for whoever is at the page, until Ctrl-C."""
    console.print("The page stays: say something else there. Ctrl-C ends it.")
    with suppress(Interrupted):
        while True:
            launcher.spin(POLL)


class Demonstration:
    """Listens to the nodes, prints, films; a context that closes the video.

    Args:
        video: where to film to; nothing is filmed without it.

    Attributes:
        latency: from the picture's time to its reasoning here.
        model_time: of the inferences.
        inferences: of the last run, by status of their reasoning.
    """

    def __init__(
        self, node: Node, launcher: Launcher, console: Console, video: Path | None = None
    ) -> None:
        self._node, self._launcher, self._console = node, launcher, console
        self._stamps = Stamps(node.get_clock())
        self.video, self.latency, self.model_time = video, Latency(), Latency()
        self.inferences: Counter[int] = Counter()
        self._writer = VideoWriter(video, FRAME_WIDTH, FRAME_HEIGHT, FPS) if video else None
        self._wrist: Image | None = None
        self._reasoning: Reasoning | None = None
        self._arm, self._begun = "", False
        self._start = time.monotonic()
        self._refusal: str | None = None
        self._done = False
        self._publisher = node.create_publisher(String, topics.INSTRUCTION, 1)
        self._judge = node.create_client(Trigger, topics.CELL_JUDGE)
        node.create_subscription(Reasoning, topics.REASONING, self._on_reasoning, 10)
        node.create_subscription(SafetyStatus, topics.SAFETY_STATUS, self._on_status, LATCHED)
        if self._writer:
            pictures = image_qos(reliable=True)
            node.create_subscription(
                Image, topics.PICTURES.format("front"), self._on_front, pictures
            )
            node.create_subscription(
                Image, topics.PICTURES.format("wrist"), self._on_wrist, pictures
            )

    def __enter__(self) -> Demonstration:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer:
            self._writer.close()
        self._writer = None

    @property
    def arm(self) -> str:
        """State of the arm node, such as moving."""
        return self._arm

    def run(self, instruction: str, timeout: float) -> dict[str, Any]:
        """Publish the instruction and wait for the end; returns the judgement.

        Raises:
            LaunchError: a process has ended, or the instruction is not understood.
            Interrupted: see `Launcher`.
        """
        self._done, self._refusal = False, None
        self._say(instruction)
        self._start = time.monotonic()
        self.inferences.clear()
        self._print(f'instruction: [bold]"{instruction}"[/]')
        reached_at: float | None = None
        judgement = self._ask_judge()
        while (now := time.monotonic()) - self._start < timeout:
            reached_at = (reached_at or now) if judgement["goal"] else None
            if reached_at is not None and now - reached_at >= DONE_TIME:
                break
            self._spin_until(now + JUDGE_PERIOD)
            judgement = self._ask_judge()
        judgement["seconds"] = time.monotonic() - self._start
        self._publisher.publish(String(data=STOP))
        self._done = True
        self._launcher.wait_for(
            lambda: self._arm != "moving", REST_TIMEOUT, "the arm does not rest"
        )
        return judgement

    def _say(self, instruction: str) -> None:
        """Publish until the policy says what it makes of it."""
        self._reasoning, due = None, 0.0

        def heard() -> bool:
            nonlocal due
            if self._reasoning is None and time.monotonic() > due:
                self._publisher.publish(String(data=instruction))
                due = time.monotonic() + REPEAT_PERIOD
            return self._reasoning is not None

        self._launcher.wait_for(heard, DISCOVERY_TIMEOUT, "the policy does not hear us")
        if self._refusal is not None:
            raise LaunchError(self._refusal)

    def _spin_until(self, end: float) -> None:
        while time.monotonic() < end:
            self._launcher.spin(POLL)
            if self._refusal is not None:
                raise LaunchError(self._refusal)

    def _ask_judge(self) -> dict[str, Any]:
        future: Future = self._judge.call_async(Trigger.Request())
        self._launcher.wait_for(future.done, SERVICE_TIMEOUT, "the cell gives no judgement")
        response = future.result()
        if response is None or not response.success:
            # The cell may get the instruction later than the policy.
            return {"goal": False, "constraints": {}}
        return dict(json.loads(response.message))

    def _on_reasoning(self, reasoning: Reasoning) -> None:
        if self._done:
            return
        if reasoning.status == Reasoning.ACCEPTED:
            self._reasoning = reasoning
            return
        self.inferences[reasoning.status] += 1
        if reasoning.status in (Reasoning.NOT_UNDERSTOOD, Reasoning.ASKING):
            self._refusal = reasoning.detail
        last, self._reasoning = self._reasoning, reasoning
        if reasoning.status != Reasoning.OK:
            self._print(f"[yellow]no motion: {reasoning.detail}[/]")
            return
        latency = time.monotonic() - self._stamps.to_monotonic(reasoning.header.stamp)
        self.latency.add(latency)
        self.model_time.add(reasoning.model_time)
        words = (reasoning.goal, reasoning.kinematics)
        if last is None or words != (last.goal, last.kinematics):
            self._print(f"goal: [bold]{reasoning.goal}[/]")
            self._print(f"how:  [bold]{reasoning.kinematics}[/]")
        goal, how = list(reasoning.goal_codes), list(reasoning.kinematics_codes)
        kept = "verified" if reasoning.draft_accepted else "written"
        self._print(
            f"chunk {reasoning.sequence:3}  goal codes {_codes(goal)}  kinematics codes "
            f"{_codes(how)}  words {kept}  model {1000 * reasoning.model_time:3.0f} ms  "
            f"picture to chunk {1000 * latency:3.0f} ms"
        )

    def _on_status(self, status: SafetyStatus) -> None:
        names = ("disabled", "ready", "moving", "holding", "faulted")
        arm = names[status.state]
        if arm != self._arm:
            reason = f" ({status.reason})" if arm in ("holding", "faulted") else ""
            self._print(f"[cyan]arm: {arm}{reason}[/]")
        self._arm = arm
        self._begun |= self._reasoning is not None and arm == "moving"

    def _on_wrist(self, image: Image) -> None:
        self._wrist = image

    def _on_front(self, image: Image) -> None:
        if self._wrist is None or self._writer is None or not self._begun:
            return
        text = [f"{time.monotonic() - self._start:5.1f} s   arm: {self._arm}"]
        if self._reasoning is not None:
            text = [self._reasoning.instruction, *lines(self._reasoning), *text]
        self._writer.add(annotated(to_array(image), to_array(self._wrist), text))

    def _print(self, text: str) -> None:
        self._console.print(f"{time.monotonic() - self._start:5.1f} s  {text}")


def _codes(codes: list[int]) -> str:
    return " ".join(f"{code:3}" for code in codes)
