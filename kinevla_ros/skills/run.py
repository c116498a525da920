"""One run of a skill: from stage to stage, by what is seen and measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.angles import wrapped
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON
from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.inference import NoMotion
from kinevla_ros.robot.kinematics import UnreachableError
from kinevla_ros.skills.motion import Method, Motion
from kinevla_ros.skills.planar import nearest_grasp, placed, seen_from, tool_path
from kinevla_ros.skills.skill import NEARLY_OPEN, Move, Skill
from kinevla_ros.skills.stage import Leg, Stage, plan, replan, rise

Array = NDArray[np.float64]

MEMORY = 1.0
"""So long a pose is good for that is not seen any more: the arm hides things (s)."""

OBJECT_MOVED, OBJECT_TURNED = 0.005, 0.05
"""From so much on the path is made again for an object that has moved (m, rad)."""

STRAYED, LAG = 0.1, 0.5
"""An arm so far (rad) from where it was to be within so long (s) was held, or pushed."""

SETTLE, ARRIVED = 0.15, 0.02
"""The stream comes to rest so much later (s), so near to the end of a path (rad)."""

STILL, STILL_FOR = 0.001, 0.4
"""Pads rest that have moved by less (m) within that time (s)."""

LONGEST_CLOSING = 3.0
"""From then on a gripper that still moves, or has not moved, is broken (s)."""

MISSED = 0.008
"""Pads so much nearer to each other than around the object hold nothing (m)."""

ATTEMPTS = 3
"""To grasp, before nothing moves any more."""


class ReadySkill:
    """A skill with its motions fitted.

    Args:
        skill: what was demonstrated.
        method: how motions are generalised; see `Motion`.
        turned: whether objects' turns count; False leaves them out, to compare.
    """

    def __init__(self, skill: Skill, method: Method = "lfe-kmp", turned: bool = True) -> None:
        self.skill = skill if turned else skill.by_position_only()
        self.turned = turned
        moves = {Stage.APPROACH: self.skill.approach, Stage.CARRY: self.skill.carry}
        self.moves: dict[Stage, Move] = moves
        self.motions = {stage: Motion(np.array(move.path), method) for stage, move in moves.items()}

    @property
    def carried(self) -> str:
        """Name of the object that it grasps."""
        return self.skill.approach.anchor.object


class SkillRun:
    """Follows a skill from observation to observation; keeps what it is at.

    Args:
        ready: the skill.
        first: the first observation; nothing is known before it.

    Attributes:
        stage: what it is at.
    """

    def __init__(self, ready: ReadySkill, first: Observation) -> None:
        self._ready, self._skill = ready, ready.skill
        self._seen: dict[str, tuple[float, Array]] = {}
        self._why: Mapping[str, str] = {}
        self._openings: deque[tuple[float, float]] = deque(maxlen=50)
        self._attempts, self._held = 0, np.zeros(3)
        self._origin: Array | None = None
        self._leg = Leg.still(Stage.APPROACH, first.stamp, first.joints)
        self._planned = False

    @property
    def stage(self) -> Stage:
        """What it is at."""
        return self._leg.stage

    def chunk(
        self,
        observation: Observation,
        seen: Mapping[str, Array],
        why: Mapping[str, str] | None = None,
    ) -> tuple[Array, Array]:
        """Targets for the half second after an observation.

        Args:
            seen: poses of objects (x, y, yaw) that are seen in it.
            why: why others are not, where that is known.

        Returns:
            Joint targets, shape (HORIZON, 7), rad, and openings, shape (HORIZON,), m.

        Raises:
            NoMotion: something is not seen, out of reach, or cannot be grasped.
        """
        now, self._why = observation.stamp, why or {}
        self._seen |= {name: (now, np.asarray(pose, float)) for name, pose in seen.items()}
        self._openings.append((now, observation.gripper))
        try:
            if not self._planned:
                self._begin(observation)
            while self._over(observation):
                self._next(observation)
            self._keep_up(observation)
        except UnreachableError as problem:
            raise NoMotion(
                f'"{self._skill.kinematics}" leads the arm out of reach from here: {problem}; '
                "move the objects or the arm"
            ) from problem
        due = now - self._leg.began + CHUNK_DT * np.arange(1, HORIZON + 1)
        return self._leg.path.at(due), np.full(HORIZON, self._opening())

    def _opening(self) -> float:
        shut = self.stage in (Stage.CLOSE, Stage.CARRY)
        return self._skill.gripper.closed if shut else self._skill.gripper.open

    def _begin(self, observation: Observation) -> None:
        """Plan the way to the grasp; what the way after it needs must be seen too."""
        self._pose(self._skill.carry.anchor.object, observation.stamp)
        self._plan(Stage.APPROACH, observation)
        self._planned = True

    def _over(self, observation: Observation) -> bool:
        """Whether the next stage is due."""
        now, gripper, leg = observation.stamp, self._skill.gripper, self._leg
        spent = now - leg.began
        if self.stage is Stage.CLOSE:
            moved = observation.gripper < gripper.open - NEARLY_OPEN
            closed = moved and spent >= self._skill.closing and self._pads_rest(now)
            if not closed and spent > LONGEST_CLOSING:
                raise NoMotion("the gripper does not come to rest closed; look after it")
            return closed
        if self.stage is Stage.OPEN:
            return observation.gripper > gripper.open - NEARLY_OPEN and spent >= self._skill.opening
        return self.stage is not Stage.DONE and leg.over(now, observation.joints, SETTLE, ARRIVED)

    def _pads_rest(self, now: float) -> bool:
        began = max(self._leg.began, now - STILL_FOR)
        recent = [opening for when, opening in self._openings if when >= began - 1e-6]
        return now - self._leg.began >= STILL_FOR and max(recent) - min(recent) < STILL

    def _next(self, observation: Observation) -> None:
        now, joints = observation.stamp, observation.joints
        if self.stage is Stage.APPROACH:
            self._origin = self._pose(self._ready.carried, now)
            self._leg = Leg.still(Stage.CLOSE, now, self._leg.path.joints[-1])
        elif self.stage is Stage.CLOSE:
            if observation.gripper < self._skill.gripper.held - MISSED:
                self._try_again(observation, "the gripper closed on nothing")
            else:
                here = tool_path(joints[None])[0][0]
                self._held = seen_from(here[[0, 1, 3]], self._pose(self._ready.carried, now))
                self._plan(Stage.CARRY, observation)
        elif self.stage is Stage.CARRY:
            self._leg = Leg.still(Stage.OPEN, now, self._leg.path.joints[-1])
        elif self.stage is Stage.OPEN:
            self._leg = rise(self._skill.rise, self._leg.path.joints[-1], now)
        else:
            self._leg = Leg.still(Stage.DONE, now, self._leg.path.joints[-1])

    def _try_again(self, observation: Observation, why: str) -> None:
        """Open, and approach once more from above."""
        self._attempts += 1
        if self._attempts >= ATTEMPTS:
            raise NoMotion(
                f"{why} {ATTEMPTS} times; is the pose of the {self._ready.carried} right?"
            )
        self._plan(Stage.APPROACH, observation)

    def _keep_up(self, observation: Observation) -> None:
        """Make the path again where the object has moved, or the arm is elsewhere."""
        if self.stage not in self._ready.moves:
            return
        now, leg = observation.stamp, self._leg
        if self.stage is Stage.CARRY and (observation.gripper < self._skill.gripper.held - MISSED):
            self._try_again(observation, "the gripper lost what it held")
            return
        anchor = self._anchor(self.stage, now)
        assert leg.anchor is not None
        away = anchor - leg.anchor
        turned = abs(wrapped(away[2])) > OBJECT_TURNED and self._ready.turned
        strayed = leg.strayed(now, observation.joints, LAG) > STRAYED
        if strayed:
            self._replan(observation.joints, leg.nearest_phase(observation.joints), now)
        elif np.hypot(*away[:2]) > OBJECT_MOVED or turned:
            # From where the arm is to be by now: it follows a little late.
            self._replan(leg.path.at(now - leg.began)[0], leg.phase(now), now)

    def _plan(self, stage: Stage, observation: Observation) -> None:
        now, move = observation.stamp, self._ready.moves[stage]
        goal = self._goal(stage, now)
        motion = self._ready.motions[stage]
        leg = plan(stage, motion, move.duration, observation.joints, goal, now)
        self._leg = replace(leg, anchor=self._anchor(stage, now))

    def _replan(self, joints: Array, begin: int, now: float) -> None:
        stage, leg = self.stage, self._leg
        motion, duration = self._ready.motions[stage], self._ready.moves[stage].duration
        new = replan(leg, motion, duration, joints, self._goal(stage, now), now, begin)
        self._leg = replace(new, anchor=self._anchor(stage, now))

    def _goal(self, stage: Stage, now: float) -> Array:
        """Where the tool is to be at the end of a stage."""
        move = self._ready.moves[stage]
        goal = placed(move.anchor.frame(self._anchor(stage, now)), np.array(move.goal))
        if stage is Stage.APPROACH:
            return goal
        if not self._ready.turned:
            return goal + np.array([*self._skill.approach.goal[:2], 0.0, 0.0])
        # The goal is the carried object's; the tool holds it as measured after closing.
        heading = tool_path(self._leg.path.joints[-1:])[0][0][3]
        tool = np.array([0.0, 0.0, nearest_grasp(goal[3], heading)])
        goal[:2] -= placed(tool, self._held)[:2]
        return np.append(goal[:3], tool[2])

    def _anchor(self, stage: Stage, now: float) -> Array:
        """Pose of what a stage ends at; for the carried object itself, where it lay."""
        name = self._ready.moves[stage].anchor.object
        if stage is Stage.CARRY and name == self._ready.carried:
            assert self._origin is not None
            return self._origin
        return self._pose(name, now)

    def _pose(self, name: str, now: float) -> Array:
        when, pose = self._seen.get(name, (-np.inf, np.zeros(3)))
        if now - when > MEMORY:
            why = f" ({reason})" if (reason := self._why.get(name)) else ""
            raise NoMotion(
                f"the {name} is not seen{why}, so nothing moves; put it where it is seen, and "
                "clear what hides it"
            )
        return pose
