from __future__ import annotations

import importlib

import pytest
import yaml

pytest.importorskip("rclpy")

from kinevla_ros.share import share_path

NODES = ["arm", "cell", "policy"]


@pytest.mark.parametrize("name", NODES)
def test_the_parameter_file_holds_what_the_node_declares(name: str) -> None:
    declared = importlib.import_module(f"kinevla_ros.nodes.{name}").PARAMETERS
    given = yaml.safe_load(share_path("config", "realman.yaml").read_text())[name]
    values = given["ros__parameters"]
    assert {key: type(value) for key, value in values.items()} == {
        key: type(parameter.default) for key, parameter in declared.items()
    }
