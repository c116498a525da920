"""Requests to the vendor library that wait for the controller's reply, in a thread of their own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from Robotic_Arm.rm_robot_interface import RoboticArm

from kinevla_ros.robot.realman.channel import SharedRecord
from kinevla_ros.robot.realman.gripper import (
    PERIOD,
    RETRY,
    SUPPLY_24V,
    GripperLine,
    opening_of,
)

REPLY_ONLY = 1
"""With block=False: return on the controller's reply. 0 would wait for a whole second."""

CLEARED, DRAGGED = "cleared", "dragged"
"""What is reported."""

_OK = 0


class RequestThread(threading.Thread):
    """Moves and reads the gripper, clears errors, begins and ends drag mode.

    Args:
        arm: the connected vendor client.
        opening: where the measured opening (m) goes; NaN while the gripper does not answer.
        report: called with `CLEARED` or `DRAGGED` when that is done, and with what is wrong, None
            if nothing.
    """

    def __init__(
        self, arm: RoboticArm, opening: SharedRecord, report: Callable[[str, str | None], None]
    ) -> None:
        super().__init__(name="realman-requests", daemon=True)
        self._arm = arm
        self._opening = opening
        self._report = report
        self._wake = threading.Event()
        self._clear = threading.Event()
        self._line = GripperLine()
        self._drag: bool | None = None
        self._lock = threading.Lock()

    def move_gripper(self, opening: float) -> None:
        """Move to `opening`, m; replaces an opening that was not sent yet."""
        self._line.move(opening)
        self._wake.set()

    def clear_errors(self) -> None:
        """Clear all errors and report the outcome."""
        self._clear.set()
        self._wake.set()

    def drag(self, on: bool) -> None:
        """Let the joints give way to a hand, or hold them, and report the outcome."""
        with self._lock:
            self._drag = on
        self._wake.set()

    def run(self) -> None:
        powered = False
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            if self._clear.is_set():
                self._clear.clear()
                self._report(CLEARED, recover(self._arm))
            elif self._drag is not None:
                self._change_drag()
            elif not powered:
                powered = self._arm.rm_set_tool_voltage(SUPPLY_24V) == _OK
            elif (position := self._line.next()) is not None:
                if self._arm.rm_set_gripper_position(position, False, REPLY_ONLY) == _OK:
                    self._line.sent(position)
            else:
                opening = self._read_gripper()
                self._opening.write(opening)
                pause = RETRY if math.isnan(opening) else 0.0
            time.sleep(PERIOD)

    def _change_drag(self) -> None:
        with self._lock:
            on, self._drag = self._drag, None
        code = self._arm.rm_start_drag_teach(0) if on else self._arm.rm_stop_drag_teach()
        word = "begin" if on else "end"
        problem = f"the controller does not {word} drag mode (code {code})"
        self._report(DRAGGED, None if code == _OK else problem)

    def _read_gripper(self) -> float:
        code, state = self._arm.rm_get_gripper_state()
        if code != _OK or state["status"] != 1:
            return math.nan
        return opening_of(state["actpos"])


def recover(arm: RoboticArm) -> str | None:
    """Clear the errors of joints and controller and enable the joints; return what is left."""
    arm.rm_set_arm_stop()
    flags = arm.rm_get_joint_err_flag()
    if flags["return_code"] != _OK:
        return "the controller does not report its joint errors"
    for joint, flag in enumerate(flags["err_flag"], start=1):
        if flag and arm.rm_set_joint_clear_err(joint) != _OK:
            return f"the controller does not clear error 0x{flag:04x} of joint {joint}"
    if arm.rm_clear_system_err() != _OK:
        return "the controller does not clear its errors"
    code, enabled = arm.rm_get_joint_en_state()
    if code != _OK:
        return "the controller does not report which joints are enabled"
    for joint, flag in enumerate(enabled, start=1):
        if not flag and arm.rm_set_joint_en_state(joint, 1) != _OK:
            return f"the controller does not enable joint {joint}"
    left = arm.rm_get_joint_err_flag()["err_flag"]
    for joint, flag in enumerate(left, start=1):
        if flag:
            return f"joint {joint} still reports error 0x{flag:04x}"
    return None
