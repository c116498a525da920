"""Joints and gripper as numbers: what no RM75 can stand at, and what no action can be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE, GRIPPER_TOLERANCE
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.data.checks.features import MOTION
from kinevla_ros.data.checks.finding import Finding, place
from kinevla_ros.data.checks.rows import Columns
from kinevla_ros.data.episode import STATE_NAMES
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.model import POSITION_LIMITS
from kinevla_ros.robot.reported_state import JOINT_TOLERANCE

JOINTS = len(JOINT_NAMES)
FASTEST = 1.5
"""Joints that move so many times faster than permitted have jumped: something was left out."""

FAR = 0.5
"""An absolute target lies closer to the measured joints in most frames, rad."""

ANGLE_UNITS = {"deg": np.pi / 180, "mdeg": np.pi / 180_000}
"""Unit to rad."""

OPENING_UNITS = {
    "share": GRIPPER_STROKE,
    "percent": GRIPPER_STROKE / 100,
    "permille": GRIPPER_STROKE / 1000,
    "mm": 1e-3,
}
"""Unit to m; per mille is the vendor's 0 to 1000."""


def angle_unit(largest: float) -> str | None:
    """What angles up to `largest` are in that are no rad; None where they may be."""
    if largest <= 2 * np.pi + JOINT_TOLERANCE:
        return None
    return "deg" if largest <= 1.1 * 360 else "mdeg"


def opening_unit(largest: float) -> str | None:
    """What openings up to `largest` are in that are no m; None where they may be."""
    if largest <= GRIPPER_STROKE + GRIPPER_TOLERANCE:
        return None
    # 70 mm is the whole stroke: beyond it, up to 100, it can only be per cent.
    limits = (("share", 1.05), ("mm", 1000 * GRIPPER_STROKE + 2), ("percent", 105.0))
    return next((unit for unit, most in limits if largest <= most), "permille")


def check_units(reader: DatasetReader, columns: Columns) -> Iterator[Finding]:
    """Yield columns in other units, of another arm or of differences, and joints that jump."""
    found: dict[str, Finding] = {}
    named = {name: columns[name] for name in MOTION if _has_our_width(columns, name)}
    for name, values in named.items():
        if angles := _check_angles(reader, name, values[:, :JOINTS]):
            found[name] = angles
    whole = not found and len(named) == len(MOTION)
    if whole and (differences := _check_differences(reader, *named.values())):
        found[MOTION[1]] = differences
    yield from found.values()
    for name, values in named.items():
        if not (found.get(name) and name == MOTION[1]) and (
            opening := _check_openings(reader, name, values[:, JOINTS])
        ):
            yield opening
    # An action may be a plan that is made again at each frame; what was measured cannot jump.
    if MOTION[0] in named and MOTION[0] not in found:
        yield from _check_jumps(reader, MOTION[0], named[MOTION[0]], columns.get("timestamp"))


def _has_our_width(columns: Columns, name: str) -> bool:
    return name in columns and columns[name].shape[1] == len(STATE_NAMES)


def _check_openings(
    reader: DatasetReader, name: str, opening: NDArray[np.float64]
) -> Finding | None:
    wrong = (opening < -GRIPPER_TOLERANCE) | (opening > GRIPPER_STROKE + GRIPPER_TOLERANCE)
    if not wrong.any():
        return None
    row = int(np.argmax(wrong))
    unit = opening_unit(float(opening.max())) if opening.min() >= -GRIPPER_TOLERANCE else None
    stated = f"looks like {unit}" if unit else "its zero is elsewhere"
    return Finding(
        name,
        f"gripper is {opening[row]:.4g}, and {opening.min():.4g} to {opening.max():.4g} in all, "
        f"of 0 to {GRIPPER_STROKE} m ({wrong.sum()} frames beyond): {stated}",
        _convert(reader, name, f"gripper={unit}") if unit else "record it in m from closed",
        place(reader, row),
    )


def _check_angles(reader: DatasetReader, name: str, joints: NDArray[np.float64]) -> Finding | None:
    beyond = np.abs(joints) > np.array(POSITION_LIMITS) + JOINT_TOLERANCE
    if not beyond.any():
        return None
    row, joint = np.argwhere(beyond)[0]
    limit, value = POSITION_LIMITS[joint], joints[row, joint]
    unit = angle_unit(float(np.abs(joints).max()))
    stated = f"looks like {unit}" if unit else "check order and zero of the joints"
    return Finding(
        name,
        f"{JOINT_NAMES[joint]} is {value:.4g}, of {-limit:.2f} to {limit:.2f} rad "
        f"({beyond.any(axis=1).sum()} frames beyond): {stated}",
        _convert(reader, name, f"joints={unit}")
        if unit
        else f"set names in meta/info.json right, then kinevla convert {reader.root} NEW_FOLDER",
        place(reader, int(row)),
    )


def _convert(reader: DatasetReader, name: str, unit: str) -> str:
    scope = name.removeprefix("observation.")
    return f"kinevla convert {reader.root} NEW_FOLDER --unit {scope}.{unit}"


def _check_differences(
    reader: DatasetReader, state: NDArray[np.float64], action: NDArray[np.float64]
) -> Finding | None:
    """Actions that are differences, or of joints in another order, lie far from the state."""
    away = np.abs(action - state)[:, :JOINTS]
    if np.median(away.max(axis=1)) < FAR:
        return None
    small = np.median(np.abs(action[:, :JOINTS]).max(axis=1)) < FAR
    joint = int(np.argmax(np.median(away, axis=0)))
    return Finding(
        "action",
        f"{JOINT_NAMES[joint]} is {np.median(away[:, joint]):.2f} rad from the measured one in "
        "half of the frames, and absolute targets are wanted"
        + (": it looks like differences" if small else ": another order or zero of the joints"),
        f"kinevla convert {reader.root} NEW_FOLDER --unit action=delta"
        if small
        else "record state and action with the same names, order and zero",
        place(reader, int(np.argmax(away.max(axis=1) >= FAR))),
    )


def _check_jumps(
    reader: DatasetReader, name: str, values: NDArray[np.float64], stamps: NDArray | None
) -> Iterator[Finding]:
    """Of each episode the first jump: frames left out, or a joint that turned over."""
    apart = np.full(len(values) - 1, 1 / reader.info["fps"])
    if stamps is not None:
        # By a wrong rate, or over a gap, which are found already, every step would be too fast.
        apart = np.maximum(apart, np.diff(stamps.astype(np.float64)))
    most = FASTEST * RM75_LIMITS.velocity * apart[:, None]
    jumps = np.abs(np.diff(values[:, :JOINTS], axis=0)) > most
    starts = [entry.start for entry in reader.episodes[1:]]
    jumps[np.array(starts, dtype=int) - 1] = False
    rows = np.flatnonzero(jumps.any(axis=1))
    seen: set[int | None] = set()
    for row in rows.tolist():
        where = place(reader, row)
        if where.episode in seen:
            continue
        seen.add(where.episode)
        joint = int(np.argmax(jumps[row]))
        step = values[row + 1, joint] - values[row, joint]
        turned = abs(abs(step) - 2 * np.pi) < 0.3
        yield Finding(
            name,
            f"{JOINT_NAMES[joint]} jumps by {step:.2f} rad to the next frame"
            + (", a full turn" if turned else ", faster than the arm can"),
            "let the driver report it without turning over"
            if turned
            else f"leave it out: kinevla convert {reader.root} NEW_FOLDER --drop {where.episode}",
            where,
        )
