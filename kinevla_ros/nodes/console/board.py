"""What is behind the pages: heard in the node's thread, asked for and shown in the server's."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from std_msgs.msg import Float64, String

from kinevla_ros.base import topics
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.nodes.console.actions import Actions
from kinevla_ros.nodes.console.calls import Calls, nodes_there
from kinevla_ros.nodes.console.obstacles import obstacles
from kinevla_ros.nodes.console.pictures import Pictures
from kinevla_ros.nodes.console.sayable import sayable
from kinevla_ros.nodes.console.seen import Seen
from kinevla_ros.nodes.console.topics import Topics
from kinevla_ros.nodes.console.web.behind import Picture
from kinevla_ros.nodes.console.web.requests import Request
from kinevla_ros.nodes.ros.images import TRANSPORTS
from kinevla_ros.nodes.ros.messages import Stamps

LOOK_PERIOD = 0.5
"""How often it is looked which services are there and whether a page is open, s."""

OF_POLICY = ["model", "policy_url"]
NO_POLICY: dict[str, Any] = {"sentences": [], "overview": [], "problem": "there is no policy yet"}


class Board:
    """Every page is shown the same; see `web.behind.Behind`.

    Args:
        node: that listens and calls.
        transport: how pictures come, of `TRANSPORTS`.
        rate: pictures a second of each camera.

    Attributes:
        open_pages: how many.
    """

    def __init__(self, node: Node, transport: str, rate: float) -> None:
        self.open_pages = 0
        self._seen = Seen()
        to_monotonic = Stamps(node.get_clock()).to_monotonic
        self._pictures = Pictures(TRANSPORTS[transport], rate, to_monotonic)
        self._topics = Topics(node, self._seen, self._pictures, transport)
        self._calls = Calls(node)
        instructions = node.create_publisher(String, topics.INSTRUCTION, 1)
        speed = node.create_publisher(Float64, topics.ARM_SPEED_SCALING, 1)
        self._actions = Actions(self._calls, self._seen, instructions, speed)
        self._policy = node.create_client(GetParameters, topics.POLICY_GET_PARAMETERS)
        self._asked = False
        self._known, self._there = NO_POLICY, self._calls.there()
        node.create_timer(LOOK_PERIOD, self._look)

    def close(self) -> None:
        """Take no more pictures."""
        self._pictures.close()

    async def do(self, request: Request, who: str) -> tuple[bool, str]:
        """See `Behind`."""
        return await self._actions.do(request, who)

    async def stop(self, who: str) -> tuple[bool, str]:
        """See `Behind`."""
        return await self._actions.stop(who)

    def state(self) -> dict[str, Any]:
        """See `Behind`."""
        found, there = self._seen.to_json(), nodes_there(self._there)
        problems = {camera: self._pictures.problems.get(camera) for camera in CAMERAS}
        hindering = [[obstacle.text, obstacle.do] for obstacle in obstacles(found, there)]
        return found | {"there": there, "problems": problems, "obstacles": hindering}

    def log(self, after: int) -> list[tuple[int, str, str]]:
        """See `Behind`."""
        return self._seen.log(after)

    def known(self) -> dict[str, Any]:
        """See `Behind`."""
        return self._known

    def picture(self, camera: str) -> Picture | None:
        """See `Behind`."""
        return self._pictures.newest(camera)

    def watched(self, pages: int) -> None:
        """See `Behind`."""
        self.open_pages = pages

    def _look(self) -> None:
        self._topics.watch(self.open_pages > 0)
        self._there = self._calls.there()
        if not self._there["override"]:
            self._asked, self._known = False, NO_POLICY
        elif not self._asked and self._policy.service_is_ready():
            self._asked = True
            answer = self._policy.call_async(GetParameters.Request(names=OF_POLICY))
            answer.add_done_callback(lambda future: self._on_policy(future.result()))

    def _on_policy(self, answer: GetParameters.Response | None) -> None:
        """Learn what can be said from what the policy has loaded."""
        if answer is not None and len(answer.values) == len(OF_POLICY):
            model, url = (value.string_value for value in answer.values)
            self._known = sayable(model, url)
