"""`kinevla record` and `kinevla recover` as a person uses them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

pytest.importorskip("mcap")

from cameras_and_arm import CamerasAndArm
from rich.console import Console
from typer.testing import CliRunner
from waiting import wait_until

from kinevla_ros.cli import app
from kinevla_ros.data.recording.bag import Bag
from kinevla_ros.msg import RecordedTopic, RecordStatus
from kinevla_ros.stack.processes.launcher import LaunchError
from kinevla_ros.stack.record.keys import Keys
from kinevla_ros.stack.record.record import _run as run_session
from kinevla_ros.stack.record.view import view


@contextmanager
def robot() -> Iterator[CamerasAndArm]:
    """Cameras and an arm, published by a thread of this process."""
    rclpy.init()
    node, executor, over = rclpy.create_node("robot"), SingleThreadedExecutor(), threading.Event()
    executor.add_node(node)
    made = CamerasAndArm(node)

    def spin() -> None:
        while not over.is_set():
            executor.spin_once(timeout_sec=0.05)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()
        node.destroy_node()
        executor.shutdown()
        rclpy.try_shutdown()


@contextmanager
def recording(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "kinevla_ros.cli", "record", str(folder), *words]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def press(process: subprocess.Popen[str], key: str) -> str:
    """Press a key, and read the line that it brings."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(key)
    process.stdin.flush()
    return process.stdout.readline()


def start(process: subprocess.Popen[str]) -> None:
    """Begin an episode as soon as every topic has come."""
    lines = []

    def begun() -> bool:
        lines.append(press(process, "s"))
        return "recording episode" in lines[-1]

    assert wait_until(begun, 60), lines


def test_keys_begin_keep_and_discard_episodes_and_the_end_sums_up(tmp_path: Path) -> None:
    with robot(), recording(tmp_path, "--instruction", "bring the bread") as process:
        start(process)
        assert "is being recorded" in press(process, "q")
        assert "episode_0001" in press(process, "y")
        start(process)
        assert "episode_0002" in press(process, "n")
        start(process)
        assert "discarded" in press(process, "d")
        assert "start an episode first" in press(process, "y")
        assert press(process, "q") == "recorded: 1 success, 1 failure, 1 discarded\n"
        assert process.wait(60) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["episode_0001", "episode_0002"]
    stated = [Bag(tmp_path / name).stated for name in names]
    assert [each["verdict"] for each in stated] == ["success", "failure"]
    assert stated[0]["instruction"] == "bring the bread"


def test_ctrl_c_in_an_episode_keeps_it_as_a_failure(tmp_path: Path) -> None:
    with robot(), recording(tmp_path) as process:
        start(process)
        time.sleep(0.5)
        process.terminate()
        assert process.wait(60) == 130
        assert process.stdout is not None
        assert "episode_0001 ends as a failure" in process.stdout.read()
    assert Bag(tmp_path / "episode_0001").stated["verdict"] == "failure"


def test_the_end_of_the_input_in_an_episode_keeps_it_as_a_failure(tmp_path: Path) -> None:
    with robot(), recording(tmp_path) as process:
        start(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert "recorded: 0 success, 1 failure" in process.stdout.read()
    assert Bag(tmp_path / "episode_0001").stated["verdict"] == "failure"


def test_keys_come_one_by_one_and_the_end_of_the_input_is_known() -> None:
    end, begin = os.pipe()
    with Keys(end) as keys:
        assert keys.pressed() is None
        os.write(begin, b"S\n y")
        assert [keys.pressed(), keys.pressed(), keys.pressed()] == ["s", "y", None]
        os.close(begin)
        assert keys.pressed() == ""
    os.close(end)


def test_a_recorder_that_dies_in_an_episode_is_answered_with_the_verb_that_saves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = io.StringIO()
    session = SimpleNamespace(status=RecordStatus(episode="episode_0003"))

    def died() -> None:
        raise LaunchError("the recorder node has ended")

    with open(os.devnull) as nobody, pytest.raises(LaunchError):
        monkeypatch.setattr("sys.stdin", nobody)
        run_session(session, died, Console(file=shown, width=200))
    assert "episode_0003 was broken off; kinevla recover" in shown.getvalue()


def test_the_view_shows_rates_losses_room_and_what_is_missing() -> None:
    topic = RecordedTopic(name="/joint_states", messages=50, rate=49.7, gaps=1, missing=3)
    topic.longest_gap, topic.dropped = 0.25, 2
    status = RecordStatus(episode="episode_0004", seconds=7.0, free=2 * 10**9, topics=[topic])
    console = Console(width=120)

    def shown(status: RecordStatus | None) -> str:
        with console.capture() as capture:
            console.print(view(status))
        return capture.get()

    text = shown(status)
    for part in ("/joint_states", "49.7", "0.25", "RECORDING episode_0004: 7 s", "2.0 GB free"):
        assert part in text
    assert "d discard" in text
    assert "HAS ENDED: disk" in shown(RecordStatus(episode="a", problem="disk"))
    assert "nothing comes on /x" in shown(RecordStatus(waits_for=["/x"]))
    assert "waiting" in shown(None)


def test_recover_says_what_it_kept_and_what_it_cannot(tmp_path: Path) -> None:
    from recorder_feed import feed, recorder

    run = CliRunner().invoke
    nothing = run(app, ["recover", str(tmp_path)])
    assert nothing.exit_code == 1
    assert "no unfinished episode" in nothing.output
    into = recorder(tmp_path)
    now = feed(into, 10**18, 0.5)
    into.start({}, now)
    assert into._writer is not None
    feed(into, now, 0.5)
    assert wait_until(lambda: into._writer and into._writer.size > 10**6)
    busy = run(app, ["recover", str(tmp_path)])
    assert busy.exit_code == 1
    assert "another process writes" in busy.output
    into._writer._end()
    into.close()
    (tmp_path / "episode_0002.unfinished").mkdir()
    done = run(app, ["recover", str(tmp_path), "--success"])
    assert done.exit_code == 1
    assert "episode_0001: 0." in done.output
    assert "nothing was recorded; delete the folder" in done.output
    assert Bag(tmp_path / "episode_0001").stated["verdict"] == "success"
