"""The gate by itself, for a policy and an arm that are somebody else's."""

from __future__ import annotations

import numpy as np

from kinevla_ros.base.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.robot.gate.arm_checks import ArmCase, error_codes, state_age
from kinevla_ros.robot.gate.check_result import CheckResult, Fault, refused
from kinevla_ros.robot.gate.chunk_checks import ChunkCase
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.command_checks import CLOCK_TOLERANCE
from kinevla_ros.robot.gate.gate import CHUNK_CHECKS, run_checks
from kinevla_ros.robot.gate.tracking import TrackingMonitor
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE, Workspace
from kinevla_ros.robot.limits import RM75_LIMITS, JointLimits
from kinevla_ros.robot.reported_state import require_possible
from kinevla_ros.robot.state import ArmState


class SafetyGate:
    """Says of an action chunk whether an RM75 may follow it; for one thread at a time.

    A chunk that passes comes from a recent observation of an arm that is well, begins where that
    arm is, stays inside the joints' ranges, is at most a tenth faster than they may go, and brings
    no link nearer to the table, the walls of the workspace or the arm itself than may be.
    Acceleration and jerk are the stream's, see `ArmStateMachine`: whoever streams by other means
    has to limit them.

    Args:
        limits: limits of the joints.
        workspace: where links and gripper may be.
    """

    def __init__(
        self, limits: JointLimits = RM75_LIMITS, workspace: Workspace = DEFAULT_WORKSPACE
    ) -> None:
        self._limits, self._space = limits, CollisionModel(workspace)

    def check(self, chunk: ActionChunk, state: ArmState, now: float) -> CheckResult:
        """Judge a chunk; raises nothing, and what cannot be judged does not pass.

        Args:
            chunk: absolute joint targets (rad) and openings (m), stamped with the observation's
                time.
            state: the newest measured state.
            now: the time, s; of the same clock as both stamps.

        Returns:
            `ok`; if not, `fault`, `reason` (in words, with figures and the way out), `joint` and
            `margin` (to the limit in its unit, negative beyond it).
        """
        if not (found := _usable(state, now)).ok:
            return found
        return run_checks(
            CHUNK_CHECKS, ChunkCase(chunk, state, state.q, self._limits, self._space, now)
        )


def _usable(state: ArmState, now: float) -> CheckResult:
    """Whether a state from outside is recent, an RM75's, and without errors."""
    if np.shape(state.q) != (len(JOINT_NAMES),) or not np.isfinite(state.q).all():
        reason = f"the arm's joints are {state.q}; give {len(JOINT_NAMES)} finite numbers, rad"
        return refused(Fault.STALE_STATE, reason)
    try:
        require_possible(state.q, 0.0 if state.gripper is None else state.gripper)
    except ValueError as problem:
        return refused(Fault.STALE_STATE, f"the arm's state cannot be an RM75's: {problem}")
    if (early := state.stamp - now) > CLOCK_TOLERANCE:
        reason = (
            f"the arm's state is from {early:.3f} s in the future. Are its stamp and the time of "
            "the same clock?"
        )
        return refused(Fault.STALE_STATE, reason, margin=CLOCK_TOLERANCE - early)
    return run_checks((state_age, error_codes), ArmCase(state, TrackingMonitor(), now))
