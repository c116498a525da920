"""From what a person wants to targets for the gate: clutch, slow approach, tool motion.

The gate judges each target by itself and clips none. What is here keeps a person from being
refused for what no person can help: a leader that is not quite where the arm is, a tool that is to
move by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.gate.teleop_checks import MAX_AWAY
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.kinematics import jacobian
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.stack.teleop.person import Wish

Array = NDArray[np.float64]

APPROACH = 0.2
"""So fast the arm comes to a leader that it does not follow yet (rad/s)."""

CAUGHT_UP = 0.02
"""So near to the leader it follows at once (rad)."""

LONGEST_STEP = 0.1
"""A session that was held up longer does not make up for it (s)."""

LEAD = 0.1
"""A tool that is moved by speed stays so near to where the arm is (rad): a wall is not pushed."""

SINGULAR = 0.05
"""Smallest singular value of the Jacobian (m or rad per rad) from which on the arm counts as
stretched: there the inverse is damped, and the tool slower than is asked for."""


class Session:
    """One person and one arm; a target for each tick while the clutch is held.

    Args:
        limits: of the arm.

    Attributes:
        refused: why the person was made to let go last; empty if they were not.
    """

    def __init__(self, limits: JointLimits) -> None:
        self._limits = limits
        self._target: Array | None = None
        self._caught_up = False
        self._at = 0.0
        self.refused = ""

    @property
    def leads(self) -> bool:
        """Whether the person leads."""
        return self._target is not None

    def tick(self, wish: Wish, place: Array, now: float) -> JointTarget | None:
        """The target at this time; None while nobody leads.

        Args:
            wish: of the person.
            place: where the arm is sent, or where it is if it is sent nowhere, shape (7,), rad.
            now: the time, s.
        """
        seconds, self._at = min(now - self._at, LONGEST_STEP), now
        if not wish.held:
            self._target = None
            return None
        if self._target is None:
            seconds, self.refused, self._caught_up = 0.0, "", False
            self._target = np.array(place)
        if wish.joints is not None:
            self._follow(wish.joints, seconds)
        elif wish.twist is not None:
            self._move_tool(wish.twist * seconds, place)
        if self._target is None:
            return None
        return JointTarget(now, self._target, wish.gripper)

    def _follow(self, joints: Array, seconds: float) -> None:
        """Come to the leader, slowly at first; let go of one that is too far."""
        assert self._target is not None
        way = joints - self._target
        if abs(way).max() > MAX_AWAY:
            worst = int(abs(way).argmax())
            self.refused = (
                f"{JOINT_NAMES[worst]} of the leader is {way[worst]:+.2f} rad from the arm's "
                f"({joints[worst]:.2f} and {self._target[worst]:.2f}); bring it within "
                f"{MAX_AWAY} rad and take hold again"
            )
            self._target = None
            return
        speed = self._limits.velocity if self._caught_up else APPROACH
        self._target = self._target + np.clip(way, -speed * seconds, speed * seconds)
        self._caught_up |= bool(abs(joints - self._target).max() < CAUGHT_UP)

    def _move_tool(self, way: Array, place: Array) -> None:
        """Move the tool by `way`, shape (6,), m and rad, unless the arm does not get on."""
        assert self._target is not None
        moved = self._target + joints_for(self._target, way)
        most = self._limits.velocity * LONGEST_STEP
        if (abs(moved - self._target) <= most).all() and abs(moved - place).max() <= LEAD:
            self._target = moved


def joints_for(q: Array, way: Array) -> Array:
    """How the joints move when the tool moves a little: least squares, damped near singularities.

    After Nakamura and Hanafusa, Inverse kinematic solutions with singularity robustness (1986).

    Args:
        q: joint positions, shape (7,), rad.
        way: of the tool in `base_link`, shape (6,), m and rad.

    Returns:
        Shape (7,), rad.
    """
    j = jacobian(q)
    least = float(np.linalg.svd(j, compute_uv=False)[-1])
    damping = SINGULAR**2 * max(1 - (least / SINGULAR) ** 2, 0.0)
    return np.asarray(j.T @ np.linalg.solve(j @ j.T + damping * np.eye(6), way))
