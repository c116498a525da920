"""The gripper's slow line: targets and readings take turns on it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.robot.realman.gripper import FULL_POSITION, SUPPLY_24V, Turns
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.controller.gripper import Gripper
from kinevla_ros.sim.controller.plant import JointPlant
from kinevla_ros.sim.simulated_arm import LINE_PERIOD, SimulatedArm


@given(st.lists(st.booleans(), max_size=50))
def test_every_target_waits_for_one_reading_at_most_and_every_reading_for_one_target(
    waiting: list[bool],
) -> None:
    turns = Turns()
    sent = [turns.tells(each) for each in waiting]
    for waits, tells, before in zip(waiting, sent, [False, *sent], strict=False):
        assert tells == (waits and not before)


def test_the_simulated_arm_reads_a_moving_gripper_late_and_a_resting_one_rightly() -> None:
    cell = Cell()
    cell.reset(np.random.default_rng(0))
    arm = SimulatedArm(cell)
    q, behind = cell.joint_positions(), []
    for opening in np.linspace(GRIPPER_STROKE, 0.0, 10):
        arm.follow(arm.chunk(np.tile(q, (5, 1)), np.full(5, opening)))
        for _ in range(5):
            arm.run(0.02)
            behind.append(arm.opening - cell.gripper())
    # Closing at 0.16 m/s at most, read at every second request.
    assert 0.005 < max(behind) < 0.16 * 2 * LINE_PERIOD + 0.004
    arm.run(1.0)
    assert abs(arm.opening - cell.gripper()) < 1e-4
    cell.close()


class _Holding(JointPlant):
    """Pads that an object holds 30 mm apart."""

    def gripper(self) -> float:
        return max(super().gripper(), 0.03)


def test_the_emulated_gripper_lets_go_at_once_of_what_holds_it_open() -> None:
    plant = _Holding()
    gripper = Gripper(plant)
    gripper.voltage = SUPPLY_24V
    gripper.move(1)
    for tick in range(1, 101):
        gripper.tick(0.01 * tick)
    gripper.move(FULL_POSITION)
    gripper.tick(1.01)
    assert plant.gripper() > 0.031
