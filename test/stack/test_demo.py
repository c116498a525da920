"""The commands that people type: demo, benches of stack and chunk, say with nobody to listen."""

from __future__ import annotations

import json
import os
import re
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")
pytest.importorskip("av")

from rich.console import Console
from typer.testing import CliRunner, Result

from kinevla_ros.base.resources import resource_path
from kinevla_ros.cli import app
from kinevla_ros.evaluation.suite.episodes import episodes
from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.stack.bench import trials as stack_trials
from kinevla_ros.stack.judgement import print_judgement

try:
    resource_path("models", "kinevla-tiny", "model.safetensors")
except FileNotFoundError:
    pytest.skip("the checkpoint is not there", allow_module_level=True)


@pytest.fixture(autouse=True)
def own_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration takes a DDS domain of its own; the tests after it get theirs back."""
    monkeypatch.setenv("ROS_DOMAIN_ID", os.environ["ROS_DOMAIN_ID"])


def kinevla(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(("late", "said"), [(0.7, True), (0.05, False)])
def test_a_failure_on_a_computer_that_is_too_slow_says_that(late: float, said: bool) -> None:
    console, latency = Console(file=StringIO()), Latency()
    latency.add(late)
    stream = {"rate": 50.0, "points": 2000, "shares": {}}
    judgement = {"goal": False, "constraints": {}, "stream": stream, "seconds": 40.0}
    print_judgement(console, judgement, Latency(), latency, Path("demo.mp4"))
    printed = console.file.getvalue()
    assert "FAILURE" in printed
    assert ("End other work" in printed) is said


def test_the_demo_does_what_it_is_asked_and_shows_it_in_a_video(tmp_path: Path) -> None:
    video = tmp_path / "demo.mp4"
    result = kinevla("demo", "--video", str(video))
    assert result.exit_code == 0, result.output
    for word in (
        "goal:",
        "how:",
        "codes",
        "model",
        "judge",
        "part",
        "side",
        "order",
        "SUCCESS",
    ):
        assert word in result.output
    assert re.search(r"(49|50)\.\d Hz", result.output)
    import av

    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) > 30
    assert frames[-1].width == 640


def test_a_demo_of_nonsense_fails_with_the_reason(tmp_path: Path) -> None:
    result = kinevla("demo", "dance", "--video", str(tmp_path / "demo.mp4"))
    assert result.exit_code == 1
    assert "words outside its scope (dance)" in result.output


def test_a_bench_of_the_stack_leads_the_arm_home_and_tells_what_each_episode_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = episodes("kine_realman", 1, 3000)[:2]
    monkeypatch.setattr(stack_trials, "episodes", lambda *_: two)
    figures = tmp_path / "figures.json"
    result = kinevla("bench", "stack", "--json", str(figures))
    assert result.exit_code == 0, result.output
    assert "picture to chunk: p50" in result.output
    found = json.loads(figures.read_text())
    assert [result["task"] for result in found["results"]] == [episode.task for episode in two]
    for result in found["results"]:
        assert result["chunks"] > 5
        assert result["inconsistent"] == 0
        assert result["arm"] == "holding"


def test_a_bench_of_the_chunk_times_warm_chunks_with_and_without_consistency(
    tmp_path: Path,
) -> None:
    figures = tmp_path / "figures.json"
    result = kinevla("bench", "chunk", "--chunks", "3", "--json", str(figures))
    assert result.exit_code == 0, result.output
    found = json.loads(figures.read_text())
    assert set(found["ways"]) == {"ONNX graphs", "plain torch"}
    for way in found["ways"].values():
        assert way["warm"]["n"] == way["checked"]["n"] == 3


def test_saying_something_to_nobody_fails_with_the_reason(
    capfd: pytest.CaptureFixture[str],
) -> None:
    result = kinevla("say", "hold the carrot", "--timeout", "1")
    assert result.exit_code == 1
    assert "no policy listens to /instruction" in result.output + capfd.readouterr().err
