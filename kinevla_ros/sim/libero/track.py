"""What happened in an episode, step by step, for a judge to look at afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinevla_ros.sim.libero.scene import (
    DRAWERS,
    OBJECTS,
    RACK_TOP,
    STOVE_CENTRE,
    STOVE_FRONT,
    TOP_SIDE,
    Array,
    drawer_region,
)
from kinevla_ros.sim.libero.world import LiberoWorld, Touch

LIFTED = 0.015
"""An object this much higher than at the start is lifted (m)."""
STILL = 0.001
"""Largest motion in a step of an object at rest (m)."""

_SITES = (TOP_SIDE, STOVE_CENTRE, STOVE_FRONT, RACK_TOP)


@dataclass(frozen=True)
class TrackedMoment:
    """The world after one step; positions in m, rotations as matrices.

    Attributes:
        hand, rotation, opening: of the hand, see `LiberoWorld`.
        positions, rotations: of each object.
        drawers: how far each is open (m).
        knob: its turn (rad).
        touches: what the hand touches.
        sites: places that the constraints speak of, those of drawers included.
        stove: middle of the stove.
    """

    hand: Array
    rotation: Array
    opening: float
    positions: Mapping[str, Array]
    rotations: Mapping[str, Array]
    drawers: Mapping[str, float]
    knob: float
    touches: Mapping[str, Touch]
    sites: Mapping[str, Array]
    stove: Array


def look(world: LiberoWorld) -> TrackedMoment:
    """The world as it is."""
    sites = (*_SITES, *(drawer_region(which) for which in DRAWERS))
    return TrackedMoment(
        world.hand,
        world.hand_rotation,
        world.opening,
        {name: world.position(name) for name in OBJECTS},
        {name: world.rotation(name) for name in OBJECTS},
        {which: world.drawer(which) for which in DRAWERS},
        world.knob(),
        world.touches(),
        {name: world.site(name) for name in sites},
        world.stove(),
    )


class Track:
    """All moments of an episode; the first is its start."""

    def __init__(self, start: TrackedMoment) -> None:
        self.moments = [start]

    def add(self, moment: TrackedMoment) -> None:
        """Take the next moment."""
        self.moments.append(moment)

    @property
    def start(self) -> TrackedMoment:
        """The moment before the first step."""
        return self.moments[0]

    @property
    def end(self) -> TrackedMoment:
        """The moment after the last step."""
        return self.moments[-1]

    def hands(self, first: int, last: int) -> Array:
        """Grip points of the moments [first, last), shape (n, 3)."""
        return np.array([moment.hand for moment in self.moments[first:last]]).reshape(-1, 3)

    def of(self, name: str, first: int = 0, last: int | None = None) -> Array:
        """Positions of an object in the moments [first, last), shape (n, 3)."""
        rows = [moment.positions[name] for moment in self.moments[first:last]]
        return np.array(rows).reshape(-1, 3)

    def lift(self, name: str) -> int | None:
        """The moment at which the hand has lifted an object; None if it never did."""
        height = self.start.positions[name][2] + LIFTED
        for number, moment in enumerate(self.moments):
            if name in moment.touches and moment.positions[name][2] > height:
                return number
        return None

    def let_go(self, name: str) -> int:
        """The moment after which the hand touches an object no more."""
        touched = [n for n, moment in enumerate(self.moments) if name in moment.touches]
        return touched[-1] + 1 if touched else 0

    def grasp(self, name: str) -> int | None:
        """The last moment up to the lift at which both fingers touch an object, if there is one."""
        lifted = self.lift(name)
        for number in range(-1 if lifted is None else lifted, -1, -1):
            touch = self.moments[number].touches.get(name)
            if touch and touch.fingers == 2:
                return number
        return None

    def grip(self, name: str) -> Array | None:
        """Where both fingers touch an object to lift it, in its own frame (m)."""
        number = self.grasp(name)
        if number is None:
            return None
        moment = self.moments[number]
        away = moment.touches[name].point - moment.positions[name]
        return np.asarray(moment.rotations[name].T @ away)

    def at_rest(self, name: str) -> bool:
        """Whether an object lies, or stands, and is touched by the hand no more."""
        if len(self.moments) < 3 or name in self.end.touches:
            return False
        last = self.of(name, len(self.moments) - 3)
        return bool(np.abs(np.diff(last, axis=0)).max() < STILL)

    def dragged(self, name: str) -> float:
        """How far an object is moved along the table before it is lifted (m)."""
        number = self.lift(name)
        moved = self.of(name, 0, None if number is None else number + 1)
        return float(np.linalg.norm((moved - moved[0])[:, :2], axis=1).max())

    def pull(self, which: str) -> tuple[int, int]:
        """First and last moment of the motion in which a drawer opens; equal if it stays shut."""
        widths = np.array([moment.drawers[which] for moment in self.moments])
        widest = float(widths.max())
        if widest < 0.01:
            return 0, 0
        return int(np.argmax(widths > 0.05 * widest)), int(np.argmax(widths > 0.98 * widest))


def bend(path: Array) -> float:
    """Largest distance of a path's points, shape (n, d), from its chord; infinite if too short."""
    if len(path) < 2:
        return math.inf
    chord = path[-1] - path[0]
    along = chord / max(float(np.linalg.norm(chord)), 1e-9)
    offsets = path - path[0]
    return float(np.linalg.norm(offsets - np.outer(offsets @ along, along), axis=1).max())


def heading(path: Array) -> float:
    """Direction of a path in the plane of the table (degrees): 0 is right, 90 is back."""
    x, y = (path[-1] - path[0])[:2]
    return math.degrees(math.atan2(-x, y))
