"""Requests to the other nodes, each with an answer in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any

from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.srv import OverrideReasoning

SERVICES: dict[str, tuple[Any, str]] = {
    "stop": (Trigger, topics.ARM_STOP),
    "reset": (Trigger, topics.ARM_RESET),
    "enable": (SetBool, topics.ARM_ENABLE),
    "pause": (SetBool, topics.ARM_PAUSE),
    "override": (OverrideReasoning, topics.OVERRIDE_REASONING),
    "new_scene": (Trigger, topics.CELL_RESET),
    "judge": (Trigger, topics.CELL_JUDGE),
    "record_start": (Trigger, topics.RECORD_START),
    "record_stop": (SetBool, topics.RECORD_STOP),
    "record_discard": (Trigger, topics.RECORD_DISCARD),
}
"""Type and name of each service that a page can have called."""

TIMEOUT = 5.0
STOP_TIMEOUT = 2.0
BUTTON = " The emergency button works without it."


class NoAnswer(RuntimeError):
    """A service is absent or silent; the message says which."""


class Calls:
    """Clients of the services; called from the pages' thread while the node spins in another."""

    def __init__(self, node: Node) -> None:
        self._clients: dict[str, Client] = {
            name: node.create_client(kind, service) for name, (kind, service) in SERVICES.items()
        }

    def there(self) -> dict[str, bool]:
        """Which services are on the graph."""
        return {name: client.service_is_ready() for name, client in self._clients.items()}

    def call(self, name: str, **fields: Any) -> Awaitable[Any]:
        """Send a request before returning; what is awaited is the response.

        Raises (when awaited):
            NoAnswer: there is no such service, or it does not answer in time.
        """
        client = self._clients[name]
        hint = BUTTON if name == "stop" else ""
        if not client.service_is_ready():
            raise NoAnswer(f"{client.service_name} is not there: is its node up?{hint}")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def done(future: Future) -> None:
            with suppress(RuntimeError):  # the pages' thread has ended
                loop.call_soon_threadsafe(_settle, answer, future)

        request = client.call_async(SERVICES[name][0].Request(**fields))
        request.add_done_callback(done)
        timeout = STOP_TIMEOUT if name == "stop" else TIMEOUT
        return _await(client, request, answer, timeout, hint)


async def _await(
    client: Client, request: Future, answer: asyncio.Future[Any], timeout: float, hint: str
) -> Any:
    try:
        return await asyncio.wait_for(answer, timeout)
    except TimeoutError:
        raise NoAnswer(
            f"{client.service_name} has not answered within {timeout:.0f} s.{hint}"
        ) from None
    finally:
        client.remove_pending_request(request)


def _settle(answer: asyncio.Future[Any], future: Future) -> None:
    if not answer.done():
        if error := future.exception():
            answer.set_exception(error)
        else:
            answer.set_result(future.result())


def nodes_there(there: Mapping[str, bool]) -> dict[str, bool]:
    """The same by node; see `obstacles`."""
    needs = {"arm": "stop", "policy": "override", "cell": "judge", "record": "record_start"}
    return {node: there[service] for node, service in needs.items()}
