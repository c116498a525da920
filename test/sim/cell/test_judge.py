"""The judge: only the motion that was asked for is kinematic success."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from shipped_tasks import TASKS, command_of, siblings

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.judge import Judge, Judgement
from kinevla_ros.sim.cell.tasks import LAY_TASKS
from kinevla_ros.sim.demonstrations.demonstrator import done, holding, plan
from kinevla_ros.sim.simulated_arm import SimulatedArm

CARROT = command_of("carrot", part="upper", side="left")


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


def demonstrate(
    cell: Cell, command: Command, judges: dict[Command, Judge], seconds: float = 16.0
) -> None:
    """Let the demonstrator act until the command is done or the time is over."""
    arm, held = SimulatedArm(cell), 0.0
    while arm.now < seconds and held < 0.8:
        state = cell.state()
        for judge in judges.values():
            judge.watch(state)
        planned = plan(state, command)
        arm.follow(arm.chunk(planned.positions, planned.gripper))
        arm.run(2 * CHUNK_DT)
        held = held + 2 * CHUNK_DT if done(cell.state(), command) else 0.0
    arm.run(0.5)


def judgements(cell: Cell, command: Command, seed: int) -> dict[Command, Judgement]:
    """Verdicts on one demonstration, judged as each command for the same object."""
    cell.reset(np.random.default_rng((seed, command.task_number)))
    judges = {asked: Judge(cell, asked) for asked in (command, *siblings(command))}
    demonstrate(cell, command, judges)
    return {asked: judge.judgement() for asked, judge in judges.items()}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "command", [*TASKS, *LAY_TASKS.commands], ids=lambda c: "_".join(c.slots().values())
)
def test_a_demonstration_is_kinematic_success_for_its_own_command_alone(
    cell: Cell, command: Command, seed: int
) -> None:
    found = judgements(cell, command, seed)
    assert all(judgement.goal for judgement in found.values())
    assert {asked: judgement.kinematic for asked, judgement in found.items()} == {
        asked: asked == command for asked in found
    }


def test_each_constraint_fails_on_its_own(cell: Cell) -> None:
    found = judgements(cell, CARROT, 0)
    other_part = found[command_of("carrot", part="lower", side="left")].constraints
    other_side = found[command_of("carrot", part="upper", side="right")].constraints
    assert other_part == {"part": False, "side": True, "order": True}
    assert other_side == {"part": True, "side": False, "order": True}


@pytest.mark.parametrize("command", [TASKS[0], CARROT])
def test_nothing_done_is_no_success(cell: Cell, command: Command) -> None:
    cell.reset(np.random.default_rng(0))
    judge = Judge(cell, command)
    for _ in range(5):
        cell.step(0.1)
        judge.watch(cell.state())
    judgement = judge.judgement()
    assert not judgement.goal
    assert not judgement.kinematic


@pytest.mark.parametrize("command", [TASKS[0], CARROT])
def test_an_object_still_in_the_gripper_is_no_success(cell: Cell, command: Command) -> None:
    cell.reset(np.random.default_rng(4))
    judge, seconds = Judge(cell, command), 0.0
    arm = SimulatedArm(cell)
    while not holding(cell.state(), command) and seconds < 10:
        planned = plan(cell.state(), command)
        arm.follow(arm.chunk(planned.positions, planned.gripper))
        arm.run(2 * CHUNK_DT)
        judge.watch(cell.state())
        seconds += 2 * CHUNK_DT
    arm.run(1.0)
    assert holding(cell.state(), command)
    assert not judge.judgement().goal


@pytest.mark.parametrize("command", [TASKS[1], CARROT])
def test_an_object_pushed_before_it_is_grasped_breaks_the_order(
    cell: Cell, command: Command
) -> None:
    state = cell.reset(np.random.default_rng(2))
    judge = Judge(cell, command)
    pushed = state.poses[command.object] + [-0.04, 0, 0, 0]
    judge.watch(replace(state, poses={**state.poses, command.object: pushed}))
    demonstrate(cell, command, {command: judge})
    judgement = judge.judgement()
    assert judgement.goal
    assert not judgement.kinematic
    assert [name for name, kept in judgement.constraints.items() if not kept] == ["order"]
