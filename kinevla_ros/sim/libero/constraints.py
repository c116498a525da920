"""Each kinematic constraint as a question to a track: what was measured, and whether it holds.

Lengths in m, angles in degrees. Thresholds stand where they are used, and in docs/libero.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kinevla_ros.sim.libero.scene import (
    BODY,
    BOTTLE,
    BOWL,
    CABINET,
    CHEESE,
    DRAWER_TRAVEL,
    DRAWERS,
    LABEL,
    NECK,
    RACK_TOP,
    SIDES,
    TOP_SIDE,
    Array,
)
from kinevla_ros.sim.libero.track import Track, bend, heading

Finding = tuple[bool, float]
"""Whether a constraint holds, and the figure behind it."""
Constraint = Callable[[Track], Finding]

EXTENTS = {"completely": (0.875, 1.1), "halfway": (0.35, 0.65), "slightly": (0.08, 0.35)}
"""Share of its travel to which a drawer is open."""
CHEESE_HALF = 0.041
"""Half the length of the cream cheese."""
SECTION = {BOWL: 0.020, BOTTLE: 0.015}
"""Least distance of an object from the middle of the cabinet's top."""


def edge(side: str) -> Constraint:
    """The bowl is taken by its left or right edge: within 40 degrees, at the rim."""

    def look(track: Track) -> Finding:
        grip = track.grip(BOWL)
        if grip is None:
            return False, math.nan
        # The bowl is round: its edges are the picture's, not its own.
        grip = track.start.rotations[BOWL] @ grip
        away = float(np.linalg.norm(grip[:2]))
        angle = math.degrees(math.acos(np.clip(grip[:2] @ SIDES[side][:2] / away, -1, 1)))
        return angle < 40.0 and away > 0.02, angle

    return look


def straight(name: str, most: float, towards: str | None = None) -> Constraint:
    """The hand carries an object on a straight line, lift and descent left out.

    With `diagonal`, not along one axis; with `forward`, to the front within 20 degrees.
    """

    def look(track: Track) -> Finding:
        path = _carry(track, name)
        if len(path) < 2:
            return False, math.inf
        off = bend(path)
        sizes = np.sort(np.abs(path[-1] - path[0]))
        right_way = {
            None: True,
            "diagonal": bool(sizes[1] > 0.3 * sizes[2]),
            "forward": abs(turn_from(heading(path), -90.0)) < 20.0,
        }
        return right_way[towards] and off < most, off

    return look


def _carry(track: Track, name: str) -> Array:
    """Where the hand is between a tenth and nine tenths of its way across, shape (n, 3)."""
    first = track.lift(name)
    if first is None:
        return np.zeros((0, 3))
    path = track.hands(first, track.let_go(name))
    if len(path) < 2:
        return path
    way = (path[-1] - path[0])[:2]
    done = (path - path[0])[:, :2] @ way / max(float(way @ way), 1e-12)
    return path[from_to(done, 0.1, 0.9)]


def from_to(done: Array, first: float, last: float) -> slice:
    """From where a share of a way is done until another is; `done`, shape (n,), ends at 1."""
    return slice(int(np.argmax(done > first)), int(np.argmax(done > last)) + 1)


def order(name: str) -> Constraint:
    """An object is grasped and lifted first, then moved."""

    def look(track: Track) -> Finding:
        dragged = track.dragged(name)
        return track.lift(name) is not None and dragged < 0.03, dragged

    return look


def section(name: str, where: str) -> Constraint:
    """An object stands on the upper (back) or bottom (front) section of the cabinet's top."""

    def look(track: Track) -> Finding:
        off = float(track.end.positions[name][0] - track.end.sites[TOP_SIDE][0])
        towards = -off if where == "upper" else off
        return towards > SECTION[name], off

    return look


def centre(name: str, of: Callable[[Track], Array], most: float) -> Constraint:
    """An object ends in the middle of a place."""

    def look(track: Track) -> Finding:
        off = float(np.linalg.norm((track.end.positions[name] - of(track))[:2]))
        return off < most, off

    return look


def upright(name: str) -> Constraint:
    """An object stands as at the start."""

    def look(track: Track) -> Finding:
        up = float(track.end.rotations[name][2, 2])
        return up > 0.95, up

    return look


