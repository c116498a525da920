"""Raw subscriptions to whatever is recorded, made as its publishers come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from kinevla_ros.data.recording.episode_file import TopicDefinition
from kinevla_ros.data.recording.topics import TopicKind
from kinevla_ros.nodes.recorder.definitions import definition_of, message_class
from kinevla_ros.nodes.recorder.offers import in_yaml, subscription_qos
from kinevla_ros.nodes.ros.subscribe import PICTURE

DEPTH = 200
PICTURE_DEPTH = 30
"""A second of pictures may wait for this process."""

TURN = 8
"""More messages of a topic that are taken in its turn; then others get theirs."""

Receive = Callable[[str, TopicDefinition, bytes], None]


class Listening:
    """Hands every message to `receive`, with the topic's name in the bag and its definition.

    Args:
        node: that subscribes.
        kinds: what to listen to.
        receive: takes the messages.
        refuse: gets the reason why one was dropped, or a topic cannot be recorded.
    """

    def __init__(
        self,
        node: Node,
        kinds: Sequence[TopicKind],
        receive: Receive,
        refuse: Callable[[str], None],
    ) -> None:
        self._node, self._receive, self._refuse = node, receive, refuse
        self._names = {kind: self._resolved(kind) for kind in kinds}
        self._classes = {kind: message_class(kind.type) for kind in kinds}
        self._unknown: set[str] = set()
        self._definitions: dict[str, TopicDefinition] = {}
        self._found: dict[TopicKind, tuple[Subscription, QoSProfile]] = {}

    def look(self) -> None:
        """Subscribe to what has come, and again where publishers offer something else now."""
        for kind, name in self._names.items():
            publishers = [
                publisher
                for publisher in self._node.get_publishers_info_by_topic(name)
                if publisher.topic_type == kind.type
            ]
            if not publishers or name in self._unknown:
                continue
            if self._classes[kind] is None:
                self._unknown.add(name)
                package = kind.type.partition("/")[0]
                self._refuse(f"{name} is not recorded: {package} is not installed")
                continue
            try:
                self._listen(kind, name, publishers)
            except (FileNotFoundError, ModuleNotFoundError) as problem:
                self._unknown.add(name)
                self._refuse(f"{name} is not recorded: {problem}")

    def close(self) -> None:
        """Listen no more."""
        for subscription, _ in self._found.values():
            self._node.destroy_subscription(subscription)
        self._found.clear()

    def _listen(self, kind: TopicKind, name: str, publishers: Sequence[TopicEndpointInfo]) -> None:
        wanted = subscription_qos(publishers, PICTURE_DEPTH if kind.is_picture else DEPTH)
        subscription, before = self._found.get(kind, (None, None))
        if before == wanted:
            return
        if kind.name not in self._definitions:
            self._definitions[kind.name] = TopicDefinition(
                kind.type,
                definition_of(kind.type),
                in_yaml(publishers),
                str(publishers[0].topic_type_hash),
            )
        if subscription is not None:
            self._node.destroy_subscription(subscription)
        take = partial(self._take_all, kind)
        made = self._node.create_subscription(self._classes[kind], name, take, wanted, raw=True)
        self._found[kind] = made, wanted

    def _take_all(self, kind: TopicKind, data: bytes) -> None:
        """Take a message and some that wait: rclpy hands over one of a topic in a turn."""
        definition, (subscription, _) = self._definitions[kind.name], self._found[kind]
        self._take(kind.name, definition, data)
        with subscription.handle:
            for _ in range(TURN):
                taken = subscription.handle.take_message(subscription.msg_type, True)
                if taken is None:
                    break
                self._take(kind.name, definition, taken[0])

    def _take(self, name: str, definition: TopicDefinition, data: bytes) -> None:
        if len(data) > PICTURE:
            self._refuse(
                f"a message of {len(data)} bytes on {name} is dropped; at most {PICTURE} are taken"
            )
            return
        self._receive(name, definition, data)

    def _resolved(self, kind: TopicKind) -> str:
        # Remapped is the picture's topic, whatever way its pictures come.
        base = kind.name.removesuffix("/compressed")
        resolved = self._node.resolve_topic_name(base if kind.everywhere else base.lstrip("/"))
        return f"{resolved}{kind.name.removeprefix(base)}"
