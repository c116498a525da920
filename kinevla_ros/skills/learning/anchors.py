"""Which frames matter: what the grasp and the release of a demonstration belong to.

A grasp belongs to the object grasped and turns with it; a release to another object that is near,
or else to where the carried object lay. One demonstration has no spread, and this is all that is
known. Several overrule it where their ends differ less in another frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.angles import wrapped
from kinevla_ros.skills.learning.demonstration import LearningError, ShownEpisode
from kinevla_ros.skills.learning.segments import Cuts
from kinevla_ros.skills.motion import TURN_LENGTH
from kinevla_ros.skills.planar import seen_from
from kinevla_ros.skills.skill import Anchor, Axes

Array = NDArray[np.float64]

IN_HAND = 0.10
"""Between the pads is nothing whose origin is farther from the tool (m)."""

BESIDE = 0.10
"""Released so near to another object's origin, an object belongs there (m)."""


CLEAR = 0.01
"""A frame is better only if ends spread so much less in it: a hand is no more exact (m)."""

_AXES: tuple[Axes, ...] = ("object", "base")


class End(NamedTuple):
    """An end in an anchor's frame, of the first demonstration.

    Attributes:
        goal: see `Move.goal`; shape (4,).
        spread: how far the demonstrations differ, m; a turn counts as its way, see `motion`.
    """

    anchor: Anchor
    goal: Array
    spread: float


Shown = Sequence[tuple[ShownEpisode, Cuts]]


def grasped_object(shown: ShownEpisode, cuts: Cuts) -> str:
    """The object nearest to the tool at the grasp. Raises LearningError where none is near."""
    tool = shown.tool[cuts.grasp, :2]
    away = {n: math.dist(pose[cuts.grasp, :2], tool) for n, pose in shown.objects.items()}
    name = min(away, key=lambda one: away[one])
    if away[name] > IN_HAND:
        raise LearningError(
            f"in episode {shown.index} the gripper closes {away[name]:.2f} m from the nearest "
            f"object, the {name}; are the poses of the objects right?"
        )
    return name


def grasp_end(shown: Shown, name: str) -> End:
    """The tool's pose at the grasp, by the object grasped."""
    tools = [each.tool[cuts.grasp] for each, cuts in shown]
    places = [each.objects[name][cuts.grasp] for each, cuts in shown]
    return _best([_end(Anchor(object=name, axes=axes), places, tools) for axes in _AXES])


def release_end(shown: Shown, name: str) -> End:
    """Where the carried object is released."""
    ends = []
    for each, cuts in shown:
        carried, tool = each.objects[name][cuts.release], each.tool[cuts.release]
        ends.append(np.array([carried[0], carried[1], tool[2], tool[3]]))
    (first, cuts), others = shown[0], [one for one in shown[0][0].objects if one != name]
    away = {one: math.dist(first.objects[one][cuts.release, :2], ends[0][:2]) for one in others}
    others.sort(key=lambda one: away[one])
    beside = [one for one in others if away[one] < BESIDE]
    order = [*beside, name, *(one for one in others if one not in beside)]
    return _best(
        [
            _end(Anchor(object=one, axes=axes), _places(shown, one, name), ends)
            for one in order
            for axes in _AXES[::-1]  # sides and directions are said as the base sees them
        ]
    )


def _best(ends: Sequence[End]) -> End:
    """The first that explains the demonstrations about as well as the best of them."""
    least = min(end.spread for end in ends)
    return next(end for end in ends if end.spread <= least + CLEAR)


def _places(shown: Shown, other: str, carried: str) -> list[Array]:
    """Where an object was at the release; the carried one before its grasp."""
    return [
        each.objects[other][cuts.grasp if other == carried else cuts.release]
        for each, cuts in shown
    ]


def _end(anchor: Anchor, places: Sequence[Array], ends: Sequence[Array]) -> End:
    """Ends as the anchor's frames see them. A gripper turned by half a turn grasps alike."""
    local = np.array([seen_from(anchor.frame(p), e) for p, e in zip(places, ends, strict=True)])
    first = local[0]
    local[:, 3] = [first[3] + math.remainder(yaw - first[3], math.pi) for yaw in local[:, 3]]
    scaled = local * [1.0, 1.0, 1.0, TURN_LENGTH]
    spread = float(np.sqrt(((scaled - scaled.mean(axis=0)) ** 2).sum(axis=1).mean()))
    first[3] = wrapped(first[3])
    return End(anchor, first, spread)
