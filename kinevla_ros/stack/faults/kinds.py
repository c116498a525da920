"""The ways to break the stack, and what must become of each."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kinevla_ros.msg import SafetyStatus
from kinevla_ros.stack.faults.rig import FaultRig

Act = Callable[[FaultRig], object]

NONE = ("NONE",)
LOST, STALE, ERROR = ("CONNECTION_LOST",), ("STALE_STATE",), ("CONTROLLER_ERROR",)
INTERRUPTED = ("STREAM_INTERRUPTED",)


@dataclass(frozen=True)
class FaultKind:
    """A way to break something.

    Attributes:
        name: for the table.
        expected: faults that are right.
        inject: breaks it.
        gentle: whether the arm can and must be brought to rest, instead of being left where it is.
        undo: mends it, if that takes more than switching all faults of the controller off.
        lasts: shortest and longest time until it is mended, seen or not, s; None to mend it only
            after it was seen.
        notice: state of the arm by which it must be seen; None if nobody needs to see it.
        goes_on: whether the arm must move on by itself.
        even: whether the stream must not even be late.
        deaf: whether the controller reads late, at once, what it was sent meanwhile; that is not
            judged.
    """

    name: str
    expected: tuple[str, ...]
    inject: Act
    gentle: bool = True
    undo: Act | None = None
    lasts: tuple[float, float] | None = None
    notice: int | None = SafetyStatus.FAULTED
    goes_on: bool = False
    even: bool = False
    deaf: bool = False


def _signal(process: Callable[[FaultRig], int], number: signal.Signals) -> Act:
    return lambda rig: os.kill(process(rig), number)


def _emulator(rig: FaultRig) -> int:
    return rig.emulator.process.pid


def _ask(**request: Any) -> Act:
    return lambda rig: rig.emulator.control.ask(**request)


def _joint_error(rig: FaultRig) -> None:
    error = {"joint": random.randint(1, 7), "bits": 0x4000}
    rig.emulator.control.ask(joint_error=error)


def _frozen(
    name: str,
    process: Callable[[FaultRig], int],
    expected: tuple[str, ...],
    lasts: tuple[float, float],
    **kind: Any,
) -> FaultKind:
    stop, go_on = _signal(process, signal.SIGSTOP), _signal(process, signal.SIGCONT)
    return FaultKind(name, expected, stop, undo=go_on, lasts=lasts, **kind)


def _message(megabytes: int) -> FaultKind:
    name = f"message of {megabytes} MB"
    inject: Act = lambda rig: rig.send_large(megabytes)  # noqa: E731
    return FaultKind(name, NONE, inject, notice=None, goes_on=True, even=True)


_driver, _vendor = FaultRig.driver_process, FaultRig.vendor_process

KINDS = (
    FaultKind("policy killed", NONE, FaultRig.kill_player, notice=SafetyStatus.HOLDING),
    _frozen(
        "arm node frozen",
        FaultRig.arm_node,
        NONE,
        (0.05, 3.0),
        notice=None,
        goes_on=True,
        even=True,
    ),
    FaultKind(
        "arm node killed",
        NONE,
        FaultRig.kill_arm_node,
        undo=FaultRig.restart_arm_node,
        lasts=(0.7, 0.7),
        notice=None,
    ),
    FaultKind(
        "arm node's clock stepped",
        NONE,
        lambda rig: rig.step_clock(random.choice((-5.0, 5.0))),
        undo=FaultRig.restore_clock,
        notice=SafetyStatus.HOLDING,
        goes_on=True,
        even=True,
    ),
    _frozen("driver held up", _driver, NONE, (0.04, 0.08), notice=None, goes_on=True),
    _frozen("driver frozen", _driver, INTERRUPTED, (0.2, 3.0)),
    FaultKind("driver killed", LOST, _signal(_driver, signal.SIGKILL)),
    _frozen("vendor process held up", _vendor, STALE + INTERRUPTED, (0.15, 0.15), gentle=False),
    FaultKind("vendor process killed", LOST, _signal(_vendor, signal.SIGKILL)),
    FaultKind("vendor process frozen", STALE, _signal(_vendor, signal.SIGSTOP), gentle=False),
    FaultKind(
        "controller frozen",
        STALE,
        _signal(_emulator, signal.SIGSTOP),
        gentle=False,
        undo=_signal(_emulator, signal.SIGCONT),
        deaf=True,
    ),
    _message(8),
    _message(60),
    FaultKind("TCP closed", LOST, _ask(close=True)),
    FaultKind("TCP reset", LOST, _ask(reset=True)),
    FaultKind("UDP off", STALE, _ask(udp="off")),
    FaultKind("UDP garbage", STALE, _ask(udp="garbage")),
    FaultKind("UDP truncated", STALE, _ask(udp="truncated")),
    FaultKind("UDP zeros", STALE, _ask(udp="zeros")),
    FaultKind("reply too long", LOST, _ask(long_reply=True)),
    FaultKind("joint error", ERROR, _joint_error),
)
