"""How much room the gate leaves around joint positions, as one figure for people to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.limits import JointLimits

AMPLE_TURN = 0.3
"""So far from its position limits a joint has room enough, rad."""

AMPLE_DISTANCE = 0.04
"""So far beyond the distance to be kept a link has room enough, m; an arm at rest has as much."""


def margin(q: NDArray[np.float64], limits: JointLimits, space: CollisionModel) -> float:
    """Return the smallest margin to joint limits, table, walls and the arm itself.

    Args:
        q: joint positions, shape (7,), rad.
        limits: limits of the joints.
        space: clearances of the arm.

    Returns:
        0 at the first limit, negative beyond it, 1 and more where there is room enough.

    Raises:
        ValueError: A position is not finite.
    """
    turn = float(np.minimum(q - limits.target_lower, limits.target_upper - q).min())
    return min(turn / AMPLE_TURN, space.nearest(q).margin / AMPLE_DISTANCE)
