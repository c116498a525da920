"""Policies that know the simulator's truth, in the place of a checkpoint."""

from __future__ import annotations

from shipped_tasks import goal_text, kinematics_text, parse_instruction, parse_reasoning

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.demonstrations.demonstrator import plan


class DemonstratorPolicy:
    """Plans from the simulator's truth what is said; does `always`, if given, in any case.

    Words from outside are followed where they name a command; `deaf` to them it heeds the
    instruction alone.
    """

    def __init__(self, cell: Cell, always: Command | None = None, deaf: bool = False) -> None:
        self._cell, self._always, self._deaf, self._sequence = cell, always, deaf, 0
        self.heard: list[Override | None] = []

    def reset(self) -> None:
        self._sequence = 0

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
    ) -> Inference:
        self.heard.append(override)
        command = self._always or parse_instruction(instruction)
        goal, kinematics = goal_text(command), kinematics_text(command)
        if override is not None:
            goal = goal if override.goal is None else override.goal
            kinematics = kinematics if override.kinematics is None else override.kinematics
            if override.must_name_command and not self._deaf:
                command = parse_reasoning(goal, kinematics)
        planned = plan(self._cell.state(), command)
        self._sequence += 1
        return Inference(
            sequence=self._sequence,
            stamp=observation.stamp,
            instruction=instruction,
            goal=goal,
            kinematics=kinematics,
            goal_codes=(1, 2, 3),
            kinematics_codes=(4, 5, 6),
            draft_accepted=self._sequence > 1,
            passes=4,
            model_time=0.02,
            chunk=ActionChunk(
                observation.stamp, self._sequence, planned.positions, planned.gripper
            ),
            consistency=0.9,
        )


class MutePolicy(DemonstratorPolicy):
    """Understands nothing."""

    def infer(self, *_: object) -> Inference:
        raise NotUnderstood("unreadable")
