"""Whatever happens in whatever order, the arm's motion is smooth and a fault stays one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from arm_bench import DT, HOME, ArmBench, assert_smooth
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.status import SafetyState

Array = NDArray[np.float64]


EVENTS: dict[str, Callable[[ArmBench], object]] = {
    "enable": lambda bench: bench.core.enable(bench.now),
    "disable": lambda bench: bench.core.disable(),
    "reset": lambda bench: bench.core.reset(bench.now),
    "stop": lambda bench: bench.core.stop(bench.now),
    "lose": lambda bench: bench.core.connection_lost("no route", bench.now),
    "error": lambda bench: setattr(bench, "controller_errors", (0x1001,)),
    "repair": lambda bench: setattr(bench, "controller_errors", ()),
    "silence": lambda bench: setattr(bench, "silent", True),
    "speak": lambda bench: setattr(bench, "silent", False),
    "send": lambda bench: bench.send(0.8),
    "send back": lambda bench: bench.send(-0.8),
    "send wild": lambda bench: bench.send(30.0),
    "lead": lambda bench: bench.lead(bench.q + 0.2),
    "lead wild": lambda bench: bench.lead(bench.q - 2.0),
    "slow": lambda bench: bench.core.set_speed(30.0),
    "fast": lambda bench: bench.core.set_speed(100.0),
    "pause": lambda bench: bench.core.pause(True),
    "resume": lambda bench: bench.core.pause(False),
    "block": lambda bench: setattr(bench, "blocked", True),
    "free": lambda bench: setattr(bench, "blocked", False),
    "wait": lambda bench: bench.run(0.5),
}


def motions(bench: ArmBench) -> Iterator[tuple[Array, list[StreamSample | None]]]:
    """Split what was sent where nothing was; each with the position it was sent first at."""
    start = HOME
    motion: list[StreamSample | None] = []
    for q, sample in zip([*bench.path, HOME], [*bench.sent, None], strict=True):
        if sample is None:
            if motion:
                yield start, motion
            motion = []
        else:
            start = start if motion else q
            motion.append(sample)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 12)), max_size=25))
def test_whatever_happens_in_whatever_order_every_motion_is_smooth_and_no_fault_goes_unreset(
    events: list[tuple[str, int]],
) -> None:
    bench = ArmBench()
    for name, pause in [("enable", 5), *events]:
        before = bench.state
        EVENTS[name](bench)
        if before is SafetyState.FAULTED:
            assert name == "reset" or bench.state is SafetyState.FAULTED
        if before is SafetyState.DISABLED:
            assert name in ("enable", "stop") or bench.state is SafetyState.DISABLED
        bench.run(pause * DT)
    for start, motion in motions(bench):
        assert_smooth(motion, start)
