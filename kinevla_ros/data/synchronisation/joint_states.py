"""Live joint states for the policy: read, or refused with what is wrong about their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.reported_state import require_possible

if TYPE_CHECKING:
    from sensor_msgs.msg import JointState

GRIPPER = "gripper"
JOINTS = frozenset(JOINT_NAMES)
NEEDED = JOINTS | {GRIPPER}

MEMORY = 1.0
"""What was wrong counts so long: of two publishers that take turns one may be right, s."""

GRIPPER_AGE = 0.3
"""A gripper whose own driver reports it may have been reported so long before the arm, s."""


def joints_from_message(
    message: JointState, apart: float | None = None
) -> tuple[NDArray[np.float64], float]:
    """Read joint positions, shape (7,), rad, and the gripper's opening (m), in whatever order.

    Args:
        apart: the opening, m, where the gripper comes in messages of its own.

    Raises:
        ValueError: a joint or the gripper is missing or there twice, or a number is not finite.
    """
    positions = positions_by_name(message, "/joint_states")
    if apart is not None:
        positions.setdefault(GRIPPER, apart)
    missing = [name for name in (*JOINT_NAMES, GRIPPER) if name not in positions]
    if missing:
        raise ValueError(f"/joint_states lacks {', '.join(missing)}")
    values = np.array([positions[name] for name in (*JOINT_NAMES, GRIPPER)])
    if not np.isfinite(values).all():
        raise ValueError("/joint_states holds a number that is not finite")
    return values[:-1], float(values[-1])


def positions_by_name(message: JointState, what: str) -> dict[str, float]:
    """Name to position; a name that is there twice has none that could be right."""
    twice = [n for n in (*JOINT_NAMES, GRIPPER) if message.name.count(n) > 1]
    if twice:
        raise ValueError(f"{what} names {', '.join(twice)} more than once: check its publisher")
    return dict(zip(message.name, message.position, strict=False))


class JointStates:
    """Reads one message of /joint_states after the other.

    The gripper may come in messages of its own, from its own driver.
    """

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._problem, self._problem_at = "", -np.inf
        self._gripper, self._gripper_at = np.nan, -np.inf
        self._read = False

    def read(self, message: JointState, now: float) -> tuple[NDArray[np.float64], float] | None:
        """Joint positions, shape (7,), rad, and the gripper's opening, m.

        None for a message of other joints than ours, once ours have come, and for one of the
        gripper alone.

        Args:
            now: monotonic time, s.

        Raises:
            ValueError: something is missing, twice there, not finite, or not possible for an
                RM75; or one of the last second's messages was so.
        """
        ours = NEEDED.intersection(message.name)
        if not ours and self._read:
            return None
        self._seen |= dict.fromkeys(ours, now)
        if ours == {GRIPPER}:
            self._gripper = positions_by_name(message, "/joint_states").get(GRIPPER, np.nan)
            self._gripper_at = now
            return None
        apart = self._gripper if now - self._gripper_at <= GRIPPER_AGE else None
        try:
            joints, gripper = joints_from_message(message, apart)
            require_possible(joints, gripper)
        except ValueError as error:
            self._problem, self._problem_at = self._in_parts(ours, now) or str(error), now
            raise ValueError(self._problem) from error
        self._read = True
        if now - self._problem_at < MEMORY:
            raise ValueError(self._problem)
        return joints, gripper

    def _in_parts(self, ours: frozenset[str], now: float) -> str:
        """Whether the joints that this message lacks come too, in messages of their own."""
        recent = {name for name, seen in self._seen.items() if now - seen < MEMORY}
        if ours >= JOINTS or not recent >= JOINTS:
            return ""
        return (
            f"/joint_states comes in parts ({', '.join(sorted(ours))} alone in one message), so "
            f"more than one node publishes it: let one message hold {JOINT_NAMES[0]} to "
            f"{JOINT_NAMES[-1]}, as joint_state_publisher's source_list does"
        )
