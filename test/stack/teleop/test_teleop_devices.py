"""Keyboard and gamepad as a person's hands move them."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.stack.teleop import keyboard
from kinevla_ros.stack.teleop.gamepad import Gamepad, open_gamepad
from kinevla_ros.stack.teleop.keyboard import LASTS, SPEED, TURN, Keyboard
from kinevla_ros.stack.teleop.keys import TerminalKeys
from kinevla_ros.stack.teleop.person import DeviceLost

NOTHING = np.zeros(6)


class Terminal:
    """A terminal whose keys a test presses."""

    def __init__(self) -> None:
        self.fingers, self.screen = os.openpty()
        self.keyboard = Keyboard(TerminalKeys(self.screen))

    def press(self, keys: str) -> None:
        os.write(self.fingers, keys.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.keyboard.close()
    for descriptor in (terminal.fingers, terminal.screen):
        try:
            os.close(descriptor)
        except OSError as error:
            assert error.errno == errno.EBADF


def test_keys_move_nothing_before_the_space_bar_and_then_for_a_moment(terminal: Terminal) -> None:
    terminal.press("w")
    assert not terminal.keyboard.read(1.0).held
    terminal.press(" ")
    wish = terminal.keyboard.read(1.1)
    assert wish.held and not np.any(wish.twist)
    terminal.press("w")
    np.testing.assert_allclose(terminal.keyboard.read(1.2).twist, [SPEED, 0, 0, 0, 0, 0])
    assert np.any(terminal.keyboard.read(1.2 + 0.9 * LASTS).twist)
    assert not np.any(terminal.keyboard.read(1.2 + 1.1 * LASTS).twist)
    terminal.press("l")
    np.testing.assert_allclose(terminal.keyboard.read(2.0).twist, [0, 0, 0, 0, 0, -TURN])
    terminal.press(" ")
    assert not terminal.keyboard.read(2.01).held


def test_a_key_opens_and_closes_the_gripper_and_letting_go_needs_a_new_hold(
    terminal: Terminal,
) -> None:
    terminal.press(" ")
    assert terminal.keyboard.read(1.0).gripper is None
    terminal.press("g")
    assert terminal.keyboard.read(1.1).gripper == 0.0
    terminal.press("g")
    assert terminal.keyboard.read(1.2).gripper == GRIPPER_STROKE
    terminal.keyboard.let_go()
    assert not terminal.keyboard.read(1.3).held


def test_a_terminal_that_is_closed_and_a_pipe_are_named(terminal: Terminal) -> None:
    os.close(terminal.fingers)
    with pytest.raises(DeviceLost, match="terminal is"):
        terminal.keyboard.read(1.0)
    end, start = os.pipe()
    with pytest.raises(DeviceLost, match="without a pipe"):
        TerminalKeys(end)
    os.close(end)
    os.close(start)


@pytest.mark.parametrize("simulated", [True, False])
def test_the_keyboard_is_for_a_simulated_arm(
    simulated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyboard, "TerminalKeys", lambda: "the terminal")
    link = SimpleNamespace(parameters=lambda names: {"simulated": simulated})
    if simulated:
        assert isinstance(keyboard.open_keyboard(link), Keyboard)
        return
    with pytest.raises(ValueError, match="gamepad"):
        keyboard.open_keyboard(link)


class FakeDevice:
    """An `evdev.InputDevice` of events that a test makes, of the library's own types."""

    def __init__(self) -> None:
        self.ecodes = pytest.importorskip("evdev").ecodes
        self.events: list[Any] = []
        self.gone = self.closed = False

    def capabilities(self) -> dict[int, list[Any]]:
        from evdev import AbsInfo

        stick = AbsInfo(value=0, min=-32768, max=32767, fuzz=16, flat=128, resolution=0)
        hat = AbsInfo(value=0, min=-1, max=1, fuzz=0, flat=0, resolution=0)
        e = self.ecodes
        sticks = [(code, stick) for code in (e.ABS_X, e.ABS_Y, e.ABS_RX, e.ABS_RY)]
        hats = [(code, hat) for code in (e.ABS_HAT0X, e.ABS_HAT0Y)]
        return {e.EV_KEY: [e.BTN_SOUTH, e.BTN_TR], e.EV_ABS: sticks + hats}

    def absinfo(self, code: int) -> Any:
        return dict(self.capabilities()[self.ecodes.EV_ABS])[code]

    def read(self) -> list[Any]:
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        if not self.events:
            raise BlockingIOError
        events, self.events = self.events, []
        return events

    def close(self) -> None:
        self.closed = True

    def move(self, name: str, value: int) -> None:
        from evdev import InputEvent

        kind = self.ecodes.EV_KEY if name.startswith("BTN") else self.ecodes.EV_ABS
        self.events.append(InputEvent(0, 0, kind, self.ecodes.ecodes[name], value))


