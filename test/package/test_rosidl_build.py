from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rosidl_generator_c")

import rclpy
from rclpy.action import ActionClient, ActionServer
from rclpy.serialization import deserialize_message, serialize_message

from kinevla_ros.rosidl_build import build

MESSAGE = """\
uint8 RIPE=2
std_msgs/Header header
float64[] weights  # kg
float32[3] colour
string name
"""


SERVICE = """\
uint8 GENTLY=1
uint8 how
garden_msgs/GardenCarrot carrot
---
bool success
string message
"""


ACTION = """\
garden_msgs/GardenCarrot carrot
---
bool grown
---
float32 height  # m
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of a message, a service and an action that nobody ships."""
    root = tmp_path_factory.mktemp("rosidl")
    (root / "msg").mkdir()
    (root / "msg" / "GardenCarrot.msg").write_text(MESSAGE)
    (root / "srv").mkdir()
    (root / "srv" / "PullCarrot.srv").write_text(SERVICE)
    (root / "action").mkdir()
    (root / "action" / "GrowCarrot.action").write_text(ACTION)
    dependencies = [
        "builtin_interfaces",
        "std_msgs",
        "service_msgs",
        "action_msgs",
        "unique_identifier_msgs",
    ]
    build("garden_msgs", root, root / "built", dependencies)
    sys.path.insert(0, str(root / "built"))
    yield root / "built"
    sys.path.remove(str(root / "built"))


@pytest.fixture
def carrot(built: Path) -> Any:
    """The class of the message."""
    return importlib.import_module("garden_msgs.msg").GardenCarrot


def test_a_built_message_has_its_fields_and_constants(carrot: Any) -> None:
    assert carrot.RIPE == 2
    assert set(carrot.get_fields_and_field_types()) == {"header", "weights", "colour", "name"}


def test_a_built_message_survives_serialisation(carrot: Any) -> None:
    message = carrot(weights=[0.125, 0.25], name="Möhre")
    message.header.frame_id = "base_link"
    assert deserialize_message(serialize_message(message), carrot) == message


def test_a_built_service_is_called_and_answers(built: Path, carrot: Any) -> None:
    kind = importlib.import_module("garden_msgs.srv").PullCarrot
    rclpy.init()
    node = rclpy.create_node("garden")

    def answer(request: Any, response: Any) -> Any:
        response.success = request.how == kind.Request.GENTLY
        response.message = f"{request.carrot.name} pulled"
        return response

    node.create_service(kind, "pull", answer)
    client = node.create_client(kind, "pull")
    future = client.call_async(kind.Request(how=1, carrot=carrot(name="Möhre")))
    rclpy.spin_until_future_complete(node, future, timeout_sec=20.0)
    node.destroy_node()
    rclpy.try_shutdown()
    assert (future.result().success, future.result().message) == (True, "Möhre pulled")


def test_a_built_action_gives_feedback_and_a_result(built: Path, carrot: Any) -> None:
    kind = importlib.import_module("garden_msgs.action").GrowCarrot
    rclpy.init()
    node, heights = rclpy.create_node("garden"), []

    def grow(goal: Any) -> Any:
        goal.publish_feedback(kind.Feedback(height=0.25))
        goal.succeed()
        return kind.Result(grown=goal.request.carrot.name == "Möhre")

    server = ActionServer(node, kind, "grow", grow)
    client = ActionClient(node, kind, "grow")
    goal = client.send_goal_async(
        kind.Goal(carrot=carrot(name="Möhre")), lambda m: heights.append(m.feedback.height)
    )
    rclpy.spin_until_future_complete(node, goal, timeout_sec=20.0)
    result = goal.result().get_result_async()
    rclpy.spin_until_future_complete(node, result, timeout_sec=20.0)
    server.destroy()
    node.destroy_node()
    rclpy.try_shutdown()
    assert result.result().result.grown
    assert heights == [0.25]


def test_a_folder_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no msg/"):
        build("empty_msgs", tmp_path, tmp_path)
