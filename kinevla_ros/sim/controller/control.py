"""Control socket of the emulated controller: switches its faults and reads its records.

One JSON object per line, several keys in one if need be, one line in answer: `{"ok": true}` or
`{"error": "..."}`. The keys:

| key                                        | value               | what it does                  |
| ------------------------------------------ | ------------------- | ----------------------------- |
| mute, freeze, single_client, split,        | true, false         | see `Faults`                  |
| garbage, long_reply                        |                     |                               |
| delay                                      | seconds             | see `Faults`                  |
| udp                                        | a word of `Push`    | what the state push is like   |
| close, reset                               | true                | all clients go: FIN or RST    |
| joint_error                                | {"joint", "bits"}   | latches error bits; 0 clears  |
| controller_error                           | code                | latches a controller error    |
| sound                                      | true                | switches all faults off       |
| record                                     | time (monotonic, s) | answers what came in since    |
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kinevla_ros.sim.controller.faults import Faults, Push
from kinevla_ros.sim.controller.protocol import LineReader, Message, encode

if TYPE_CHECKING:
    from kinevla_ros.sim.controller.controller import EmulatedController

SWITCHES = ("mute", "single_client", "split", "garbage", "long_reply")
LONGEST_DELAY = 60.0
ANSWER_TIMEOUT = 5.0


class FaultError(ValueError):
    """A request that names no fault of the controller."""


def inject(controller: EmulatedController, request: Message) -> Message:
    """Carry out one request; call it in the controller's thread.

    Raises:
        FaultError: an unknown key or a value that it cannot have; nothing is changed by it.
    """
    answer: Message = {"ok": True}
    for key, value in request.items():
        if key in SWITCHES:
            setattr(controller.faults, key, _flag(key, value))
        elif key == "record":
            answer["record"] = controller.records.since(_number(key, value, 0, float("inf")))
        elif key in _ACTIONS:
            _ACTIONS[key](controller, value)
        else:
            known = ", ".join([*SWITCHES, "record", *_ACTIONS])
            raise FaultError(f"there is no fault {key!r}; known are {known}")
    return answer


def _delay(controller: EmulatedController, value: Any) -> None:
    controller.faults.delay = _number("delay", value, 0, LONGEST_DELAY)


def _udp(controller: EmulatedController, value: Any) -> None:
    try:
        controller.faults.push = Push(value)
    except ValueError as error:
        raise FaultError(f"udp is one of {', '.join(p.value for p in Push)}") from error


def _joint_error(controller: EmulatedController, value: Any) -> None:
    match value:
        case {"joint": int(joint), "bits": int(bits)} if 1 <= joint <= 7 and 0 <= bits <= 0xFFFF:
            controller.joint_error(joint, bits)
        case _:
            raise FaultError('joint_error is {"joint": 1..7, "bits": 0..65535}')


def _controller_error(controller: EmulatedController, value: Any) -> None:
    controller.controller_error(int(_number("controller_error", value, 1, 0xFFFF)))


def _sound(controller: EmulatedController, value: Any) -> None:
    if _flag("sound", value):
        controller.freeze(False)
        controller.faults = Faults()


def _freeze(controller: EmulatedController, value: Any) -> None:
    controller.freeze(_flag("freeze", value))


def _close(controller: EmulatedController, value: Any) -> None:
    if _flag("close", value):
        controller.close_clients()


def _reset(controller: EmulatedController, value: Any) -> None:
    if _flag("reset", value):
        controller.reset_clients()


_ACTIONS: dict[str, Callable[[EmulatedController, Any], None]] = {
    "delay": _delay,
    "udp": _udp,
    "freeze": _freeze,
    "close": _close,
    "reset": _reset,
    "joint_error": _joint_error,
    "controller_error": _controller_error,
    "sound": _sound,
}


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise FaultError(f"{key} is true or false, not {value!r}")
    return value


def _number(key: str, value: Any, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most:
        raise FaultError(f"{key} is a number from {least:g} to {most:g}, not {value!r}")
    return float(value)


class ControlLine(asyncio.Protocol):
    """One connection to the control socket."""

    def __init__(self, controller: EmulatedController) -> None:
        self._controller = controller
        self._reader = LineReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for request in self._reader.feed(data):
            try:
                answer = inject(self._controller, request)
            except FaultError as error:
                answer = {"error": str(error)}
            if self._transport is not None:
                self._transport.write(encode(answer) + b"\n")


class RemoteControl:
    """The control socket of an emulated controller in another process.

    Args:
        host, port: its address.

    Raises:
        OSError: nobody listens there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=ANSWER_TIMEOUT)
        self._lines = self._socket.makefile("rb")

    def ask(self, **request: Any) -> Message:
        """Send one request and return the answer.

        Raises:
            FaultError: the controller does not know the fault.
            OSError: it does not answer.
        """
        self._socket.sendall(encode(request) + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the emulated controller has closed its control socket")
        answer: Message = json.loads(line)
        if "error" in answer:
            raise FaultError(answer["error"])
        return answer

    def close(self) -> None:
        """Disconnect."""
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> RemoteControl:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
