"""From a sentence in the running cell to a dataset that can be trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("mcap_ros2")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from rich.console import Console
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.recording.bag import Bag
from kinevla_ros.msg import Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.stack.processes.isolation import free_tcp_port, free_udp_port
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Launcher,
    client_node,
    parameter_file,
    simulated,
)
from kinevla_ros.stack.record.session import RecordSession
from kinevla_ros.stack.talk import Talk

SAID = "pick up the bread and move it to the left front"


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Recorded while the policy carries out a sentence."""
    root, port = tmp_path_factory.mktemp("recordings"), free_tcp_port(CELL_HOST)
    nodes = {
        "recorder": {"folder": str(root), "least_free": 1},
        "cell": {"host": CELL_HOST, "port": port, "camera_rate": 10.0},
        "policy": {},
        "arm": {**simulated(port), "udp_port": free_udp_port(CELL_HOST)},
    }
    with (
        client_node("recorded_test") as (node, interrupted),
        Launcher(node, interrupted, parameter_file(None), nodes, "error") as launcher,
    ):
        session = RecordSession(node, lambda: launcher.spin(0.05), Console(quiet=True))
        moving: list[bool] = []
        node.create_subscription(
            SafetyStatus,
            "kinevla/safety_status",
            lambda status: moving.append(status.state == SafetyStatus.MOVING),
            LATCHED,
        )
        launcher.bring_up()
        launcher.wait_for(
            lambda: session.status and not session.status.waits_for, 60.0, "a topic is missing"
        )
        talk = Talk(node, interrupted)
        assert talk.begin(30.0) == ""
        session.press("s")
        assert session.status is not None and session.status.episode == "episode_0001"
        reasoning = talk.answer(SAID)
        assert reasoning is not None and reasoning.status == Reasoning.OK
        launcher.wait_for(lambda: sum(moving) > 60, 120.0, "the arm does not move")
        session.press("y")
        assert session.kept["success"] == 1
    yield root / "episode_0001"


def test_a_bag_holds_what_was_said_seen_thought_sent_and_streamed(episode: Path) -> None:
    bag = Bag(episode)
    assert bag.stated["instruction"] == SAID
    assert bag.stated["verdict"] == "success"
    counts = bag.counts
    for topic in ("reasoning", "action_chunk", "joint_targets", "safety_status"):
        assert counts[f"/kinevla/{topic}"] > 5
    for topic in ("image_raw", "camera_info"):
        assert counts[f"/camera/wrist/color/{topic}"] > 20
    assert counts["/diagnostics"] and counts["/robot_description"]


def test_it_is_converted_annotated_and_checked_by_three_verbs(
    episode: Path, tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    for words in (
        ["convert", str(episode.parent), str(dataset)],
        ["annotate", str(dataset), "--from-task"],
    ):
        result = CliRunner().invoke(app, words)
        assert result.exit_code in (0, 1), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
    reader = DatasetReader(dataset)
    assert {entry.instruction for entry in reader.episodes} == {SAID}
    assert sum(entry.length for entry in reader.episodes) >= 20
