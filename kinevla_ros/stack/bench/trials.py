"""Success through the whole stack: real processes, DDS, time, vendor library, one task after the
other in random scenes. Between two tasks the arm is led home as a person would lead it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.task import Future
from rich.console import Console
from rich.progress import Progress
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import EpisodeSetup
from kinevla_ros.evaluation.suite.episodes import episodes
from kinevla_ros.msg import Reasoning
from kinevla_ros.sim.cell.cell import HOME
from kinevla_ros.stack.demo import Demonstration
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

TASK_TIMEOUT = 20.0
SERVICE_TIMEOUT = 10.0
HOME_SPEED = 0.5
"""Largest joint speed on the way home, rad/s."""

HOME_PERIOD = 0.02
SETTLING = 1.0
"""Wait before the objects are laid out again, s."""


def bench_stack(model: Path | None, trials: int, seed: int, report: Path | None = None) -> int:
    """Run trials, print the rates, write the JSON file; returns the exit code.

    Args:
        model: checkpoint folder; the shipped one without it.
        trials: scenes of each task.
        seed: of scenes and wordings.
    """
    console = Console(highlight=False)
    results: list[dict[str, Any]] = []
    code = 0
    own_domain()
    port = free_tcp_port(CELL_HOST)
    overrides: dict[str, dict[str, Any]] = {
        "cell": {"host": CELL_HOST, "port": port, "seed": seed},
        "policy": {"model": str(model)} if model else {},
        "arm": {**simulated(port), "simulated": False, "udp_port": free_udp_port(CELL_HOST)},
    }
    plan = episodes("kine_realman", trials, seed)
    with client_node("kinevla_stack_trials") as (node, interrupted), Progress() as progress:
        bar = progress.add_task("whole stack", total=len(plan))
        try:
            launcher = Launcher(node, interrupted, parameter_file(None), overrides, "error")
            quiet = Console(quiet=True)
            with launcher, Demonstration(node, launcher, quiet) as demonstration:
                launcher.bring_up()
                attendant = Attendant(node, launcher)
                for episode in plan:
                    results.append(_result(episode, demonstration, attendant))
                    progress.update(bar, advance=1, description=_summary(results))
        except Interrupted:
            code = 130
        except (LaunchError, OSError) as error:
            console.print(f"[red]error:[/] {error}")
            code = 1
    if results:
        latency = demonstration.latency.summary()
        figures = _figures(results, seed) | {"picture_to_chunk": latency}
        shown = f"{_summary(results)}\npicture to chunk: {latency}"
        publish(figures, lambda _: shown, report)
    return code


class Attendant:
    """Prepares the next task: acknowledges a fault, leads the arm home, lays out the objects."""

    def __init__(self, node: Node, launcher: Launcher) -> None:
        self._node, self._launcher = node, launcher
        self._q: np.ndarray | None = None
        self._leader = node.create_publisher(JointState, topics.TELEOP_TARGETS, 1)
        node.create_subscription(JointState, f"/{topics.JOINT_STATES}", self._on_joints, 1)

    def prepare(self, arm: str) -> None:
        """Bring everything to the start.

        Raises:
            LaunchError: something does not answer or refuses.
            Interrupted: see `Launcher`.
        """
        if arm == "faulted":
            self._call(Trigger, f"/{topics.ARM_RESET}", Trigger.Request())
            self._call(SetBool, f"/{topics.ARM_ENABLE}", SetBool.Request(data=True))
        self._lead_home()
        self._wait(SETTLING)
        self._call(Trigger, f"/{topics.CELL_RESET}", Trigger.Request())
        self._wait(SETTLING)

    def _lead_home(self) -> None:
        self._launcher.wait_for(lambda: self._q is not None, SERVICE_TIMEOUT, "no joint states")
        assert self._q is not None
        start = self._q.copy()
        seconds = 0.5 + 2.0 * float(np.abs(HOME - start).max()) / HOME_SPEED
        begin = time.monotonic()
        while (share := (time.monotonic() - begin) / seconds) < 1.0:
            gently = (1.0 - math.cos(math.pi * share)) / 2.0
            target = start + gently * (HOME - start)
            message = JointState(name=list(JOINT_NAMES), position=target.tolist())
            message.header.stamp = self._node.get_clock().now().to_msg()
            self._leader.publish(message)
            self._wait(HOME_PERIOD)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._launcher.spin(left)

    def _call(self, kind: Any, name: str, request: Any) -> None:
        client = self._node.create_client(kind, name)
        self._launcher.wait_for(client.service_is_ready, SERVICE_TIMEOUT, f"{name} is not there")
        future: Future = client.call_async(request)
        self._launcher.wait_for(future.done, SERVICE_TIMEOUT, f"{name} does not answer")
        self._node.destroy_client(client)
        response = future.result()
        if response is None or not response.success:
            raise LaunchError(f"{name}: {response.message if response else 'no answer'}")

    def _on_joints(self, message: JointState) -> None:
        # Until the gripper has answered there is no complete state.
        with suppress(ValueError):
            self._q = np.array(joints_from_message(message)[0])


def _result(
    episode: EpisodeSetup, demonstration: Demonstration, attendant: Attendant
) -> dict[str, Any]:
    attendant.prepare(demonstration.arm)
    judgement = demonstration.run(episode.instruction, TASK_TIMEOUT)
    return {
        "task": episode.task,
        "instruction": episode.instruction,
        "goal": bool(judgement["goal"]),
        "kinematic": bool(judgement.get("kinematic")),
        "constraints": judgement["constraints"],
        "seconds": round(judgement["seconds"], 2),
        "arm": demonstration.arm,
        "chunks": demonstration.inferences[Reasoning.OK],
        "inconsistent": demonstration.inferences[Reasoning.INCONSISTENT],
    }


def _rates(results: Sequence[dict[str, Any]]) -> dict[str, Rate]:
    return {name: Rate.of(result[name] for result in results) for name in ("goal", "kinematic")}


def _summary(results: Sequence[dict[str, Any]]) -> str:
    """Rates with intervals, for people to read."""
    parts = []
    for name, rate in _rates(results).items():
        low, high = rate.interval
        parts.append(f"{name} {rate.value:.0%} ({low:.0%} to {high:.0%})")
    sent, held = (sum(result[name] for result in results) for name in ("chunks", "inconsistent"))
    parts.append(f"{held} of {held + sent} chunks held as inconsistent")
    return f"whole stack, {len(results)} episodes: {', '.join(parts)}"


def _figures(results: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    tasks = dict.fromkeys(result["task"] for result in results)
    return {
        **{f"{name}_success": rate.to_json() for name, rate in _rates(results).items()},
        "episodes": len(results),
        "per_task": {
            task: {
                name: rate.to_json()
                for name, rate in _rates([r for r in results if r["task"] == task]).items()
            }
            for task in tasks
        },
        "seed": seed,
        "results": list(results),
    }
