"""A demonstrated motion of the tool keeps its shape, and becomes what an arm can follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinevla_ros.robot.kinematics import UnreachableError, tool_poses
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.skills.joint_path import SPEED_SHARE, joint_path
from kinevla_ros.skills.motion import METHODS, PHASES, Method, Motion
from kinevla_ros.skills.planar import nearest_grasp, placed, seen_from, tool_path

Array = NDArray[np.float64]

PHASE = np.linspace(0.0, 1.0, 40)
SHOWN = np.column_stack(
    [
        0.25 + 0.10 * PHASE,
        -0.05 + 0.12 * PHASE + 0.03 * np.sin(np.pi * PHASE),
        0.20 - 0.17 * PHASE**2,
        0.6 * PHASE,
    ]
)
"""A way down to a grasp, m and rad."""

MOTIONS = {method: Motion(SHOWN, method) for method in METHODS}
SOME = settings(deadline=None, max_examples=25)
PLACES = st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(-3.0, 3.0)).map(np.array)
STEPS = st.tuples(*[st.floats(-0.05, 0.05)] * 3, st.floats(-0.8, 0.8)).map(np.array)


def moved(frame: Array, path: Array) -> Array:
    return np.array([placed(frame, pose) for pose in path])


@SOME
@given(PLACES, STEPS)
def test_what_is_put_into_a_frame_is_seen_there(frame: Array, pose: Array) -> None:
    assert np.allclose(seen_from(frame, placed(frame, pose)), pose, atol=1e-9)


@SOME
@given(STEPS, STEPS)
def test_both_ends_are_met(first: Array, last: Array) -> None:
    start, goal = SHOWN[0] + first, SHOWN[-1] + last
    path = MOTIONS["lfe-kmp"].between(start, goal)
    assert path.shape == (PHASES, 4)
    assert np.abs(path[0] - start).max() < 1e-3
    assert np.abs(path[-1] - goal).max() < 1e-3


def test_a_demonstration_is_repeated_between_its_own_ends() -> None:
    path = MOTIONS["lfe-kmp"].between(SHOWN[0], SHOWN[-1])
    shown = np.column_stack([np.interp(np.linspace(0, 1, PHASES), PHASE, each) for each in SHOWN.T])
    assert np.abs(path - shown)[:, :3].max() < 0.004


def test_the_compared_methods_meet_their_ends_too() -> None:
    goal = SHOWN[-1] + np.array([0.04, -0.05, 0.0, 0.5])
    for method, miss in (("kmp", 0.003), ("tp-gmm", 0.02)):
        path = MOTIONS[method].between(SHOWN[0], goal)
        assert np.abs(path[[0, -1]] - [SHOWN[0], goal]).max() < miss


@pytest.mark.parametrize("method", ["lfe-kmp", "tp-gmm"])
@SOME
@given(PLACES)
def test_a_scene_that_is_turned_as_a_whole_turns_the_motion(method: Method, frame: Array) -> None:
    motion = MOTIONS[method]
    ends = SHOWN[0], SHOWN[-1]
    turned = motion.between(*(placed(frame, end) for end in ends))
    assert np.allclose(turned, moved(frame, motion.between(*ends)), atol=1e-6)


@SOME
@given(STEPS)
def test_the_last_part_comes_down_on_the_goal_as_was_shown(last: Array) -> None:
    path = MOTIONS["lfe-kmp"].between(SHOWN[0], SHOWN[-1] + last)
    height = np.interp(np.linspace(0, 1, PHASES), PHASE, SHOWN[:, 2])
    above, shown = path[-20:, 2] - path[-1, 2], height[-20:] - height[-1]
    assert np.abs(above - shown).max() < 0.01


def test_joints_follow_the_tool_and_keep_their_speed() -> None:
    start = joint_path(SHOWN[:2], np.zeros(7), 0.1).joints[0]
    path = joint_path(SHOWN, start, 0.3)
    positions, _ = tool_poses(path.joints)
    assert np.abs(positions - SHOWN[:, :3]).max() < 1e-6
    speed = np.abs(np.diff(path.joints, axis=0)) / np.diff(path.times)[:, None]
    assert (speed <= SPEED_SHARE * RM75_LIMITS.velocity * 1.0001).all()
    assert path.duration > 0.3  # it asks for more than a joint can do
    assert joint_path(SHOWN, start, 5.0).duration == pytest.approx(5.0)
    assert np.array_equal(path.at([-1.0, 99.0]), path.joints[[0, -1]])


def test_joint_7_turns_on_from_where_it_is() -> None:
    turning = np.tile(SHOWN[0], (60, 1))
    turning[:, 3] = np.linspace(0.0, 4.0, 60)
    start = joint_path(turning[:2], np.zeros(7), 0.1).joints[0]
    path = joint_path(turning, start, 3.0)
    assert np.abs(np.diff(path.joints[:, 6])).max() < 0.1
    assert np.abs(path.joints[0] - start).max() < 1e-9
    assert np.ptp(tool_path(path.joints)[0][:, 3]) == pytest.approx(4.0)
    turning[:, 3] = np.linspace(0.0, 9.0, 60)
    with pytest.raises(UnreachableError, match="joint7"):
        joint_path(turning, start, 3.0)


def test_what_is_out_of_reach_is_refused() -> None:
    far = SHOWN + np.linspace(0, 1, len(SHOWN))[:, None] * [0.6, 0, 0, 0]
    with pytest.raises(UnreachableError):
        joint_path(far, np.zeros(7), 2.0)


@SOME
@given(st.floats(-6, 6), st.floats(-6, 6))
def test_a_grasp_turned_by_half_a_turn_is_as_good(yaw: float, to: float) -> None:
    found = nearest_grasp(yaw, to)
    assert abs(found - to) <= math.pi / 2 + 1e-9
    assert abs(math.remainder(found - yaw, math.pi)) < 1e-9
