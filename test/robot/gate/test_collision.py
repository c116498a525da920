"""The arm keeps its distance from itself, the table and the walls."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE, DEFAULT_WORKSPACE
from kinevla_ros.robot.kinematics import forward, top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.model import FINGERS, PALM, TOOL_LENGTH
from kinevla_ros.sim.cell.scene import scene_xml
from kinevla_ros.sim.controller.plant import READY_POSE

Array = NDArray[np.float64]

HOME = np.array(READY_POSE)
SPACE, SOFT = CollisionModel(DEFAULT_WORKSPACE), CollisionModel(CELL_WORKSPACE)
ANYWHERE = arrays(np.float64, 7, elements=st.floats(-1, 1)).map(lambda u: u * RM75_LIMITS.upper)


def hanging(height: float) -> Array:
    return top_down_ik(np.array([0.35, 0.1, height]), 0.3)


@given(st.floats(0.02, 0.1))
def test_the_distance_to_the_table_is_that_of_the_fingertips(height: float) -> None:
    beyond_the_tool = FINGERS[1][2] + FINGERS[0][2] - TOOL_LENGTH
    found = SPACE.nearest(hanging(height))
    if found.other == "table":
        assert found.margin == pytest.approx(height - beyond_the_tool, abs=1e-6)


def test_the_height_of_the_table_and_the_clearances_are_those_of_the_workspace() -> None:
    q = hanging(0.05)
    raised = CollisionModel(replace(DEFAULT_WORKSPACE, table=0.03, finger_clearance=-0.005))
    assert SPACE.nearest(q).margin == pytest.approx(0.04, abs=1e-6)
    assert raised.nearest(q).margin == pytest.approx(0.015, abs=1e-6)


@settings(deadline=None)
@given(ANYWHERE)
def test_whoever_is_clear_of_the_walls_has_the_tool_inside_the_box(q: Array) -> None:
    x, y, z = forward(q)[0]
    if SPACE.nearest(q).margin >= 0:
        assert DEFAULT_WORKSPACE.x[0] < x < DEFAULT_WORKSPACE.x[1]
        assert DEFAULT_WORKSPACE.y[0] < y < DEFAULT_WORKSPACE.y[1]
        assert DEFAULT_WORKSPACE.table < z < DEFAULT_WORKSPACE.top


def test_a_folded_arm_is_in_its_own_way_and_a_working_one_is_not() -> None:
    assert SPACE.nearest(HOME).margin > 0.03
    folded = np.array([0.0, -0.4, 0.0, 2.3, 0.0, 2.2, 0.0])
    found = SPACE.nearest(folded)
    assert found.fault is Fault.SELF_COLLISION
    assert found.margin < 0


def test_a_way_is_looked_at_between_its_ends_too() -> None:
    ahead, behind = hanging(0.02) + 0.9 * np.eye(7)[5], hanging(0.02) - 0.9 * np.eye(7)[5]
    clear = CollisionModel(replace(DEFAULT_WORKSPACE, self_clearance=0.0))
    low = np.vstack([ahead, behind]) - 0.05 * np.eye(7)[1]
    assert clear.nearest(low[0]).margin > 0
    assert clear.nearest(low[1]).margin > 0
    lower = low + 0.1 * np.eye(7)[1]
    found = clear.obstacle(lower)
    assert found is not None
    assert found.fault is Fault.TABLE_COLLISION
    assert found.margin < 0


@settings(deadline=None, max_examples=300)
@given(ANYWHERE, st.booleans())
def test_an_obstacle_is_what_is_nearer_than_to_be_kept(q: Array, soft: bool) -> None:
    space = SOFT if soft else SPACE
    nearest, found = space.nearest(q), space.obstacle(q[None])
    if abs(nearest.margin) > 1e-5:
        assert (found is not None) == (nearest.margin < 0)
    if found is not None:
        assert found.margin <= 0


def test_a_reserve_is_kept_on_the_way_and_may_be_left_by_who_stands_in_it() -> None:
    high, low, lower = hanging(0.05), hanging(0.011), hanging(0.009)
    assert SPACE.obstacle(np.vstack([high, low])) is None
    assert SPACE.obstacle(np.vstack([high, low]), reserve=0.002) is not None
    assert SPACE.obstacle(np.vstack([low, high]), reserve=0.002) is None
    assert SPACE.obstacle(np.vstack([low, lower]), reserve=0.002) is not None


def test_a_position_that_is_no_number_is_an_error() -> None:
    nowhere = np.full(7, np.nan)
    with pytest.raises(ValueError, match="not finite"):
        SPACE.nearest(nowhere)
    with pytest.raises(ValueError, match="not finite"):
        SPACE.obstacle(nowhere[None])


def test_the_boxes_hold_the_gripper_of_the_cell_at_whatever_opening() -> None:
    model = mujoco.MjModel.from_xml_string(scene_xml())
    data = mujoco.MjData(model)
    gripper = model.body("gripper").id
    for opening in (0.0, GRIPPER_STROKE):
        for side in ("left", "right"):
            data.joint(f"finger_{side}").qpos = opening / 2
        mujoco.mj_kinematics(model, data)
        turn, place = data.xmat[gripper].reshape(3, 3), data.xpos[gripper]
        for geom in range(model.ngeom):
            if model.body_rootid[model.geom_bodyid[geom]] != model.body_rootid[gripper]:
                continue
            if model.body(model.geom_bodyid[geom]).name not in (
                "gripper",
                "finger_left",
                "finger_right",
            ):
                continue
            centre = turn.T @ (data.geom_xpos[geom] - place)
            half = model.geom_size[geom]
            assert any(
                (abs(centre - np.array(middle)) + half <= np.array(size) + 1e-9).all()
                for size, middle in (PALM, FINGERS)
            ), model.geom(geom).name
