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
    PLATE,
    RACK_TOP,
    SIDES,
    STOVE_HALF,
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
            "forward": abs(_turn(heading(path), -90.0)) < 20.0,
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
    return path[_from_to(done, 0.1, 0.9)]


def _from_to(done: Array, first: float, last: float) -> slice:
    """From where a share of a way is done until another is."""
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
        off = abs(_turn(_label(track, -1), _yaw(SIDES[side])))
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
            turned = max(turned, abs(_turn(_label(track, number), _label(track, first))))
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


def plate_path(path: str) -> Constraint:
    """The plate goes right, then back, or diagonally back and right, each leg straight."""

    def look(track: Track) -> Finding:
        trail = _plate_trail(track)[:, :2]
        if len(trail) < 3:
            return False, math.inf
        if path == "diagonal":
            off = bend(trail)
            return 15.0 < heading(trail) < 75.0 and off < 0.02, off
        chord = trail[-1] - trail[0]
        normal = np.array([-chord[1], chord[0]]) / max(float(np.linalg.norm(chord)), 1e-9)
        corner = int(np.argmax(np.abs((trail - trail[0]) @ normal)))
        legs = trail[: corner + 1], trail[corner:]
        off = max(bend(leg) for leg in legs)
        turns = [
            abs(_turn(heading(leg), wanted)) if len(leg) > 1 else math.inf
            for leg, wanted in zip(legs, (0.0, 90.0), strict=True)
        ]
        return max(turns) < 15.0 and off < 0.02, off

    return look


def plate_contact(track: Track) -> Finding:
    """The hand stays in touch with the plate while this moves."""
    first, last = _plate_motion(track)
    held = [PLATE in moment.touches for moment in track.moments[first:last]]
    share = float(np.mean(held)) if held else 0.0
    return share > 0.9, share


def over_plate(track: Track) -> Finding:
    """The hand is set down near the plate's middle and stays above it."""
    first, last = _plate_motion(track)
    moments = track.moments[first:last]
    off = max(
        (float(np.linalg.norm((m.hand - m.positions[PLATE])[:2])) for m in moments),
        default=math.inf,
    )
    return off < 0.045, off


def along_table(track: Track) -> Finding:
    """The plate stays flat on the table."""
    highest = float(track.of(PLATE)[:, 2].max())
    flat = min(float(moment.rotations[PLATE][2, 2]) for moment in track.moments)
    return highest < track.start.positions[PLATE][2] + 0.012 and flat > 0.97, highest


def stove_distance(how_far: str) -> Constraint:
    """The plate ends close in front of the stove, or far."""

    def look(track: Track) -> Finding:
        gap = float(track.end.positions[PLATE][0] - track.end.stove[0] - STOVE_HALF)
        return (gap < 0.105) == (how_far == "close"), gap

    return look


def _plate_motion(track: Track) -> tuple[int, int]:
    """Moments between which the plate moves by the hand."""
    trail = track.of(PLATE)
    moved = np.linalg.norm((trail - trail[0])[:, :2], axis=1)
    left = np.linalg.norm((trail - trail[-1])[:, :2], axis=1)
    if moved[-1] < 0.02:
        return 0, 0
    return int(np.argmax(moved > 0.003)), int(np.argmax(left < 0.003)) + 1


def _plate_trail(track: Track) -> Array:
    first, last = _plate_motion(track)
    return track.of(PLATE, first, last)


def knob_reached_from_left(track: Track) -> Finding:
    """The hand first moves right, on a straight line, until it is at the knob's height in y."""
    first = next((n for n, m in enumerate(track.moments) if m.knob > 0.1), 0)
    path = track.hands(0, first)[:, :2]
    if len(path) < 3:
        return False, math.inf
    across = (path[:, 1] - path[0, 1]) / max(path[-1, 1] - path[0, 1], 1e-9)
    leg = path[_from_to(across, 0.05, 0.9)]
    off = bend(leg)
    return len(leg) > 1 and abs(heading(leg)) < 15.0 and off < 0.02, off


def knob_held(track: Track) -> Finding:
    """Both fingers hold the knob while it turns."""
    moments = [m for m in track.moments if 0.1 < m.knob < 0.5]
    held = [m.touches.get("flat_stove_1_button") for m in moments]
    share = float(np.mean([touch is not None and touch.fingers == 2 for touch in held] or [False]))
    return share > 0.8, share


def turned_counter_clockwise(track: Track) -> Finding:
    """The hand turns the knob counter-clockwise from above, by its own turn."""
    moments = [m for m in track.moments if m.knob > 0.1]
    if not moments:
        return False, 0.0
    axes = [m.rotation[:, 0] for m in track.moments if 0.02 < m.knob < 0.75] or [moments[0].hand]
    turn = _turn(_yaw(axes[-1]), _yaw(axes[0]))
    return turn > 10.0, turn


def _label(track: Track, number: int) -> float:
    return _yaw(track.moments[number].rotations[BOTTLE] @ LABEL)


def _yaw(direction: Array) -> float:
    return math.degrees(math.atan2(direction[1], direction[0]))


def _turn(angle: float, reference: float) -> float:
    """The short way from one angle to another, degrees."""
    return math.remainder(angle - reference, 360.0)
