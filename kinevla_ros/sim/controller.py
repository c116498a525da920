"""An emulated RM75 Gen-3 controller: commands over TCP, state by UDP.

It runs in a thread of its own and drives any `ArmPlant`, so that the unmodified vendor library can
be used without an arm.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
import time
from collections import deque
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.sim.controller_commands import Commands
from kinevla_ros.sim.controller_gripper import Gripper
from kinevla_ros.sim.controller_motion import Motion
from kinevla_ros.sim.controller_protocol import (
    LINE_END,
    LineReader,
    Message,
    angles_from_wire,
    encode,
)
from kinevla_ros.sim.plant import ArmPlant

TICK = 0.005
"""Period of planned motion and of the fastest state push, s."""

POINTS_KEPT = 200_000
COMMANDS_KEPT = 10_000

logger = logging.getLogger(__name__)


class ControllerError(RuntimeError):
    """The emulated controller cannot start or has failed."""


class StreamRecord(NamedTuple):
    """Pass-through points as they arrived: `times` [N] s (monotonic), `targets` [N, 7] rad."""

    times: NDArray[np.float64]
    targets: NDArray[np.float64]
    accepted: NDArray[np.bool_]


class ReceivedCommand(NamedTuple):
    """A command other than a pass-through point: arrival (s, monotonic), client's port, name."""

    time: float
    client: int
    name: str


class EmulatedController:
    """Serves one arm to several clients.

    Args:
        plant: what moves.
        host: address to listen on and to push the state from.
        port: TCP port; 0 takes a free one.
    """

    def __init__(self, plant: ArmPlant, host: str = "127.0.0.1", port: int = 8080) -> None:
        self.address = (host, port)
        """Host and TCP port; the true port once started."""
        self._motion = Motion(plant)
        self._commands = Commands(self._motion, Gripper(plant))
        self._clients: set[_Client] = set()
        self._points: deque[tuple[float, NDArray[np.float64], bool]] = deque(maxlen=POINTS_KEPT)
        self._received: deque[ReceivedCommand] = deque(maxlen=COMMANDS_KEPT)
        self._muted = False
        self._push_off = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen and push.

        Raises:
            ControllerError: the address cannot be used.
        """
        listener = self._listen()
        self.address = listener.getsockname()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, listener), name="emulated-controller", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._loop is None or self._thread is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join()
        self._loop = self._thread = None

    def __enter__(self) -> EmulatedController:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def status(self) -> str:
        """The controller's word for what the arm does, as in the state push."""
        return self._motion.status

    def stream_record(self) -> StreamRecord:
        """Return the last pass-through points, accepted or not."""
        points = list(self._points)
        return StreamRecord(
            np.array([point[0] for point in points]),
            np.array([point[1] for point in points]).reshape(-1, 7),
            np.array([point[2] for point in points], dtype=bool),
        )

    def received_commands(self) -> list[ReceivedCommand]:
        """Return the last commands, oldest first."""
        return list(self._received)

    def mute(self, on: bool = True) -> None:
        """Read everything, carry out pass-through points, answer nothing."""
        self._muted = on

    def udp_off(self, on: bool = True) -> None:
        """Push no state."""
        self._push_off = on

    def close_clients(self) -> None:
        """Close every TCP connection; new ones are accepted."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._drop_clients)

    def joint_error(self, joint: int, bits: int) -> None:
        """Latch error bits of joint 1..7; 0 clears them."""
        self._motion.joint_errors[joint - 1] = bits

    def controller_error(self, code: int) -> None:
        """Latch a controller error."""
        self._motion.raise_error(code)

    def _listen(self) -> socket.socket:
        host, port = self.address
        try:
            return socket.create_server((host, port))
        except OSError as error:
            fix = {
                errno.EADDRINUSE: "stop the program that holds it or choose another port",
                errno.EADDRNOTAVAIL: "choose an address of this machine",
            }.get(error.errno or 0, "choose another address")
            message = f"cannot listen on TCP port {port} of {host} ({error.strerror}): {fix}"
            raise ControllerError(message) from error

    def _run(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve(listener))
        except asyncio.CancelledError:
            pass
        except Exception:
            logger.exception("the emulated controller has failed")
        finally:
            loop.close()

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Client(self), sock=listener)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as push_socket:
            push_socket.setblocking(False)
            push_socket.bind((self.address[0], 0))
            try:
                await self._tick(push_socket)
            finally:
                server.close()
                self._drop_clients()
                await asyncio.sleep(0)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    async def _tick(self, push_socket: socket.socket) -> None:
        next_push = 0.0
        due = time.monotonic()
        while True:
            now = time.monotonic()
            for event in self._commands.tick(now):
                for client in self._clients:
                    client.send(event)
            push = None if self._push_off or now < next_push - TICK / 2 else self._commands.push()
            if push is not None:
                period, address, packet = push
                next_push = max(next_push, now - period) + period
                _send_datagram(push_socket, packet, address)
            due = max(due + TICK, now)
            await asyncio.sleep(due - time.monotonic())

    def _drop_clients(self) -> None:
        for client in list(self._clients):
            client.close()

    def _receive(self, client: _Client, message: Message) -> None:
        now = time.monotonic()
        if message.get("command") == "movej_canfd":
            target = angles_from_wire(message.get("joint"))
            if target is not None:
                self._points.append((now, target, self._motion.stream(target, now)))
            return
        self._received.append(ReceivedCommand(now, client.port, str(message.get("command"))))
        if self._muted:
            return
        reply = self._commands.answer(message, now)
        if reply is not None:
            client.send(reply)


class _Client(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, controller: EmulatedController) -> None:
        self._controller = controller
        self._reader = LineReader()
        self._transport: asyncio.Transport | None = None
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.port = transport.get_extra_info("peername")[1]
        self._controller._clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._controller._clients.discard(self)

    def data_received(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            self._controller._receive(self, message)

    def send(self, message: Message) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message) + LINE_END)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _send_datagram(push_socket: socket.socket, packet: bytes, address: tuple[str, int]) -> None:
    try:
        push_socket.sendto(packet, address)
    except OSError:
        # Nobody listens there, or the address is nonsense: the vendor's controller does not care.
        logger.debug("no state push to %s:%d", *address)
