"""The demonstrator solves every task from whatever state it finds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from shipped_tasks import TASKS

from kinevla_ros.base.chunk import CHUNK_DT, HORIZON
from kinevla_ros.language.command import Command
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.judge import Judge, Judgement
from kinevla_ros.sim.cell.tasks import LAY_TASKS
from kinevla_ros.sim.demonstrations.demonstrator import done, plan
from kinevla_ros.sim.simulated_arm import SimulatedArm

STEP = 2 * CHUNK_DT


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


def pursue(cell: Cell, command: Command, arm: SimulatedArm) -> Judgement:
    """Follow the command until it is done, at most 16 s."""
    judge, start, held = Judge(cell, command), arm.now, 0.0
    while arm.now - start < 16.0 and held < 0.8:
        state = cell.state()
        judge.watch(state)
        planned = plan(state, command)
        arm.follow(arm.chunk(planned.positions, planned.gripper))
        arm.run(STEP)
        held = held + STEP if done(cell.state(), command) else 0.0
    arm.run(0.5)
    status = arm.core.status(arm.now)
    assert (status.fault, status.refused_chunks) == (Fault.NONE, 0), status.reason
    return judge.judgement()


def perturbed_start(rng: np.random.Generator) -> np.ndarray:
    angle, reach = rng.uniform(-0.9, 0.9), rng.uniform(0.22, 0.38)
    position = np.array([reach * math.cos(angle), reach * math.sin(angle), rng.uniform(0.11, 0.21)])
    return top_down_ik(position, rng.uniform(-0.8, 0.8))


@pytest.mark.parametrize(
    "command", [*TASKS, *LAY_TASKS.commands], ids=lambda c: "_".join(c.slots().values())
)
def test_every_task_succeeds_in_random_scenes(cell: Cell, command: Command) -> None:
    for seed in range(3):
        cell.reset(np.random.default_rng((11, seed)))
        judgement = pursue(cell, command, SimulatedArm(cell))
        assert judgement.kinematic, (seed, judgement)


@pytest.mark.parametrize("command", TASKS, ids=lambda c: "_".join(c.slots().values()))
def test_every_task_succeeds_from_wherever_the_arm_is(cell: Cell, command: Command) -> None:
    for seed in range(2):
        rng = np.random.default_rng((12, seed))
        cell.reset(rng, perturbed_start(rng))
        judgement = pursue(cell, command, SimulatedArm(cell))
        assert judgement.kinematic, (seed, judgement)


def test_a_change_of_mind_after_the_first_task_is_followed(cell: Cell) -> None:
    cell.reset(np.random.default_rng(13))
    arm = SimulatedArm(cell)
    assert pursue(cell, TASKS[2], arm).kinematic
    assert pursue(cell, TASKS[3], arm).kinematic


def test_a_plan_depends_on_the_state_alone_and_begins_near_the_arm(cell: Cell) -> None:
    state = cell.reset(np.random.default_rng(14))
    for command in TASKS:
        first, again = plan(state, command), plan(state, command)
        np.testing.assert_array_equal(first.positions, again.positions)
        assert first.positions.shape == (HORIZON, 7)
        way = np.diff(np.vstack([state.q, first.positions]), axis=0)
        assert (np.abs(way) <= RM75_LIMITS.velocity * CHUNK_DT).all()
        assert ((first.gripper >= 0.0) & (first.gripper <= 0.07)).all()


def test_a_task_is_not_done_before_it_is_begun(cell: Cell) -> None:
    state = cell.reset(np.random.default_rng(15))
    assert not any(done(state, command) for command in TASKS)


@pytest.mark.parametrize("command", TASKS, ids=lambda c: "_".join(c.slots().values()))
def test_a_grasp_that_has_begun_goes_on_though_the_tool_is_a_little_away(
    cell: Cell, command: Command
) -> None:
    cell.reset(np.random.default_rng(16))
    x, y, _, yaw = cell.state().poses[command.object]
    part = {"upper": 0.030, "lower": -0.034, None: 0.0}[command.slot("part")]
    height = 0.014 if command.object == "carrot" else 0.024
    for away, begins, goes_on in ((0.004, True, True), (0.014, False, True), (0.026, False, False)):
        along = part - math.copysign(away, part)
        place = np.array([x + along * math.cos(yaw), y + along * math.sin(yaw), height])
        joints = top_down_ik(place, math.remainder(yaw, math.pi))
        for opening, closes in ((0.07, begins), (0.063, goes_on)):
            cell.place_arm(joints, opening)
            closing = plan(cell.state(), command).gripper[0] == 0.0
            assert closing == closes, (away, opening)