def test_the_sticks_move_the_tool_only_while_the_shoulder_button_is_held() -> None:
    device = FakeDevice()
    gamepad = Gamepad(device)
    device.move("ABS_Y", -32768)
    wish = gamepad.read(1.0)
    assert not wish.held
    device.move("BTN_TR", 1)
    device.move("ABS_RX", 32767)
    wish = gamepad.read(1.1)
    assert wish.held
    np.testing.assert_allclose(wish.twist, [SPEED, 0, 0, 0, 0, -TURN], rtol=1e-3)
    device.move("BTN_TR", 0)
    assert not gamepad.read(1.2).held


def test_a_worn_stick_near_the_middle_moves_nothing() -> None:
    device = FakeDevice()
    gamepad = Gamepad(device)
    device.move("BTN_TR", 1)
    device.move("ABS_X", 3000)
    np.testing.assert_array_equal(gamepad.read(1.0).twist, NOTHING)
    device.move("ABS_X", -16384)
    twist = gamepad.read(1.1).twist
    assert twist is not None and 0.3 * SPEED < twist[1] < 0.5 * SPEED


def test_a_gamepad_that_was_made_to_let_go_has_to_press_again() -> None:
    device = FakeDevice()
    gamepad = Gamepad(device)
    device.move("BTN_TR", 1)
    device.move("BTN_SOUTH", 1)
    assert gamepad.read(1.0).gripper == 0.0
    gamepad.let_go()
    assert not gamepad.read(1.1).held
    device.move("BTN_TR", 0)
    device.move("BTN_TR", 1)
    assert gamepad.read(1.2).held


def test_a_gamepad_that_is_pulled_out_is_named() -> None:
    device = FakeDevice()
    gamepad = Gamepad(device)
    device.gone = True
    with pytest.raises(DeviceLost, match=r"gamepad is gone .*plug it in"):
        gamepad.read(1.0)
    gamepad.close()
    assert device.closed


def test_a_device_that_is_not_there_is_named_with_the_cure(tmp_path: Path) -> None:
    pytest.importorskip("evdev")
    with pytest.raises(DeviceLost, match="cannot be read"):
        open_gamepad(str(tmp_path / "event7"))


@pytest.mark.skipif(not os.access("/dev/uinput", os.W_OK), reason="no /dev/uinput here")
def test_a_gamepad_of_the_kernels_is_found_read_and_missed_when_it_goes() -> None:
    evdev = pytest.importorskip("evdev")
    fake = FakeDevice()
    events = {fake.ecodes.EV_KEY: fake.capabilities()[fake.ecodes.EV_KEY]}
    events[fake.ecodes.EV_ABS] = fake.capabilities()[fake.ecodes.EV_ABS]
    with evdev.UInput(events, name="a test's gamepad") as made:
        gamepad = open_gamepad(made.device.path)
        made.write(fake.ecodes.EV_KEY, fake.ecodes.BTN_TR, 1)
        made.syn()
        deadline = time.monotonic() + 20.0
        while not gamepad.read(time.monotonic()).held:
            assert time.monotonic() < deadline
    with pytest.raises(DeviceLost, match="gone"):
        gamepad.read(1.0)
