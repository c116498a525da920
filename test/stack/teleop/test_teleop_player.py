"""The demonstrator in a person's place stays near to the arm, however late the cell answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from kinevla_ros.robot.gate.teleop_checks import MAX_AWAY
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.tasks import command_of
from kinevla_ros.stack.teleop.player import LEAD, Player


@pytest.mark.parametrize("late", (0.02, 0.4, 1.0))
def test_a_late_answer_makes_no_leader_run_away(late: float) -> None:
    cell = Cell()
    cell.reset(np.random.default_rng(0))
    state = json.dumps(asdict(cell.state()), default=lambda array: array.tolist())
    client = Mock(service_name="/cell/state")
    client.call_async.return_value.result.return_value = SimpleNamespace(
        success=True, message=state
    )
    client.call_async.return_value.done.return_value = False
    player = Player(
        Mock(create_client=lambda *_: client),
        command_of("take the carrot and lay it across the plate"),
    )
    player.read(0.0)
    client.call_async.return_value.done.return_value = True
    for now in np.arange(late, late + 1.0, 0.02):
        wish = player.read(now)
        if wish.joints is not None:
            assert abs(wish.joints - cell.joint_positions()).max() < LEAD + 1e-6 < MAX_AWAY
    assert wish.held and abs(wish.joints - cell.joint_positions()).max() > 0.1
