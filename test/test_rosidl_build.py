from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rosidl_generator_c")

from rclpy.serialization import deserialize_message, serialize_message

from kinevla_ros.rosidl_build import build

MESSAGE = """\
uint8 RIPE=2
std_msgs/Header header
float64[] weights  # kg
float32[3] colour
string name
"""


@pytest.fixture(scope="module")
def carrot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The class of a message that no package ships."""
    root = tmp_path_factory.mktemp("rosidl")
    (root / "msg").mkdir()
    (root / "msg" / "GardenCarrot.msg").write_text(MESSAGE)
    build("garden_msgs", root / "msg", root / "built", ["builtin_interfaces", "std_msgs"])
    sys.path.insert(0, str(root / "built"))
    yield importlib.import_module("garden_msgs.msg").GardenCarrot
    sys.path.remove(str(root / "built"))


def test_a_built_message_has_its_fields_and_constants(carrot: Any) -> None:
    assert carrot.RIPE == 2
    assert set(carrot.get_fields_and_field_types()) == {"header", "weights", "colour", "name"}


def test_a_built_message_survives_serialisation(carrot: Any) -> None:
    message = carrot(weights=[0.125, 0.25], name="Möhre")
    message.header.frame_id = "base_link"
    assert deserialize_message(serialize_message(message), carrot) == message


def test_a_folder_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \.msg file"):
        build("empty_msgs", tmp_path, tmp_path)
