"""What no policy and no person should send, as the arm state machine would get it from its node."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, ActionChunk
from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import RM75_LIMITS as LIMITS
from kinevla_ros.robot.motion.state_machine import ArmStateMachine

Array = NDArray[np.float64]

LARGEST = 5.0
"""Power of ten of the rows of the largest message: 6 MB of positions."""

POISON = (math.nan, math.inf, -math.inf, 1e308)


@dataclass(frozen=True, eq=False)
class AdversarialTarget:
    """One message: targets of shape (n, 7) or whatever else, rad, and the rest of it.

    Attributes:
        age: how old the message says it is, s; negative: from the future.
        teleop: a teleoperation target, the first row; a chunk otherwise.
        skip: how far the sequence number goes on; zero or less repeats one.
    """

    positions: Array
    age: float = 0.08
    gripper: float = 0.02
    dt: float = CHUNK_DT
    teleop: bool = False
    skip: int = 1

    @property
    def targets(self) -> int:
        """How many targets it counts for: no more than a chunk's, however long it is."""
        return 1 if self.teleop else min(len(self.positions), HORIZON)


class Adversary:
    """Makes attacks on an arm and delivers them; same seed, same attacks."""

    def __init__(self, space: CollisionModel, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._sequence = 0
        self._corners = itertools.cycle((LIMITS.target_upper, LIMITS.target_lower))
        self._traps = {
            fault: list(itertools.islice(self._poses(space, fault), 100))
            for fault in (Fault.TABLE_COLLISION, Fault.SELF_COLLISION, Fault.WORKSPACE_LIMIT)
        }
        self._makers: dict[str, Callable[[Array], AdversarialTarget]] = {
            "not a number": self._poisoned,
            "wrong length": self._misshapen,
            "of any size": self._any_size,
            "anywhere": lambda q: AdversarialTarget(self._rng.uniform(-7, 7, (HORIZON, 7))),
            "near the arm": lambda q: AdversarialTarget(
                q + self._rng.uniform(-0.4, 0.4, (HORIZON, 7))
            ),
            "random walk": self._walk,
            "square wave": self._square_wave,
            "between the limits": lambda q: AdversarialTarget(
                np.tile(next(self._corners), (HORIZON, 1))
            ),
            "into the limits": lambda q: self._towards(q, next(self._corners)),
            "into the table": lambda q: self._towards(q, self._trap(Fault.TABLE_COLLISION)),
            "into itself": lambda q: self._towards(q, self._trap(Fault.SELF_COLLISION)),
            "out of the workspace": lambda q: self._towards(q, self._trap(Fault.WORKSPACE_LIMIT)),
            "from the past or future": self._mistimed,
            "other period or gripper": self._odd,
            "again or out of order": self._repeated,
            "a person, near the arm": lambda q: AdversarialTarget(
                q + self._rng.uniform(-0.3, 0.3, (1, 7)), age=0.02, teleop=True
            ),
            "a person, anywhere": self._wild_person,
        }

    @property
    def kinds(self) -> list[str]:
        """Names of the attacks."""
        return list(self._makers)

    def make(self, kind: str, q: Array) -> AdversarialTarget:
        """An attack on an arm that is at `q`, shape (7,), rad."""
        return self._makers[kind](q)

    def deliver(self, attack: AdversarialTarget, core: ArmStateMachine, now: float) -> CheckResult:
        """Hand an attack over as the node does, with what the types already refuse."""
        rows = attack.positions
        try:
            if attack.teleop:
                target = JointTarget(now - attack.age, rows[0], attack.gripper)
                return core.lead(target, now)
            self._sequence = max(self._sequence + attack.skip, 0)
            gripper = np.full(len(rows), attack.gripper)
            chunk = ActionChunk(now - attack.age, self._sequence, rows, gripper, attack.dt)
        except ValueError as error:
            fault = Fault.INVALID_TARGET if attack.teleop else Fault.INVALID_CHUNK
            return core.refuse(fault, str(error))
        return core.follow(chunk, now)

    def _poses(self, space: CollisionModel, fault: Fault) -> Iterator[Array]:
        """Poses in which the arm is too near to something."""
        while True:
            q = self._rng.uniform(LIMITS.target_lower, LIMITS.target_upper)
            found = space.nearest(q)
            if found.margin < 0 and found.fault is fault:
                yield q

    def _trap(self, fault: Fault) -> Array:
        poses = self._traps[fault]
        return poses[int(self._rng.integers(len(poses)))]

    def _towards(self, q: Array, pose: Array) -> AdversarialTarget:
        """Straight to a pose as fast as the joints may go."""
        seconds = float((abs(pose - q) / LIMITS.velocity).max()) / self._rng.uniform(0.3, 0.999)
        shares = np.minimum(CHUNK_DT * np.arange(1, HORIZON + 1) / max(seconds, 1e-6), 1.0)
        return AdversarialTarget(q + shares[:, None] * (pose - q), self._rng.uniform(0.0, 0.3))

    def _walk(self, q: Array) -> AdversarialTarget:
        steps = self._rng.uniform(-1, 1, (HORIZON, 7)) * LIMITS.velocity * CHUNK_DT * 0.999
        return AdversarialTarget(q + np.cumsum(steps, axis=0), self._rng.uniform(0.0, 0.39))

    def _square_wave(self, q: Array) -> AdversarialTarget:
        """To and fro as far as the speed permits: full acceleration and jerk all the time."""
        signs = np.where(np.arange(HORIZON) % 2, -0.5, 0.5)[:, None]
        way = self._rng.choice([-1.0, 1.0], 7) * LIMITS.velocity * CHUNK_DT * 0.999
        return AdversarialTarget(q + signs * way, self._rng.uniform(0.0, 0.1))

    def _poisoned(self, q: Array) -> AdversarialTarget:
        positions = np.tile(q, (HORIZON, 1))
        row, joint = self._rng.integers((HORIZON, 7))
        positions[row, joint] = self._rng.choice(POISON)
        if self._rng.random() < 0.3:
            return AdversarialTarget(positions[[row]], teleop=True, age=0.02)
        if self._rng.random() < 0.3:
            return AdversarialTarget(np.tile(q, (HORIZON, 1)), age=float(self._rng.choice(POISON)))
        return AdversarialTarget(positions)

    def _misshapen(self, q: Array) -> AdversarialTarget:
        rows, columns = self._rng.integers(1, 10, 2)
        if (rows, columns) == (HORIZON, 7):
            columns = 6
        return AdversarialTarget(
            np.zeros((rows, columns)) + q[0], teleop=bool(columns != 7 and rows == 1)
        )

    def _any_size(self, q: Array) -> AdversarialTarget:
        rows = int(10 ** self._rng.uniform(0, LARGEST))
        return AdversarialTarget(np.tile(q, (rows, 1)))

    def _mistimed(self, q: Array) -> AdversarialTarget:
        age = self._rng.choice([-3600.0, -1.0, -0.03, 0.39, 0.41, 0.5, 3.0, 1e9])
        return AdversarialTarget(q + self._rng.uniform(-0.1, 0.1, (HORIZON, 7)), float(age))

    def _odd(self, q: Array) -> AdversarialTarget:
        period = float(self._rng.choice([CHUNK_DT, 1e-6, 0.05, 1e6, math.nan]))
        opening = float(self._rng.choice([0.02, -1.0, 5.0, math.nan]))
        return AdversarialTarget(np.tile(q, (HORIZON, 1)), gripper=opening, dt=period)

    def _repeated(self, q: Array) -> AdversarialTarget:
        age, skip = self._rng.uniform(0.0, 0.39), int(self._rng.integers(-5, 2))
        return AdversarialTarget(q + self._rng.uniform(-0.1, 0.1, (HORIZON, 7)), age, skip=skip)

    def _wild_person(self, q: Array) -> AdversarialTarget:
        away = self._rng.uniform(-3, 3, (1, 7)) * self._rng.random()
        age = float(self._rng.choice([0.0, 0.05, 0.099, 0.2, -0.01, -1.0]))
        return AdversarialTarget(q + away, age, float(self._rng.uniform(-0.02, 0.1)), teleop=True)
