"""What the policy would see along demonstrations in the cell."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.base.observation import Observation
from kinevla_ros.evaluation.suite.rollout import REPLAN_STEPS
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.tasks import TASKS
from kinevla_ros.sim.demonstrations.demonstrator import plan
from kinevla_ros.sim.simulated_arm import SimulatedArm

WARM_PER_INSTRUCTION = 25


def record(seed: int = 0) -> dict[Command, list[Observation]]:
    """Observations along a demonstration of each task, as often as the policy would see them."""
    found: dict[Command, list[Observation]] = {}
    with closing(Cell()) as cell:
        for command in TASKS:
            cell.reset(np.random.default_rng((seed, command.task_number)))
            arm = SimulatedArm(cell)
            found[command] = []
            for _ in range(1 + WARM_PER_INSTRUCTION):
                planned = plan(cell.state(), command)
                arm.follow(arm.chunk(planned.positions, planned.gripper))
                found[command].append(arm.observe())
                arm.run(REPLAN_STEPS * CHUNK_DT)
    return found
