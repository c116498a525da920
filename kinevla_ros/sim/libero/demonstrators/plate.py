"""The plate, taken along the table by an open hand that rests lightly on its middle.

The cream cheese lies on the diagonals: the plate's rim rides onto it and is pressed down on it,
so the hand moves it out of the way first. On the other path the plate meets its short end and
pushes it along.
"""

from __future__ import annotations

import numpy as np

from kinevla_ros.sim.libero.demonstrators.hand import CLOSE, KEEP, OPEN, Hand, turned
from kinevla_ros.sim.libero.scene import (
    CHEESE,
    PLATE,
    STOVE_FRONT,
    STOVE_HALF,
    Array,
)
from kinevla_ros.sim.libero.world import TRANSLATION

_PRESS = 0.12  # largest command downwards: pressed harder the plate jams, lighter it is lost
_SPEED = 0.5
_AHEAD = 0.04  # how far the hand may run ahead of the plate's middle (m)
_CLOSE, _FAR = 0.080, 0.130  # from the stove's front edge to the plate's middle (m)
_CLEAR = 0.140  # to where along x the cream cheese is moved (m)
NARROW = turned("z", 90.0)
"""Hand whose palm, wide along the closing axis, passes bowl and drawer handles."""
_REGION = 0.033  # LIBERO's region of 0.04 m, less a margin (m)


def push_before_stove(hand: Hand, path: str, distance: str) -> None:
    """To the front of the stove, close to it or far, on an L or a diagonal."""
    stove = hand.world.stove()
    front = stove[0] + STOVE_HALF + (_CLOSE if distance == "close" else _FAR)
    if path == "diagonal":
        _clear(hand)
    region = hand.world.site(STOVE_FRONT)[:2]
    goal = np.clip([front, stove[1] + 0.02], region - _REGION, region + _REGION)
    _push(hand, _legs(hand, path, goal), NARROW, OPEN)


def push_beside_stove(hand: Hand, path: str) -> None:
    """To the right of the stove, close to it."""
    stove = hand.world.stove()
    # Far enough to the front for the diagonal to pass the corner of the stove.
    goal = stove[:2] + STOVE_HALF + np.array([0.045, 0.105])
    if path == "diagonal":
        _clear(hand)
        _push(hand, _legs(hand, path, goal), NARROW, OPEN)
        return
    # Upright, the corner is beyond the arm's reach: lean outwards, fingers half open.
    hand.hold(4, CLOSE)
    lean = turned("y", -25.0)
    _push(hand, _legs(hand, path, goal), lean, KEEP, drop=0.015)


def _clear(hand: Hand) -> None:
    """Move the cream cheese to the front with closed fingers, pushing on its short end."""
    behind = hand.world.position(CHEESE) + np.array([-0.075, 0.0, 0.004])
    hand.go(behind + np.array([0.0, 0.0, 0.10]), CLOSE, NARROW, near=0.012, steps=120)
    hand.go(behind, CLOSE, NARROW, steps=40, speed=0.7)
    hand.follow_line([_CLEAR - 0.055, *behind[1:]], CLOSE, NARROW)
    hand.go(hand.at + np.array([-0.02, 0.0, 0.12]), CLOSE, NARROW, near=0.02, steps=40)


def _legs(hand: Hand, path: str, goal: Array) -> list[Array]:
    """Ends of the straight pieces of a path, each shape (2,)."""
    start = hand.world.position(PLATE)
    return [np.array([start[0], goal[1]]), goal] if path == "right_back" else [goal]


def _push(hand: Hand, legs: list[Array], rotation: Array, grip: float, drop: float = 0.004) -> None:
    plate = hand.world.position(PLATE)
    surface = plate[2] + 0.0165 + (0.003 if grip == OPEN else 0.0)
    hand.go(plate + np.array([0.0, 0.0, 0.08]), grip, rotation, near=0.01, steps=120)
    above = [*plate[:2], surface + 0.004]
    hand.go(above, grip, rotation, near=0.004, steps=30, speed=0.4)
    down = [*plate[:2], surface - drop]
    hand.go(down, grip, rotation, near=0.003, steps=8, speed=_PRESS)
    for number, end in enumerate(legs):
        if number:
            _settle(hand, rotation, grip, surface - drop)
        _leg(hand, end, rotation, grip, surface - drop)
    hand.go(hand.at + np.array([0.0, 0.0, 0.12]), grip, rotation, near=0.02, steps=40)
    hand.hold(5, grip)


def _settle(hand: Hand, rotation: Array, grip: float, height: float) -> None:
    """Stand still at a corner: else the hand springs up and loses the plate."""
    for _ in range(12):
        back = (hand.world.position(PLATE) - hand.at)[:2] / TRANSLATION * 0.4
        hand.step(np.array([*back, _down(hand, height)]), hand.turning(rotation, 0.3), grip)


def _leg(hand: Hand, end: Array, rotation: Array, grip: float, height: float) -> None:
    start = hand.world.position(PLATE)[:2]
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    for step in range(int(length / 0.004) + 80):
        plate = hand.world.position(PLATE)[:2]
        done = float((plate - start) @ along)
        if length - done < 0.003:
            break
        offset = hand.at[:2] - plate
        ahead = float(offset @ along)
        # The plate back onto its line, and the hand back over the plate.
        aside = 0.8 * (start + done * along - plate - (offset - ahead * along)) / TRANSLATION
        pace = min(_SPEED, 0.10 + 0.025 * step, 0.15 + (length - done) / 0.03 * 0.4)
        move = along * pace * np.clip((_AHEAD - ahead) / 0.01, -0.3, 1.0) + aside
        if PLATE not in hand.world.touches():
            move = -0.5 * offset / TRANSLATION
        command = np.array([*move, _down(hand, height)])
        hand.step(command, hand.turning(rotation, 0.3), grip)


def _down(hand: Hand, height: float) -> float:
    return float(np.clip((height - hand.at[2]) / TRANSLATION, -_PRESS, 0.2))
