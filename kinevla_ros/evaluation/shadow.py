"""What a policy would have done beside what a person did, from recordings in which it was watched.

Only chunks that the arm did not follow are looked at: in shadow mode, or while a person led.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.table import Table

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.chunk import HORIZON, JOINT_NAMES
from kinevla_ros.base.files.damage import for_user
from kinevla_ros.data.convert.bag_frames import ActionTimeline
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.data.recording.bag import Bag, Received, find_bags
from kinevla_ros.data.recording.topics import CHUNKS, JOINTS, STATUS
from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.robot.kinematics import tool_poses

APART = 0.1
"""A joint state so far from a target's time says nothing about it, s."""

MOVED = 0.01
"""A tool that moves less in half a second has no direction, m."""

ALIKE = np.cos(np.radians(45))
"""Of the angle between two directions that are called the same."""

Array = NDArray[np.float64]


@dataclass
class ShadowFigures:
    """Figures of chunks, one row each.

    Attributes:
        away: from the tool where it would have been to where it was, (n, H), m.
        still: the same for an arm that had stayed where it was, (n, H), m.
        joints: largest difference of a joint, (n, H), rad.
        gripper: whether it would have been as open or closed as it was, (n, H).
        same_way: of chunks in which the person moved the tool, whether it would have moved so.
        followed: chunks left out because the arm followed them.
    """

    away: list[Array] = field(default_factory=list)
    still: list[Array] = field(default_factory=list)
    joints: list[Array] = field(default_factory=list)
    gripper: list[NDArray[np.bool_]] = field(default_factory=list)
    same_way: list[bool] = field(default_factory=list)
    followed: int = 0

    def add(self, chunk: Array, openings: Array, start: Array, done: Array) -> None:
        """Take a chunk.

        Args:
            chunk, openings: its targets, shapes (H, 7), rad, and (H,), m.
            start: joint positions at its start, shape (7,), rad.
            done: positions and openings at the times of its targets, shape (H, 8).
        """
        planned = tool_poses(chunk)[0]
        actual = tool_poses(done[:, :-1])[0]
        begin = tool_poses(start[None])[0][0]
        self.away.append(np.linalg.norm(planned - actual, axis=1))
        self.still.append(np.linalg.norm(begin - actual, axis=1))
        self.joints.append(np.abs(chunk - done[:, :-1]).max(axis=1))
        half = GRIPPER_STROKE / 2
        self.gripper.append((openings > half) == (done[:, -1] > half))
        ways = planned[-1] - begin, actual[-1] - begin
        lengths = [float(np.linalg.norm(way)) for way in ways]
        if lengths[1] >= MOVED:
            alike = lengths[0] > 0 and float(ways[0] @ ways[1]) > ALIKE * lengths[0] * lengths[1]
            self.same_way.append(bool(alike))


def compare(bags: Iterable[Bag]) -> ShadowFigures:
    """Read recordings.

    Raises:
        DatasetError: one is damaged.
    """
    figures = ShadowFigures()
    for bag in bags:
        timeline, chunks, watched = ActionTimeline(), list[Received](), False
        for received in bag.messages([JOINTS, STATUS, CHUNKS]):
            if received.topic == STATUS:
                watched = bool(received.message.shadow or received.message.takeover)
            elif received.topic == JOINTS:
                _measure(timeline, received)
            elif watched:
                chunks.append(received)
            else:
                figures.followed += 1
        for received in chunks:
            _add(figures, timeline, received)
    return figures


def _measure(timeline: ActionTimeline, received: Received) -> None:
    try:
        timeline.add(received.stamp, *joints_from_message(received.message))
    except ValueError:
        return  # of other joints, or in parts


def _add(figures: ShadowFigures, timeline: ActionTimeline, received: Received) -> None:
    """Take a chunk if the arm's state is known at its start and at all its targets."""
    message = received.message
    positions = np.array(message.positions, np.float64)
    if len(positions) != HORIZON * len(JOINT_NAMES) or len(message.gripper) != HORIZON:
        return
    times = received.stamp + float(message.dt) * np.arange(HORIZON + 1)
    stamps = np.array(timeline.stamps)
    if not len(stamps):
        return
    places = np.abs(stamps[:, None] - times).argmin(axis=0)
    if np.abs(stamps[places] - times).max() > APART:
        return
    done = np.array(timeline.values)[places]
    chunk = positions.reshape(HORIZON, len(JOINT_NAMES))
    figures.add(chunk, np.array(message.gripper), done[0, :-1], done[1:])


def summary(figures: ShadowFigures) -> dict[str, Any]:
    """Medians and 95th percentiles by target, and shares; plain JSON types."""
    rows = {"away": figures.away, "still": figures.still, "joints": figures.joints}
    steps = {
        name: [[float(v) for v in np.percentile(column, (50, 95))] for column in np.array(own).T]
        for name, own in rows.items()
    }
    ways = figures.same_way
    return {
        "chunks": len(figures.away),
        "followed": figures.followed,
        **steps,
        "gripper": float(np.mean(figures.gripper)),
        "moving_chunks": len(ways),
        "same_way": float(np.mean(ways)) if ways else None,
    }


def report_shadow(root: Path, report: Path | None) -> int:
    """Compare, print the table, write the JSON file; returns the exit code.

    Args:
        root: a recording, or a folder of them.
    """
    try:
        bags = find_bags(root)
        if not bags:
            raise DatasetError(f"there is no recording in {root}; give an episode, or its folder")
        found = compare(bags)
        if not found.away:
            raise DatasetError(
                f"{root} holds no chunk that was not followed ({found.followed} were): record "
                "with shadow:=true, or while a person leads the arm"
            )
    except (DatasetError, OSError) as problem:
        text = for_user(problem)
        Console(stderr=True).print(text, style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    publish(summary(found), _shown, report)
    return 0


def _shown(figures: dict[str, Any]) -> Group:
    lines = [f"gripper as the person had it: {figures['gripper']:.0%}"]
    if figures["same_way"] is not None:
        lines = [
            f"same direction as the person, within 45 degrees: {figures['same_way']:.0%} of "
            f"{figures['moving_chunks']} chunks in which the tool moved",
            *lines,
        ]
    return Group(_table(figures), *lines)


def _table(figures: dict[str, Any]) -> Table:
    table = Table(title=f"{figures['chunks']} chunks: the tool from where the person had it (mm)")
    for name in ("target", "policy p50", "p95", "if nothing moved p50", "p95"):
        table.add_column(name, justify="right")
    rows = zip(figures["away"], figures["still"], strict=True)
    for number, (away, still) in enumerate(rows, 1):
        table.add_row(str(number), *(f"{1000 * value:.0f}" for value in (*away, *still)))
    return table
