"""Slots of a task set read from a motion: which object, by which part, where to.

Directions are those of the front camera's image, as everywhere: left is -y, front is +x of the
arm's base. A slot whose values are made of other words is left for a person.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.annotate.motion import Carry
from kinevla_ros.language.task_set import Slot, TaskSet

PLANE = {"left": (0.0, -1.0), "right": (0.0, 1.0), "front": (1.0, 0.0), "back": (-1.0, 0.0)}
"""What a word says of a way over the table, x and y."""

ALONG = {"upper": 1.0, "lower": -1.0}
"""What a word says of a place along an object's axis; its pose points to the upper part."""

SURE_ANGLE = math.radians(12)
"""A direction is sure when the next one is further off by so much, rad."""

SURE_SIDE, SURE_PART, SURE_OBJECT = 0.015, 0.008, 0.02
"""The same for a side of a landmark, a part of an object, and which object, m."""

REACH = 0.07
"""Something further from the gripper was not grasped, m."""

Pose = tuple[float, float, float]
"""x and y (m), direction of the axis about the vertical (rad)."""


@dataclass(frozen=True)
class Proposal:
    """What a motion says.

    Attributes:
        slots: the object and the value of each slot that could be read.
        margins: of each, how far it is from another reading; 1 and more is sure.
        why: what could not be read, in words; empty where all was.
    """

    slots: Mapping[str, str] = field(default_factory=dict)
    margins: Mapping[str, float] = field(default_factory=dict)
    why: str = ""

    @property
    def margin(self) -> float:
        """Of the least sure slot; 0 where one is missing."""
        return 0.0 if self.why else min(self.margins.values(), default=0.0)

    @property
    def sure(self) -> bool:
        """Whether a person need not look first."""
        return self.margin >= 1.0


def propose(
    tasks: TaskSet, carry: Carry | None, poses: Mapping[str, Pose], known: str = ""
) -> Proposal:
    """Read the slots of one episode.

    Args:
        tasks: what can be said.
        carry: the motion; None where nothing was lifted.
        poses: of objects and landmarks before the grasp, by name; may be empty.
        known: the object, where it is known from elsewhere.
    """
    if carry is None:
        return Proposal(why="nothing is grasped and lifted")
    name, margin = (known, math.inf) if known else _object(tasks, carry, poses)
    if not name:
        return Proposal(why="which object it is cannot be seen in joints and gripper alone")
    slots, margins = {"object": name}, {"object": margin}
    missing = []
    for slot in tasks.goal(name).slots:
        value, margin = _value(tasks.slots[slot], carry, name, poses)
        if value:
            slots[slot], margins[slot] = value, margin
        else:
            missing.append(slot)
    if missing:
        return Proposal(slots, margins, f"{' and '.join(missing)} cannot be read from the motion")
    try:
        tasks.way(slots)
    except KeyError:
        return Proposal(slots, margins, "no task of the set goes this way")
    return Proposal(slots, margins)


def _object(tasks: TaskSet, carry: Carry, poses: Mapping[str, Pose]) -> tuple[str, float]:
    """The object nearest to the closed gripper, and how much nearer than another it is."""
    goals = [str(goal.object) for goal in tasks.goals]
    if len(goals) == 1:
        return goals[0], math.inf
    away = sorted((_distance(carry.start, poses[name]), name) for name in goals if name in poses)
    if len(away) < len(goals) or away[0][0] > REACH:
        return "", 0.0
    return away[0][1], (away[1][0] - away[0][0]) / SURE_OBJECT


def _distance(tool: NDArray[np.float64], pose: Pose) -> float:
    return math.dist(tool[:2], pose[:2])


def _value(slot: Slot, carry: Carry, name: str, poses: Mapping[str, Pose]) -> tuple[str, float]:
    """The value of a slot and how sure it is; empty where it cannot be read."""
    words = {value: tuple(made.words) for value, made in slot.values.items()}
    if slot.role == "grasp":
        if slot.of != name or name not in poses or not _made_of(words, ALONG):
            return "", 0.0
        x, y, yaw = poses[name]
        offset = carry.start[:2] - (x, y)
        along = float(offset @ (math.cos(yaw), math.sin(yaw)))
        return _nearest(
            {v: sum(ALONG[w] for w in made) * along for v, made in words.items()}, 2 * SURE_PART
        )
    if not _made_of(words, PLANE):
        return "", 0.0
    ways = {value: np.sum([PLANE[word] for word in made], axis=0) for value, made in words.items()}
    first = np.array(poses[name][:2]) if name in poses else carry.start[:2]
    last = carry.moved(first)
    if slot.of is None:
        way = last - first
        angles = {value: -_angle(way, wanted) for value, wanted in ways.items()}
        return _nearest(angles, SURE_ANGLE)
    if slot.of not in poses:
        return "", 0.0
    offset = last - np.array(poses[slot.of][:2])
    sides = {value: float(offset @ wanted) for value, wanted in ways.items()}
    return _nearest(sides, 2 * SURE_SIDE)


def _made_of(words: Mapping[str, tuple[str, ...]], known: Mapping[str, object]) -> bool:
    return all(word in known for made in words.values() for word in made)


def _angle(way: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    length = float(np.linalg.norm(way) * np.linalg.norm(wanted))
    return math.acos(np.clip(way @ wanted / max(length, 1e-9), -1.0, 1.0))


def _nearest(scores: Mapping[str, float], sure: float) -> tuple[str, float]:
    """The value of the highest score, and its lead over the next one in units of `sure`."""
    if len(scores) == 1:
        return next(iter(scores)), math.inf
    second, first = sorted(scores, key=scores.__getitem__)[-2:]
    return first, (scores[first] - scores[second]) / sure
