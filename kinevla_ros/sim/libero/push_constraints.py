"""The constraints of what is pushed or turned, the plate and the knob; see `constraints`."""

from __future__ import annotations

import math

import numpy as np

from kinevla_ros.sim.libero.constraints import Constraint, Finding, from_to, turn_from, yaw
from kinevla_ros.sim.libero.scene import PLATE, STOVE_HALF, Array
from kinevla_ros.sim.libero.track import Track, bend, heading


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
            abs(turn_from(heading(leg), wanted)) if len(leg) > 1 else math.inf
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
    leg = path[from_to(across, 0.05, 0.9)]
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
    turn = turn_from(yaw(axes[-1]), yaw(axes[0]))
    return turn > 10.0, turn
