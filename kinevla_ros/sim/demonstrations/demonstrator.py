"""A demonstrator that solves every task as a function of the cell's state alone.

It keeps no memory: from any state it plans the next chunk, so it recovers from perturbed
starts and can label states that another policy has reached. Motion is a funnel: the tool
stays high while it is away from its target in the plane and sinks as it comes near.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON
from kinevla_ros.language.command import Command
from kinevla_ros.robot.kinematics import reach_at, top_down_ik
from kinevla_ros.sim.cell.cell import CellState
from kinevla_ros.sim.cell.scene import BREAD_HALF, CARROT_PROFILE
from kinevla_ros.sim.gripper import SPEED as GRIPPER_SPEED

Array = NDArray[np.float64]

OPEN, CLOSED = GRIPPER_STROKE, 0.0
SPEED = 0.30
"""Largest tool speed (m/s)."""
TURN_SPEED = 1.0
"""Largest turn of the tool about the vertical (rad/s)."""

HOVER = 0.075  # height of travel above the lower target (m)
TOLERANCE = 0.010  # distance from the target in the plane at which the gripper acts (m)
HEIGHT_TOLERANCE = 0.008  # the same in height (m)
TURN_TOLERANCE = 0.15  # the same about the vertical (rad)
BEGUN = OPEN - 0.003  # opening below which a grasp has begun (m)
BEGUN_SLACK = 2.0  # so many times the tolerances let a grasp go on that has begun
HELD_SLACK = 0.005  # so much wider than the object may the pads be that hold it (m)
RELEASE_SIDE = 0.045  # offset of the carrot from the plate's centre (m)
NEAREST, HIGHEST = 0.19, 0.22  # bounds of the tool (m)
RESERVE = 0.01  # distance kept from the end of the arm's reach (m)
BREAD_FRONT = 0.34  # line along y at which the bread is set down (m)
GRASP_HEIGHT = {"carrot": 0.014, "bread": 0.024}
PLACE_HEIGHT = {"carrot": 0.040, "bread": 0.029}
PART_OFFSET = {"upper": 0.030, "lower": -0.034}
DIRECTION_SLOPE = {"front": 0.0, "left_front": -1.0, "right_front": 1.0}
SIDE_SIGN = {"left": -1.0, "right": 1.0}
LAY_YAW = {"along": 0.0, "across": math.pi / 2}
"""Yaw of the tool that lets the carrot go so; towards the camera it is along (rad)."""
LAY_TOLERANCE = 0.3  # of the carrot's axis (rad)
LAY_MIDDLE = 0.035  # distance from the plate's centre (m)

_GAIN = 4.0  # 1/s: the tool closes this share of the remaining way each second
_FUNNEL_SLOPE = 2.5  # height above the target for each metre away from it in the plane
_GRIPPER_STEP = GRIPPER_SPEED * CHUNK_DT


@dataclass(frozen=True)
class Plan:
    """The next chunk, as absolute targets at 10 Hz: positions (5, 7) rad, gripper (5,) m."""

    positions: Array
    gripper: Array


@dataclass(frozen=True)
class _Sketch:
    """The little that the plan needs to foresee: tool, gripper and the commanded object."""

    tool: Array
    yaw: float
    gripper: float
    item: Array  # x, y, z, yaw
    plate: Array


def plan(state: CellState, command: Command) -> Plan:
    """Plan the next chunk towards `command` from `state`."""
    sketch = _sketch(state, command)
    positions, gripper = [], []
    for _ in range(HORIZON):
        target, yaw, opening = _aim(sketch, command)
        sketch = _advance(sketch, command, target, yaw, opening)
        positions.append(top_down_ik(sketch.tool, sketch.yaw))
        gripper.append(opening)
    return Plan(_unwrapped(np.array(positions), state.q), np.array(gripper))


def done(state: CellState, command: Command) -> bool:
    """Whether the object lies released where the command wants it, the tool out of the way."""
    sketch = _sketch(state, command)
    return _placed(sketch, command) and state.tool[2] > sketch.item[2] + 0.06


def _sketch(state: CellState, command: Command) -> _Sketch:
    item, plate = state.poses[command.object], state.poses["plate"]
    return _Sketch(state.tool, state.tool_yaw, state.gripper, item, plate)


def holding(state: CellState, command: Command) -> bool:
    """Whether the commanded object is between the closed pads."""
    return _held(_sketch(state, command), command)


def _aim(s: _Sketch, command: Command) -> tuple[Array, float, float]:
    """Tool position, yaw and opening to head for now."""
    kind = command.object
    if _held(s, command):
        goal, height = _release_point(s, command), PLACE_HEIGHT[kind]
        yaw = LAY_YAW[command.slot("lay") or "along"]
        target, near = _funnel(s, goal, yaw, height)
        return target, yaw, OPEN if near else CLOSED
    if _placed(s, command):
        rise = HOVER + GRASP_HEIGHT[kind] if s.gripper > 0.055 else s.tool[2]
        return np.array([*s.tool[:2], max(rise, s.tool[2])]), s.yaw, OPEN
    goal, yaw = _grasp_point(s, command)
    # The opening is the only memory: without it whoever imitates this, and always sees the grasp
    # one step away, closes a little and opens again for ever.
    begun = s.gripper < BEGUN and _between(s, command)
    target, near = _funnel(s, goal, yaw, GRASP_HEIGHT[kind], BEGUN_SLACK if begun else 1.0)
    if near:
        return target, yaw, CLOSED
    closed_early = s.gripper < 0.055 and s.tool[2] < GRASP_HEIGHT[kind] + 0.05
    if closed_early:
        target = np.array([*s.tool[:2], HOVER + GRASP_HEIGHT[kind]])
    return target, yaw, OPEN


def _funnel(
    s: _Sketch, goal: Array, yaw: float, height: float, slack: float = 1.0
) -> tuple[Array, bool]:
    """Target on the funnel above `goal`, and whether the tool has arrived, give or take."""
    away = math.dist(s.tool[:2], goal)
    turn = abs(math.remainder(yaw - s.yaw, 2 * math.pi))
    rise = min(HOVER, _FUNNEL_SLOPE * max(0.0, away + 0.04 * turn - TOLERANCE))
    target = np.array([*goal, height + rise])
    # Below the funnel the tool rises before it travels.
    low = max(0.0, target[2] - s.tool[2] - 0.01)
    share = max(0.0, 1.0 - low / 0.03)
    target[:2] = s.tool[:2] + share * (goal - s.tool[:2])
    low_enough = abs(s.tool[2] - height) < slack * HEIGHT_TOLERANCE
    near = away < slack * TOLERANCE and turn < slack * TURN_TOLERANCE and low_enough
    return target, near


def _advance(s: _Sketch, command: Command, target: Array, yaw: float, opening: float) -> _Sketch:
    """The sketch one step later; a held object moves with the tool."""
    gain = 1.0 - math.exp(-_GAIN * CHUNK_DT)
    move = gain * (target - s.tool)
    length = float(np.linalg.norm(move))
    move *= min(1.0, SPEED * CHUNK_DT / max(length, 1e-9))
    limit = TURN_SPEED * CHUNK_DT
    turn = float(np.clip(gain * math.remainder(yaw - s.yaw, 2 * math.pi), -limit, limit))
    held = _held(s, command)
    item = s.item
    if held:
        relative = item[:2] - s.tool[:2]
        c, sn = math.cos(turn), math.sin(turn)
        turned = np.array([c * relative[0] - sn * relative[1], sn * relative[0] + c * relative[1]])
        plane = s.tool[:2] + move[:2] + turned
        item = np.array([*plane, item[2] + move[2], item[3] + turn])
    floor = _width(s, command) - 0.001 if _between(s, command) else 0.0
    change = float(np.clip(opening - s.gripper, -_GRIPPER_STEP, _GRIPPER_STEP))
    gripper = float(np.clip(s.gripper + change, min(floor, s.gripper), OPEN))
    return replace(
        s, tool=_within_reach(s.tool + move), yaw=s.yaw + turn, gripper=gripper, item=item
    )


def _within_reach(tool: Array) -> Array:
    """The tool position drawn into the half ring that the arm reaches."""
    height = min(float(tool[2]), HIGHEST)
    plane = np.array([max(float(tool[0]), 0.0), float(tool[1])])
    away = float(np.hypot(*plane))
    share = float(np.clip(away, NEAREST, reach_at(height) - RESERVE)) / max(away, 1e-6)
    return np.array([*plane * share, height])


def _between(s: _Sketch, command: Command) -> bool:
    """Whether the object lies between the pads."""
    c, sn = math.cos(s.item[3]), math.sin(s.item[3])
    dx, dy = s.tool[:2] - s.item[:2]
    along, across = c * dx + sn * dy, -sn * dx + c * dy
    middle = 0.017 if command.object == "bread" else 0.0
    height = abs(s.tool[2] - (s.item[2] + middle))
    return abs(along) < 0.05 and abs(across) < 0.012 and height < 0.022


def _held(s: _Sketch, command: Command) -> bool:
    return s.gripper < _width(s, command) + HELD_SLACK and _between(s, command)


def _width(s: _Sketch, command: Command) -> float:
    """Width of the object where the pads are (m)."""
    if command.object == "bread":
        return 2 * BREAD_HALF[1]
    along = math.cos(s.item[3]) * (s.tool[0] - s.item[0]) + math.sin(s.item[3]) * (
        s.tool[1] - s.item[1]
    )
    return next((2 * r for _, _, end, r in CARROT_PROFILE if along <= end), 0.014)


def _placed(s: _Sketch, command: Command) -> bool:
    """Whether the released object lies where the command wants it."""
    if command.object == "bread":
        return bool(s.item[0] > BREAD_FRONT - 0.03 and s.item[2] < 0.01)
    offset = s.item[:2] - s.plate[:2]
    if lay := command.slot("lay"):
        turned = abs(math.remainder(s.item[3] - LAY_YAW[lay], math.pi))
        middle = float(np.linalg.norm(offset)) < LAY_MIDDLE
        return turned < LAY_TOLERANCE and middle and bool(s.item[2] < 0.035)
    side = SIDE_SIGN[str(command.slot("side"))] * offset[1]
    return bool(0.02 < side < 0.07 and abs(offset[0]) < 0.05 and s.item[2] < 0.035)


def _grasp_point(s: _Sketch, command: Command) -> tuple[Array, float]:
    """Where to grasp in the plane, and the nearest of the two tool yaws that fit."""
    axis = np.array([math.cos(s.item[3]), math.sin(s.item[3])])
    part = command.slot("part")
    offset = PART_OFFSET[part] if part else 0.0
    # The gripper is symmetric: half a turn gives the same grasp; stay near the home yaw.
    yaw = math.remainder(s.item[3], math.pi)
    return s.item[:2] + offset * axis, yaw


def _release_point(s: _Sketch, command: Command) -> Array:
    """Where the tool lets go, in the plane."""
    if command.object == "bread":
        way = BREAD_FRONT - s.item[0]
        slope = DIRECTION_SLOPE[str(command.slot("direction"))]
        return s.tool[:2] + np.array([way, slope * way])
    side, lay = command.slot("side"), command.slot("lay")
    goal = s.plate[:2] + np.array([0.0, SIDE_SIGN[side] * RELEASE_SIDE if side else 0.0])
    # Where the carrot will be under the tool once the tool has turned.
    relative = s.item[:2] - s.tool[:2]
    turn = LAY_YAW[lay or "along"] - s.yaw
    c, sn = math.cos(turn), math.sin(turn)
    turned = np.array([c * relative[0] - sn * relative[1], sn * relative[0] + c * relative[1]])
    return goal - turned


def _unwrapped(positions: Array, q: Array) -> Array:
    """Joint 7 without a jump of a full turn from the measured position."""
    positions[:, 6] = q[6] + np.remainder(positions[:, 6] - q[6] + math.pi, 2 * math.pi) - math.pi
    return positions
