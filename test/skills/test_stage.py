"""A leg whose goal moves is made again from wherever the arm has come to."""

from __future__ import annotations

import numpy as np
import pytest
from skill_world import READY, tool_at

from kinevla_ros.skills.motion import PHASES, Motion
from kinevla_ros.skills.planar import tool_path
from kinevla_ros.skills.stage import Leg, Stage, plan, replan

GOAL = np.array([0.25, 0.05, 0.03, 0.3])
PHASE = np.linspace(0.0, 1.0, 30)[:, None]
MOTION = Motion(READY + PHASE * (GOAL - READY) + np.sin(np.pi * PHASE) * [0.02, 0, 0.03, 0])
SECONDS = 2.0


@pytest.fixture(scope="module")
def leg() -> Leg:
    return plan(Stage.APPROACH, MOTION, SECONDS, tool_at(READY), GOAL, 10.0)


@pytest.mark.parametrize("after", [0.0, 0.5, 1.9, SECONDS, 60.0])
def test_at_whatever_time_the_new_goal_is_met_from_where_the_arm_is(leg: Leg, after: float) -> None:
    now, moved = 10.0 + after, GOAL + np.array([0.02, -0.03, 0.0, 0.2])
    joints = leg.path.at(after)[0]
    new = replan(leg, MOTION, SECONDS, joints, moved, now, leg.phase(now))
    tool = tool_path(new.path.joints)[0]
    assert np.abs(new.path.joints[0] - joints).max() < 1e-6
    assert np.abs(tool[-1] - moved).max() < 1e-3
    assert new.began == now
    assert new.path.duration <= SECONDS * 1.3


def test_a_leg_made_again_twice_still_knows_how_far_it_has_come(leg: Leg) -> None:
    joints = leg.path.at(1.0)[0]
    half = replan(leg, MOTION, SECONDS, joints, GOAL, 11.0, leg.phase(11.0))
    assert abs(half.first - PHASES / 2) < 10
    assert half.phase(11.0) == half.first
    assert half.phase(99.0) == PHASES - 1
    assert half.nearest_phase(half.path.joints[20]) == half.first + 20


def test_an_arm_that_is_elsewhere_has_strayed_and_one_that_lags_has_not(leg: Leg) -> None:
    lagging = leg.path.at(0.8)[0]
    assert leg.strayed(11.0, lagging, 0.5) < 0.02
    assert leg.strayed(11.0, lagging + 0.3, 0.5) > 0.2
    assert leg.over(10.0 + SECONDS + 1.0, leg.path.joints[-1], 0.2, 0.02)
    assert not leg.over(10.0 + SECONDS + 1.0, leg.path.joints[-1] + 0.1, 0.2, 0.02)
    assert not leg.over(10.0 + SECONDS, leg.path.joints[-1], 0.2, 0.02)