def handle(which: str, hold: str) -> Constraint:
    """The handle is held while the drawer opens: `plain` by both fingers in any way, `vertical`
    one above and one below it, `pressed` from above by closed fingers."""

    def look(track: Track) -> Finding:
        first, last = track.pull(which)
        moments = track.moments[first:last]
        if not moments:
            return False, 0.0
        drawer = f"{CABINET}_cabinet_{which}"
        if hold == "pressed":
            pressed = [
                drawer in m.touches and m.opening < 0.010 and m.rotation[2, 2] < -0.9
                for m in moments
            ]
            return float(np.mean(pressed)) > 0.9, float(np.mean(pressed))
        held = float(np.mean([drawer in m.touches for m in moments]))
        grasp = [m.touches.get(drawer) for m in track.moments[max(0, first - 5) : first + 5]]
        by_both = any(touch is not None and touch.fingers == 2 for touch in grasp)
        axis = float(np.mean([abs(m.rotation[2, 0]) for m in moments]))
        as_wanted = hold == "plain" or axis > 0.9
        return held > 0.9 and by_both and as_wanted, axis

    return look


def linear_pull(which: str) -> Constraint:
    """The hand pulls a drawer along a line."""

    def look(track: Track) -> Finding:
        path = track.hands(*track.pull(which))
        spread = float(np.ptp(path[:, [0, 2]], axis=0).max()) if len(path) else math.inf
        return spread < 0.02, spread

    return look


def extent(
    which: str, how_far: str, until: Callable[[Track], int | None] | None = None
) -> Constraint:
    """A drawer is open so far, at the end or at a moment."""

    def look(track: Track) -> Finding:
        number = until(track) if until else None
        moment = track.end if number is None else track.moments[number]
        share = moment.drawers[which] / DRAWER_TRAVEL
        least, most = EXTENTS[how_far]
        return least <= share <= most, share

    return look


def others_shut(which: str) -> Constraint:
    """No other drawer is opened."""

    def look(track: Track) -> Finding:
        widest = max(abs(track.end.drawers[other]) for other in DRAWERS if other != which)
        return widest < 0.012, widest

    return look


def bottle_part(part: str) -> Constraint:
    """The bottle is taken by its neck or by its body."""
    least, most = NECK if part == "neck" else BODY

    def look(track: Track) -> Finding:
        grip = track.grip(BOTTLE)
        if grip is None:
            return False, math.nan
        height = float(grip[2])
        return least <= height <= most, height

    return look


def label(side: str) -> Constraint:
    """The bottle stands with its label to a side."""

    def look(track: Track) -> Finding:
        off = abs(turn_from(_label(track, -1), yaw(SIDES[side])))
        return off < 30.0 and track.end.rotations[BOTTLE][2, 2] > 0.95, off

    return look


def oriented_after_positioning(track: Track) -> Finding:
    """The bottle is turned above its place, and not on the way there: the largest turn on the
    way beyond 60 mm from where it ends."""
    first = track.lift(BOTTLE)
    if first is None:
        return False, math.nan
    end, turned = track.end.positions[BOTTLE], 0.0
    for number in range(first, track.let_go(BOTTLE)):
        if np.linalg.norm((track.moments[number].positions[BOTTLE] - end)[:2]) > 0.06:
            turned = max(turned, abs(turn_from(_label(track, number), _label(track, first))))
    return turned < 20.0, turned


def rack_section(where: str) -> Constraint:
    """The bottle lies in the front or back of the rack, by the middle of its length, or `any`."""

    def look(track: Track) -> Finding:
        middle = track.end.positions[BOTTLE] + 0.05 * track.end.rotations[BOTTLE][:, 2]
        off = float(middle[0] - track.end.sites[RACK_TOP][0])
        return {"front": off > 0.02, "back": off < -0.02, "any": True}[where], off

    return look


def middle_of_cheese(track: Track) -> Finding:
    """The cream cheese is taken by its middle: the share of its half length that it is off."""
    grip = track.grip(CHEESE)
    if grip is None:
        return False, math.nan
    # Its long side is the axis of its own that lies along x at the start.
    axis = int(np.argmax(np.abs(track.start.rotations[CHEESE][0])))
    off = abs(float(grip[axis])) / CHEESE_HALF
    return off < 0.25, off


def _label(track: Track, number: int) -> float:
    return yaw(track.moments[number].rotations[BOTTLE] @ LABEL)


def yaw(direction: Array) -> float:
    """Of a direction, shape (3,), in the plane of the table, degrees."""
    return math.degrees(math.atan2(direction[1], direction[0]))


def turn_from(angle: float, reference: float) -> float:
    """The short way from one angle to another, degrees."""
    return math.remainder(angle - reference, 360.0)
