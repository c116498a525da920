"""Action spaces of several arms, and small datasets of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from kinevla_ros.base.action_space import ABSOLUTE, RELATIVE, RM75, ActionSpace, GripperAxis
from kinevla_ros.base.axes import UNITS
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.task_file import kine_realman

_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
_DELTAS = ("dx", "dy", "dz", "droll", "dpitch", "dyaw")
LIBERO = ActionSpace(
    names=(*_DELTAS, "gripper"),
    units=("1",) * 7,
    reference=RELATIVE,
    gripper=GripperAxis("gripper", closed=1.0, open=-1.0),
    state_names=("x", "y", "z", "roll", "pitch", "yaw", "left_finger", "right_finger"),
    state_units=("m",) * 3 + ("rad",) * 3 + ("m",) * 2,
    rate=20.0,
    horizon=8,
    cameras=("agentview", "wrist"),
)
_SIX = tuple(f"shoulder_{i}" for i in range(1, 7))
SIX_JOINTS = ActionSpace(
    names=_SIX,
    units=("deg",) * 6,
    reference=ABSOLUTE,
    gripper=None,
    state_names=_SIX,
    state_units=("deg",) * 6,
    rate=15.0,
    cameras=("top",),
)
OTHER_GRIPPER = replace(
    RM75,
    names=("claw", *RM75.names[:-1]),
    units=("1",) + ("rad",) * 7,
    gripper=GripperAxis("claw", closed=100.0, open=0.0),
    state_names=("claw", *RM75.names[:-1]),
    state_units=("1",) + ("rad",) * 7,
    cameras=("front", "wrist", "side"),
)
ARMS = {
    "rm75": RM75,
    "libero": LIBERO,
    "six joints": SIX_JOINTS,
    "other gripper": OTHER_GRIPPER,
}


def arm_episode(space: ActionSpace, seed: int, frames: int = 24, size: int = 32) -> Episode:
    """A smooth motion under one of the shipped tasks' instructions, with its words."""
    rng = np.random.default_rng(seed)
    goal, way = list(kine_realman().ways())[seed % 7]
    start = rng.uniform(-0.2, 0.2, len(space.state_names)) * space.state_scale
    step = rng.uniform(-0.012, 0.012, len(space.state_names)) * space.state_scale
    states = start + np.arange(frames + 1)[:, None] * step
    if space.gripper and space.gripper.name in space.state_names:
        low, high = space.gripper.bounds
        place = space.state_names.index(space.gripper.name)
        states[:, place] = np.where(np.arange(frames + 1) < frames // 2, low, high)
    actions = space.start(states[1:])
    if space.reference == RELATIVE:
        actions = np.tile(rng.uniform(-0.5, 0.5, space.width), (frames, 1))
    if space.gripper is not None:
        ends_of = space.gripper.closed, space.gripper.open
        actions[:, space.gripper_index] = np.where(np.arange(frames) < frames // 2, *ends_of)
    picture = rng.integers(0, 255, (size, size, 3), dtype=np.uint8)
    return Episode(
        way.say,
        [
            Frame(dict.fromkeys(space.cameras, picture), state, action, goal.text, way.kinematics)
            for state, action in zip(states, actions, strict=False)
        ],
    )


def write_arm_dataset(root: Path, space: ActionSpace, episodes: int = 7, frames: int = 24) -> Path:
    """A dataset of an arm, each episode of another task."""
    with DatasetWriter.open(root, Schema(height=32, width=32, space=space)) as writer:
        for seed in range(episodes):
            writer.add(arm_episode(space, seed, frames))
    return root


@st.composite
def action_spaces(draw: st.DrawFn) -> ActionSpace:
    """Any arm with at least one camera."""
    names = draw(st.lists(_NAMES, min_size=2, max_size=9, unique=True))
    units = draw(st.lists(st.sampled_from(list(UNITS)), min_size=len(names), max_size=len(names)))
    gripper = None
    if draw(st.booleans()):
        ends = st.floats(-100, 100, width=16)
        closed, opened = draw(st.lists(ends, min_size=2, max_size=2, unique=True))
        gripper = GripperAxis(draw(st.sampled_from(names)), closed, opened)
    reference = draw(st.sampled_from((ABSOLUTE, RELATIVE)))
    measured = list(draw(st.permutations(list(zip(names, units, strict=True)))))
    if reference == RELATIVE:
        measured = [("x", "m"), ("turn", "rad")]
    return ActionSpace(
        tuple(names),
        tuple(units),
        reference,
        gripper,
        *(tuple(part) for part in zip(*measured, strict=True)),
        rate=float(draw(st.integers(1, 60))),
        horizon=draw(st.integers(1, 12)),
        cameras=tuple(draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))),
    )
