"""A person with a gamepad: the sticks move the tool while a shoulder button is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.stack.teleop.keyboard import SPEED, TURN, toggled
from kinevla_ros.stack.teleop.person import DeviceLost, Wish

Array = NDArray[np.float64]

DEAD_ZONE = 0.12
"""Share of a stick's way on which nothing moves: worn sticks do not come back to the middle."""

ROWS: dict[str, tuple[int, float]] = {
    "ABS_Y": (0, -SPEED),
    "ABS_X": (1, -SPEED),
    "ABS_RY": (2, -SPEED),
    "ABS_RX": (5, -TURN),
    "ABS_HAT0X": (3, TURN),
    "ABS_HAT0Y": (4, -TURN),
}
"""Axis of the gamepad to the row of the twist that it moves, and its speed at full deflection."""

CLUTCH, GRIPPER_BUTTON = "BTN_TR", "BTN_SOUTH"
INSTALL = "a gamepad needs one package more: pip install evdev"


class Gamepad:
    """See `Person`; the kernel's names of buttons and axes, as of every common gamepad.

    Args:
        device: an `evdev.InputDevice`, not blocking.
    """

    usage = (
        "hold the right shoulder button; left stick: forward, back, left, right; right stick: up, "
        "down, turn; cross: roll and pitch; lower button: gripper. Ctrl-C ends it."
    )

    def __init__(self, device: Any) -> None:
        codes = _codes()
        self._device, self._held = device, False
        self._clutch, self._button = codes[CLUTCH], codes[GRIPPER_BUTTON]
        self._key, self._axis = codes["EV_KEY"], codes["EV_ABS"]
        self._opening: float | None = None
        self._twist, self._wait = np.zeros(6), False
        known = {code for code, _ in device.capabilities().get(self._axis, [])}
        self._rows = {codes[name]: (*row, _range(device, codes[name])) for name, row in
                      ROWS.items() if codes[name] in known}  # fmt: skip

    def read(self, now: float) -> Wish:
        """See `Person`."""
        try:
            for event in self._device.read():
                self._take(event)
        except BlockingIOError:
            pass  # nothing has happened
        except OSError as error:
            raise DeviceLost(f"the gamepad is gone ({error.strerror}): plug it in") from error
        return Wish(self._held and not self._wait, twist=self._twist.copy(), gripper=self._opening)

    def let_go(self) -> None:
        """See `Person`."""
        self._wait = self._held

    def close(self) -> None:
        """See `Person`."""
        self._device.close()

    def _take(self, event: Any) -> None:
        if event.type == self._key and event.code == self._clutch:
            self._held = bool(event.value)
            self._wait &= self._held
        elif event.type == self._key and event.code == self._button and event.value == 1:
            self._opening = toggled(self._opening)
        elif event.type == self._axis and event.code in self._rows:
            row, speed, share = self._rows[event.code]
            self._twist[row] = speed * share(event.value)


def open_gamepad(path: str | None = None) -> Gamepad:
    """The gamepad at a path such as /dev/input/event5, or the first there is.

    Raises:
        DeviceLost: there is none, it may not be read, or evdev is not installed.
    """
    codes = _codes()
    import evdev

    found = []
    for name in [path] if path else evdev.list_devices():
        try:
            device = evdev.InputDevice(name)
        except OSError as error:
            raise DeviceLost(f"{name} cannot be read: {error.strerror}") from error
        if codes[CLUTCH] in device.capabilities().get(codes["EV_KEY"], []):
            return Gamepad(device)
        found.append(f"{name} ({device.name})")
        device.close()
    seen = f"; it is none of {', '.join(found)}" if found else ""
    raise DeviceLost(
        f"no gamepad is found{seen}. Plug it in; this user has to be in the group input "
        "(ls -l /dev/input)"
    )


def _codes() -> dict[str, int]:
    try:
        from evdev import ecodes
    except ImportError as problem:
        raise DeviceLost(INSTALL) from problem
    return dict(ecodes.ecodes)


def _range(device: Any, code: int) -> Callable[[int], float]:
    """From an axis's number to -1 to 1, 0 in the dead zone."""
    info = device.absinfo(code)
    middle, half = (info.max + info.min) / 2, max((info.max - info.min) / 2, 1)

    def share(value: int) -> float:
        way = float(np.clip((value - middle) / half, -1, 1))
        return float(np.sign(way) * max(abs(way) - DEAD_ZONE, 0.0) / (1 - DEAD_ZONE))

    return share
