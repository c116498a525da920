"""The slow way to where a motion begins."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import HOME, SPACE, over_the_table

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.approach import SPEED, NoApproach, approach

BEHIND = np.array([0.2, -0.2, 2.1, -1.7, 1.1, 0.4, -4.7])
ASIDE = np.array([0.7, -0.8, -2.3, -1.8, 1.5, 1.5, 1.1])
"""Both free, and all of them from the ready pose; between them is the back wall."""


def test_an_approach_is_slow_begins_at_the_arm_and_ends_at_the_goal() -> None:
    goal = over_the_table(0.1)
    way = np.vstack([HOME, approach(HOME, goal, RM75_LIMITS, SPACE)])
    np.testing.assert_allclose(way[-1], goal, atol=1e-12)
    speeds = abs(np.diff(way, axis=0)) / CHUNK_DT
    assert speeds.max() <= SPEED * 1.001
    assert speeds[0].max() < SPEED / 4 and speeds[-1].max() < SPEED / 4


def test_an_approach_whose_straight_way_is_blocked_goes_over_the_given_place() -> None:
    with pytest.raises(NoApproach, match=r"straight way .* too near to back wall"):
        approach(BEHIND, ASIDE, RM75_LIMITS, SPACE)
    way = approach(BEHIND, ASIDE, RM75_LIMITS, SPACE, (HOME,))
    assert abs(way - HOME).max(axis=1).min() < 1e-9
    assert SPACE.obstacle(np.vstack([BEHIND, way])) is None


def test_a_goal_in_the_table_or_beyond_a_limit_is_refused_by_name() -> None:
    with pytest.raises(NoApproach, match="too near to table"):
        approach(HOME, over_the_table(-0.02), RM75_LIMITS, CollisionModel(DEFAULT_WORKSPACE))
    beyond = HOME.copy()
    beyond[3] = RM75_LIMITS.upper[3]
    with pytest.raises(NoApproach, match="joint4"):
        approach(HOME, beyond, RM75_LIMITS, SPACE)
