"""The arm model as numbers, as URDF and as MJCF, and the kinematics worked out by hand."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinevla_ros.robot.kinematics import (
    UnreachableError,
    forward,
    reach_at,
    tool_yaw,
    top_down_ik,
)
from kinevla_ros.robot.model import POSITION_LIMITS, TOOL_LENGTH, urdf
from kinevla_ros.sim.cell.scene import scene_xml

CELL = mujoco.MjModel.from_xml_string(scene_xml())
URDF = mujoco.MjModel.from_xml_string(urdf())

configurations = st.tuples(*(st.floats(-limit, limit) for limit in POSITION_LIMITS)).map(np.array)
# The ring over the table in which the demonstrator works.
reach = st.floats(0.19, 0.435)
heading = st.floats(-math.pi, math.pi)
heights = st.floats(0.0, 0.22)
yaws = st.floats(-math.pi, math.pi)


@settings(max_examples=50, deadline=None)
@given(q=configurations)
def test_the_tool_is_where_the_simulated_cell_has_it(q: np.ndarray) -> None:
    data = mujoco.MjData(CELL)
    data.qpos[:7] = q
    mujoco.mj_kinematics(CELL, data)
    position, rotation = forward(q)
    np.testing.assert_allclose(position, data.site("tool").xpos, atol=1e-6)
    np.testing.assert_allclose(rotation, data.site("tool").xmat.reshape(3, 3), atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(q=configurations)
def test_the_urdf_has_the_same_last_link(q: np.ndarray) -> None:
    data = mujoco.MjData(URDF)
    data.qpos[:] = q
    mujoco.mj_kinematics(URDF, data)
    position, rotation = forward(q)
    link = data.body("link7")
    tool = link.xpos + link.xmat.reshape(3, 3) @ [0, 0, TOOL_LENGTH]
    np.testing.assert_allclose(position, tool, atol=1e-5)
    np.testing.assert_allclose(rotation[:, 2], link.xmat.reshape(3, 3)[:, 2], atol=1e-5)


def test_urdf_and_cell_give_each_link_the_same_mass_and_inertia() -> None:
    for number in range(1, 8):
        link, twin = URDF.body(f"link{number}"), CELL.body(f"link{number}")
        np.testing.assert_allclose(link.mass, twin.mass, rtol=1e-6)
        np.testing.assert_allclose(link.inertia, twin.inertia, rtol=1e-3)
        np.testing.assert_allclose(link.ipos, twin.ipos, atol=1e-6)


def test_urdf_and_cell_give_each_joint_the_same_range() -> None:
    for number, limit in enumerate(POSITION_LIMITS, start=1):
        for model in (URDF, CELL):
            np.testing.assert_allclose(model.joint(f"joint{number}").range, (-limit, limit))


@given(reach=reach, heading=heading, height=heights, yaw=yaws)
def test_the_inverse_leads_back_to_the_pose(
    reach: float, heading: float, height: float, yaw: float
) -> None:
    wanted = np.array([reach * math.cos(heading), reach * math.sin(heading), height])
    try:
        q = top_down_ik(wanted, yaw)
    except UnreachableError:
        # Behind the base joint 1 ends two degrees short of half a turn.
        assert reach > reach_at(height) or abs(heading) > POSITION_LIMITS[0]
        return
    position, rotation = forward(q)
    np.testing.assert_allclose(position, wanted, atol=1e-9)
    np.testing.assert_allclose(rotation[:, 2], (0, 0, -1), atol=1e-9)
    assert math.remainder(tool_yaw(q) - yaw, 2 * math.pi) == pytest.approx(0, abs=1e-9)


@given(reach=reach, heading=heading, height=heights, yaw=yaws)
def test_the_inverse_stays_inside_the_joint_limits(
    reach: float, heading: float, height: float, yaw: float
) -> None:
    try:
        q = top_down_ik(
            np.array([reach * math.cos(heading), reach * math.sin(heading), height]), yaw
        )
    except UnreachableError:
        return
    assert (np.abs(q) <= POSITION_LIMITS).all()


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ((0.9, 0.0, 0.1), "out of reach"),
        ((0.05, 0.0, 0.0), "joint4"),
        ((-0.3, 1e-9, 0.1), "joint1"),
    ],
)
def test_an_unreachable_pose_is_refused_with_its_reason(
    position: tuple[float, float, float], reason: str
) -> None:
    with pytest.raises(UnreachableError, match=reason):
        top_down_ik(np.array(position), 0.0)
