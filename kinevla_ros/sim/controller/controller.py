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
from collections.abc import Callable
from types import TracebackType

from kinevla_ros.base.arm import ARM_PORT
from kinevla_ros.sim.controller.client import Client
from kinevla_ros.sim.controller.commands import Commands
from kinevla_ros.sim.controller.control import ControlLine
from kinevla_ros.sim.controller.faults import Faults
from kinevla_ros.sim.controller.gripper import Gripper
from kinevla_ros.sim.controller.motion import ControllerMotion
from kinevla_ros.sim.controller.plant import ArmPlant
from kinevla_ros.sim.controller.protocol import (
    Message,
    angles_from_wire,
)
from kinevla_ros.sim.controller.records import ReceivedCommand, Records, StreamRecord

TICK = 0.005
"""Period of planned motion and of the fastest state push, s."""

logger = logging.getLogger(__name__)


class ControllerError(RuntimeError):
    """The emulated controller cannot start or has failed."""


class EmulatedController:
    """Serves one arm to several clients.

    Args:
        plant: what moves.
        host: address to listen on and to push the state from.
        port: TCP port; 0 takes a free one.
        control_port: port on 127.0.0.1 of the control socket, see `control`; 0 takes a
            free one, None opens none.
    """

    def __init__(
        self,
        plant: ArmPlant,
        host: str = "127.0.0.1",
        port: int = ARM_PORT,
        control_port: int | None = None,
    ) -> None:
        self.address = (host, port)
        """Host and TCP port; the true port once started."""
        self.control_address = None if control_port is None else ("127.0.0.1", control_port)
        """Host and port of the control socket; the true port once started."""
        self.faults = Faults()
        self._motion = ControllerMotion(plant)
        self._commands = Commands(self._motion, Gripper(plant))
        self.clients: set[Client] = set()
        self.records = Records()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen and push.

        Raises:
            ControllerError: the address cannot be used.
        """
        listener, control = _listen(self.address), None
        self.address = listener.getsockname()
        if self.control_address is not None:
            control = _listen(self.control_address)
            self.control_address = control.getsockname()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run,
            args=(self._loop, listener, control),
            name="emulated-controller",
            daemon=True,
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
        return self.records.stream()

    def close_clients(self) -> None:
        """Close every TCP connection; new ones are accepted."""
        self._in_thread(lambda client: client.close())

    def reset_clients(self) -> None:
        """Break every TCP connection off without a farewell (RST); new ones are accepted."""
        self._in_thread(lambda client: client.reset())

    def freeze(self, on: bool = True) -> None:
        """Do nothing at all while the connections stay: what comes in meanwhile is late."""
        self.faults.frozen = on
        self._in_thread(lambda client: client.read(not on))

    def joint_error(self, joint: int, bits: int) -> None:
        """Latch error bits of joint 1..7; 0 clears them."""
        self._motion.joint_errors[joint - 1] = bits

    def controller_error(self, code: int) -> None:
        """Latch a controller error."""
        self._motion.raise_error(code)

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        control: socket.socket | None,
    ) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve(listener, control))
        except asyncio.CancelledError:
            pass
        except Exception:
            logger.exception("the emulated controller has failed")
        finally:
            loop.close()

    async def _serve(self, listener: socket.socket, control: socket.socket | None) -> None:
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(lambda: Client(self), sock=listener)]
        if control is not None:
            servers.append(await loop.create_server(lambda: ControlLine(self), sock=control))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as push_socket:
            push_socket.setblocking(False)
            push_socket.bind((self.address[0], 0))
            try:
                await self._tick(push_socket)
            finally:
                for server in servers:
                    server.close()
                for client in list(self.clients):
                    client.close()
                await asyncio.sleep(0)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    async def _tick(self, push_socket: socket.socket) -> None:
        next_push = 0.0
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if not self.faults.frozen:
                next_push = self._move_on(now, next_push, push_socket)
            due = max(due + TICK, now)
            await asyncio.sleep(due - time.monotonic())

    def _move_on(self, now: float, next_push: float, push_socket: socket.socket) -> float:
        """Carry out one tick; returns when the next state push is due (s)."""
        for event in self._commands.tick(now):
            for client in self.clients:
                client.send(event)
        self.records.add_position(now, self._motion.joint_positions())
        push = None if now < next_push - TICK / 2 else self._commands.push()
        if push is None:
            return next_push
        period, address, packet = push
        datagram = self.faults.datagram(packet)
        if datagram is not None:
            _send_datagram(push_socket, datagram, address)
        return max(next_push, now - period) + period

    def _in_thread(self, act: Callable[[Client], None]) -> None:
        """Do something to every client in the controller's thread."""

        def act_on_all() -> None:
            for client in list(self.clients):
                act(client)

        if self._loop is not None:
            self._loop.call_soon_threadsafe(act_on_all)

    def receive(self, client: Client, message: Message) -> None:
        """Carry out a message and answer it."""
        now = time.monotonic()
        if message.get("command") == "movej_canfd":
            target = angles_from_wire(message.get("joint"))
            if target is not None:
                accepted = self._motion.stream(target, now)
                self.records.add_point(now, target, accepted, message.get("follow") is True)
            return
        command = str(message.get("command"))
        self.records.add_command(ReceivedCommand(now, client.port, command))
        if self.faults.mute:
            return
        reply = self._commands.answer(message, now)
        if reply is not None:
            client.send(reply)


def _listen(address: tuple[str, int]) -> socket.socket:
    host, port = address
    try:
        return socket.create_server((host, port))
    except OSError as error:
        fix = {
            errno.EADDRINUSE: "stop the program that holds it or choose another port",
            errno.EADDRNOTAVAIL: "choose an address of this machine",
        }.get(error.errno or 0, "choose another address")
        message = f"cannot listen on TCP port {port} of {host} ({error.strerror}): {fix}"
        raise ControllerError(message) from error


def _send_datagram(push_socket: socket.socket, packet: bytes, address: tuple[str, int]) -> None:
    try:
        push_socket.sendto(packet, address)
    except OSError:
        # Nobody listens there, or the address is nonsense: the vendor's controller does not care.
        logger.debug("no state push to %s:%d", *address)
