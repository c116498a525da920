"""What `kinevla up` hands to the nodes: nothing that is for the cell may reach a real arm."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.nodes.launcher import CELL_HOST, half, overrides

REAL = "192.168.1.18"


def test_the_cells_arm_is_the_cells_whatever_the_parameter_file_says() -> None:
    nodes = overrides(sim=True, arm_ip=None, model=None)
    assert list(nodes) == ["cell", "policy", "arm"]
    assert nodes["arm"]["enable_on_activate"] is True
    assert (nodes["arm"]["transport"], nodes["arm"]["arm_ip"]) == ("api", CELL_HOST)
    assert nodes["arm"]["arm_port"] == nodes["cell"]["port"]


def test_a_real_arm_starts_disabled_without_the_cell() -> None:
    nodes = overrides(sim=False, arm_ip=REAL, model=None)
    assert nodes == {"policy": {}, "arm": {"arm_ip": REAL}}
    assert half(nodes, "robot") == {"arm": {"arm_ip": REAL}}


def test_a_real_address_for_the_cell_is_refused() -> None:
    result = CliRunner().invoke(app, ["up", "--arm-ip", REAL])
    assert result.exit_code == 2
    with pytest.raises(ValueError, match="--no-sim"):
        overrides(sim=True, arm_ip=REAL, model=None)
