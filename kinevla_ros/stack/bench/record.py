"""The work behind `kinevla bench record`: what a recorder loses, also when it is killed."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcap.reader import make_reader
from rich.console import Console, Group
from rich.table import Table

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.base.resources import resource_path
from kinevla_ros.data.recording.bag import FAILURE, Bag, unfinished
from kinevla_ros.data.recording.folders import FILE_NAME, discard, recover
from kinevla_ros.data.recording.topics import ENCAPSULATION
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.nodes.ros.parent import PARENT
from kinevla_ros.stack.processes.isolation import own_domain
from kinevla_ros.stack.processes.launcher import (
    POLL,
    Interrupted,
    Launcher,
    LaunchError,
    client_node,
    parameter_file,
)
from kinevla_ros.stack.record.record import DDS_PROFILES, NODE
from kinevla_ros.stack.record.session import RecordSession

READY = 60.0
"""Every topic has come by then, s."""

EPISODE = 2.0
"""Mean length of the episodes in which it is killed, s."""

NUMBERED = struct.Struct("<I")
"""Length of the frame's name, after encapsulation and stamp."""

STAMP = 8


def bench_record(seconds: float, kills: int, report: Path | None = None) -> int:
    """Measure, print the tables, write the JSON file; returns the exit code.

    Args:
        seconds: of the episode in which losses are counted.
        kills: of the recorder, at random moments.
    """
    own_domain()
    os.environ.setdefault(DDS_PROFILES, str(resource_path("config", "fastdds.xml")))
    with tempfile.TemporaryDirectory(prefix="kinevla_bench_record_") as folder:
        root = Path(folder)
        nodes = {NODE: {"folder": folder, "instruction": "bench"}}
        try:
            with (
                client_node("kinevla_bench_record") as (node, interrupted),
                _robot(),
                Launcher(node, interrupted, parameter_file(None), nodes, "fatal") as launcher,
            ):
                launcher.bring_up()
                console = Console(quiet=True)
                session = RecordSession(node, lambda: launcher.spin(POLL), console)
                figures: dict[str, Any] = {"losses": _losses(launcher, session, root, seconds)}
                if kills:
                    figures["kills"] = _kills(launcher, session, root, kills)
        except Interrupted:
            return INTERRUPTED
        except (LaunchError, OSError) as error:
            Console(stderr=True).print(f"[red]error:[/] {error}")
            return 1
    publish(figures, _tables, report)
    return 0


