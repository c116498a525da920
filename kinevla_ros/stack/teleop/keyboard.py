"""A person at the keyboard: keys move the tool, the space bar is the clutch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.stack.arm_link import ArmLink
from kinevla_ros.stack.teleop.keys import TerminalKeys
from kinevla_ros.stack.teleop.person import Wish

Array = NDArray[np.float64]

SPEED, TURN = 0.08, 0.5
"""Of the tool at full deflection or with a key down (m/s, rad/s)."""

LASTS = 0.15
"""A key moves the tool so long (s); a terminal repeats it while it is down and does not report
its release."""

CLUTCH, GRIPPER_KEY = " ", "g"

_X, _Y, _Z, _ROLL, _PITCH, _YAW = np.eye(6) * [SPEED, SPEED, SPEED, TURN, TURN, TURN]
WAYS: dict[str, Array] = {
    "w": _X, "s": -_X, "a": _Y, "d": -_Y, "r": _Z, "f": -_Z,
    "u": _ROLL, "o": -_ROLL, "i": _PITCH, "k": -_PITCH, "j": _YAW, "l": -_YAW,
}  # fmt: skip
"""How each key moves the tool in `base_link`."""


class KeyClutch:
    """The space bar: held until it is pressed again."""

    def __init__(self, keys: TerminalKeys) -> None:
        self._keys, self.held = keys, False

    def read(self) -> str:
        """The other keys that were pressed; raises DeviceLost."""
        pressed = self._keys.read()
        self.held ^= bool(pressed.count(CLUTCH) % 2)
        return pressed.replace(CLUTCH, "")


class Keyboard:
    """See `Person`.

    Args:
        keys: the terminal.
    """

    usage = (
        "space: take hold, let go. w s: forward, back; a d: left, right; r f: up, down; "
        "j l: turn; u o: roll; i k: pitch; g: gripper. Ctrl-C ends it."
    )

    def __init__(self, keys: TerminalKeys) -> None:
        self._keys, self._clutch = keys, KeyClutch(keys)
        self._twist, self._until = np.zeros(6), -np.inf
        self._opening: float | None = None

    def read(self, now: float) -> Wish:
        """See `Person`."""
        pressed = self._clutch.read()
        if not self._clutch.held:
            self._until = -np.inf
            return Wish(False)
        for key in pressed.lower():
            if key in WAYS:
                self._twist, self._until = WAYS[key], now + LASTS
            elif key == GRIPPER_KEY:
                self._opening = toggled(self._opening)
        twist = self._twist if now < self._until else np.zeros(6)
        return Wish(True, twist=twist, gripper=self._opening)

    def let_go(self) -> None:
        """See `Person`."""
        self._clutch.held = False

    def close(self) -> None:
        """See `Person`."""
        self._keys.close()


def open_keyboard(link: ArmLink) -> Keyboard:
    """The keyboard of this terminal, for a simulated arm.

    Raises:
        ValueError: the arm is a real one.
        DeviceLost: there is no terminal.
    """
    if not link.parameters(("simulated",))["simulated"]:
        raise ValueError(
            "a terminal does not tell when a key is let go, and this arm is a real one: "
            "kinevla teleop gamepad"
        )
    return Keyboard(TerminalKeys())


def toggled(opening: float | None) -> float:
    """Closed after open, and the other way round; first closed."""
    return GRIPPER_STROKE if opening == 0.0 else 0.0
