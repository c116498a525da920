"""The work behind `kinevla bench faults`: break something while the arm moves, again and again."""

from __future__ import annotations

import random
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.fault_report import (
    Trial,
    cut_speed,
    figures,
    first_step,
    largest_share,
    longest_gap,
    rest_time,
    table,
)
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.robot.host.priority import promptly
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.controller.records import MotionRecord, StreamRecord, records_of
from kinevla_ros.sim.controller.stream_check import PAUSE
from kinevla_ros.stack.faults.kinds import KINDS, FaultKind
from kinevla_ros.stack.faults.rig import Emulator, FaultRig, emulated
from kinevla_ros.stack.processes.isolation import own_domain
from kinevla_ros.stack.processes.launcher import (
    Interrupted,
    Launcher,
    LaunchError,
    client_node,
    parameter_file,
)

MOTION = (0.8, 2.2)
"""Shortest and longest motion before the fault, s."""

THAW = (0.3, 1.3)
"""Shortest and longest freeze, s; beyond one second the connection is made again."""

DETECTION_TIMEOUT = 3.0
SETTLING = 0.8
RETURN = 0.5
"""How long the motion after the fault is looked at, s."""

NONE = "NONE"
TABLE_WIDTH = 120


def bench_faults(count: int, seed: int, report: Path | None) -> int:
    """Inject `count` faults, print the table, write the JSON file; returns the exit code."""
    own_domain()
    console = Console(highlight=False, width=TABLE_WIDTH)
    trials: list[Trial] = []
    interruptions: list[str] = []
    with (
        client_node("kinevla_faults") as (node, interrupted),
        Emulator() as emulator,
        # This process only watches; it must not wait for others.
        promptly(),
    ):
        overrides = {"arm": emulated(emulator)}
        launcher = Launcher(node, interrupted, parameter_file(None), overrides, "fatal")
        try:
            with launcher, Progress(console=console, transient=True) as progress:
                launcher.bring_up()
                rig = FaultRig(node, launcher, emulator, interruptions)
                bar = progress.add_task("faults", total=count)
                try:
                    for kind in draw(count, seed):
                        trials.append(run_trial(rig, kind))
                        if trials[-1].problems:
                            console.print(f"{kind.name}: {'; '.join(trials[-1].problems)}")
                        progress.advance(bar)
                finally:
                    rig.close()
        except Interrupted:
            console.print("interrupted")
        except LaunchError as error:
            console.print(f"[red]error:[/] {error}")
    if interruptions:
        console.print(f"not asked for: {', '.join(interruptions)}")
    found = figures(trials, interruptions) | {"seed": seed}
    publish(found, lambda _: table(trials) if trials else "", report, console)
    return int(found["failed"] > 0 or len(trials) < count)


def draw(count: int, seed: int) -> list[FaultKind]:
    """Every kind as often as every other, give or take one, in random order."""
    random.seed(seed)
    kinds = random.sample(KINDS, len(KINDS))
    drawn = [kinds[i % len(kinds)] for i in range(count)]
    random.shuffle(drawn)
    return drawn


def run_trial(rig: FaultRig, kind: FaultKind) -> Trial:
    """Break something while the arm moves, see what happens, and let the arm move again.

    Raises:
        LaunchError: the arm does not move, before or after.
    """
    begin = time.monotonic()
    rig.move_for(random.uniform(*MOTION))
    broken = time.monotonic()
    reason, detected, mended = _break(rig, kind, broken)
    settled = max(mended, detected) + SETTLING
    rig.spin_until(settled)
    stream, motion = _records(rig, begin)
    ended = time.monotonic() - stream.times[-1] > PAUSE
    cut = cut_speed(stream, STREAM_PERIOD) if ended else 0.0
    # A controller that was frozen has nothing to show before it is mended.
    rest, way = rest_time(motion, broken if kind.lasts else max(detected, mended))
    rig.emulator.control.ask(sound=True)
    allowed = rig.start_moving()
    rig.spin_until(time.monotonic() + RETURN)
    stream, motion = _records(rig, begin)
    if kind.deaf:
        read_late = (stream.times >= broken) & (stream.times < mended + PAUSE)
        stream = StreamRecord._make(values[~read_late] for values in stream)
    after = stream.times >= broken
    # An arm that merely holds is sent its place all the time.
    rests = not kind.goes_on and kind.notice != SafetyStatus.HOLDING
    strays = int(((stream.times >= settled) & (stream.times < allowed)).sum())
    # In what a broken controller refuses, nobody is at fault.
    judged = after | ~after if kind.lasts else ~after
    return Trial(
        kind=kind.name,
        reason=reason,
        expected=kind.expected,
        detection=detected - broken,
        rest=0.0 if kind.goes_on else rest,
        way=0.0 if kind.goes_on else way,
        share=largest_share(stream, RM75_LIMITS, STREAM_PERIOD),
        refused=int((~stream.accepted[judged]).sum()),
        cut=cut,
        gentle=kind.gentle,
        strays=strays if rests else 0,
        first_step=0.0 if kind.goes_on else first_step(stream, motion, allowed),
        gap=longest_gap(stream, broken, settled) if kind.even else 0.0,
    )


def _break(rig: FaultRig, kind: FaultKind, broken: float) -> tuple[str, float, float]:
    """Break it and mend it; returns what was seen, and when that was and when it was mended (s)."""
    kind.inject(rig)
    mended = broken
    if kind.lasts:
        rig.spin_until(broken + random.uniform(*kind.lasts))
        mended = time.monotonic()
        assert kind.undo is not None
        kind.undo(rig)
    if kind.notice is None:
        fault = rig.await_status(lambda seen: seen.state == SafetyStatus.FAULTED, broken, SETTLING)
        return (fault.fault if fault else NONE), broken, mended
    seen = rig.await_status(lambda seen: seen.state == kind.notice, broken, DETECTION_TIMEOUT)
    detected = seen.time if seen else broken + DETECTION_TIMEOUT
    if kind.undo is not None and not kind.lasts:
        rig.spin_until(broken + random.uniform(*THAW))
        mended = time.monotonic()
        kind.undo(rig)
    return (seen.fault if seen else "not noticed"), detected, max(mended, detected)


def _records(rig: FaultRig, since: float) -> tuple[StreamRecord, MotionRecord]:
    return records_of(rig.emulator.control.ask(record=since)["record"])