@contextmanager
def _robot() -> Iterator[None]:
    """What is recorded, as a process of its own."""
    command = [sys.executable, "-m", "kinevla_ros.stack.bench.fast_robot"]
    environment = {**os.environ, PARENT: str(os.getpid())}
    process = subprocess.Popen(command, start_new_session=True, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _ready(launcher: Launcher, session: RecordSession) -> None:
    session.status = None
    launcher.wait_for(
        lambda: session.status is not None and not session.status.waits_for,
        READY,
        "the recorder does not get every topic",
    )


def _begin(session: RecordSession) -> None:
    session.press("s")
    if session.status is None or not session.status.episode:
        raise LaunchError("the recorder does not begin an episode")


def _losses(
    launcher: Launcher, session: RecordSession, root: Path, seconds: float
) -> dict[str, Any]:
    """Record for some time; what is missing by number, and the processor's share."""
    _ready(launcher, session)
    _begin(session)
    before, begun, waiting = _cpu(launcher.pid(NODE)), time.monotonic(), 0
    while time.monotonic() < begun + seconds:
        launcher.spin(POLL)
        waiting = max(waiting, session.status.waiting if session.status else 0)
    share = (_cpu(launcher.pid(NODE)) - before) / (time.monotonic() - begun)
    session.press("y")
    (folder,) = root.glob("episode_*")
    topics = _count(folder)
    size = (folder / FILE_NAME).stat().st_size
    discard(folder)
    return {
        "seconds": seconds,
        "megabytes_per_second": size / 1e6 / seconds,
        "cores": share,
        "most_waiting_megabytes": waiting / 1e6,
        "load": os.getloadavg()[0],
        "topics": topics,
    }


def _count(folder: Path) -> dict[str, dict[str, int]]:
    """Of each numbered topic how many messages there are, and how many numbers are left out."""
    numbers: dict[str, list[int]] = {}
    with (folder / FILE_NAME).open("rb") as file:
        for _, channel, message in make_reader(file).iter_messages():
            if (number := _number(message.data)) is not None:
                numbers.setdefault(channel.topic, []).append(number)
    return {
        topic: {"messages": len(own), "lost": own[-1] - own[0] + 1 - len(set(own))}
        for topic, own in numbers.items()
    }


def _number(data: bytes) -> int | None:
    """The number in a header's frame, of a message that begins with a header."""
    start = ENCAPSULATION + STAMP + NUMBERED.size
    if len(data) < start:
        return None
    (length,) = NUMBERED.unpack_from(data, start - NUMBERED.size)
    text = data[start : start + length - 1] if 1 < length < 12 else b""
    return int(text) if text.isdigit() else None


def _kills(launcher: Launcher, session: RecordSession, root: Path, kills: int) -> dict[str, Any]:
    """Kill the recorder at random moments of episodes, and recover what it leaves."""
    rng, found, losses = random.Random(0), Counter[str](), list[float]()
    for _ in range(kills):
        _ready(launcher, session)
        for _ in range(rng.randint(0, 1)):
            _begin(session)
            _wait(launcher, rng.uniform(0.2, EPISODE))
            session.press("y")
            found["finished"] += 1
        _begin(session)
        begun = time.time_ns()
        _wait(launcher, rng.uniform(0.0, 2 * EPISODE))
        launcher.kill(NODE)
        killed = time.time_ns()
        for folder in unfinished(root):
            try:
                _, contents = recover(folder, FAILURE)
            except FileError:
                found["empty"] += 1
                losses.append((killed - begun) / 1e9)
                discard(folder)
                continue
            found["recovered"] += 1
            losses.append((killed - contents.last) / 1e9)
        for folder in sorted(root.glob("episode_*")):
            found["whole" if _is_whole(folder) else "damaged"] += 1
            discard(folder)
        session.status = None
        launcher.restart(NODE)
    return {"kills": kills, **found, "largest_loss": max(losses), "losses": losses}


def _wait(launcher: Launcher, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        launcher.spin(min(POLL, left))


def _is_whole(folder: Path) -> bool:
    """Whether an episode holds every message that its metadata counts."""
    wanted = Bag(folder).counts
    with (folder / FILE_NAME).open("rb") as file:
        found = Counter(c.topic for _, c, _ in make_reader(file).iter_messages())
    return found == wanted


def _cpu(process: int) -> float:
    """Processor time of a process so far, s."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tables(figures: dict[str, Any]) -> Group:
    losses = figures["losses"]
    title = (
        f"{losses['seconds']:.0f} s, {losses['megabytes_per_second']:.0f} MB/s, recorder "
        f"{losses['cores']:.2f} cores, at most {losses['most_waiting_megabytes']:.0f} MB waited"
    )
    table = Table(title=title)
    for name in ("topic", "messages", "lost"):
        table.add_column(name, justify="left" if name == "topic" else "right")
    for topic, counts in losses["topics"].items():
        table.add_row(topic, str(counts["messages"]), str(counts["lost"]))
    if "kills" not in figures:
        return Group(table)
    kills = Table(title=f"{figures['kills']['kills']} times kill -9")
    for name in ("finished", "recovered", "empty", "whole", "damaged", "largest loss (s)"):
        kills.add_column(name, justify="right")
    counts = [figures["kills"].get(n, 0) for n in ("finished", "recovered", "empty", "whole")]
    damaged, largest = figures["kills"].get("damaged", 0), figures["kills"]["largest_loss"]
    kills.add_row(*map(str, [*counts, damaged]), f"{largest:.2f}")
    return Group(table, kills)
