"""One TCP connection to the emulated controller."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Protocol

from kinevla_ros.sim.controller.faults import Faults
from kinevla_ros.sim.controller.protocol import LineReader, Message


class Server(Protocol):
    """What a connection needs of the controller."""

    faults: Faults
    clients: set[Client]

    def receive(self, client: Client, message: Message) -> None:
        """Take a message."""
        ...


class Client(asyncio.Protocol):
    """Reads messages and writes replies, with the controller's faults."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._reader = LineReader()
        self._transport: asyncio.Transport | None = None
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.port = transport.get_extra_info("peername")[1]
        if self._server.faults.single_client and self._server.clients:
            transport.close()
            return
        self._server.clients.add(self)
        if self._server.faults.frozen:
            self.read(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.clients.discard(self)

    def data_received(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            self._server.receive(self, message)

    def send(self, message: Message) -> None:
        """Write a message the way the faults have it."""
        for delay, data in self._server.faults.pieces(message):
            if delay > 0:
                asyncio.get_running_loop().call_later(delay, self._write, data)
            else:
                self._write(data)

    def read(self, on: bool) -> None:
        """Read what comes in, or leave it where it is."""
        if self._transport is None or self._transport.is_closing():
            return
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def close(self) -> None:
        """End the connection in order (FIN)."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Break the connection off (RST)."""
        if self._transport is None:
            return
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
