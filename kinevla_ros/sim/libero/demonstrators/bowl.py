"""The bowl, taken by an edge, on a line to the plate, stove or cabinet, or into a drawer."""

from __future__ import annotations

import numpy as np

from kinevla_ros.sim.libero.demonstrators.drawer import open_drawer
from kinevla_ros.sim.libero.demonstrators.hand import CLOSE, FIRM, OPEN, Hand, turned
from kinevla_ros.sim.libero.scene import (
    BOWL,
    DOWN,
    DRAWER_FLOOR,
    PLATE,
    SIDES,
    STOVE_CENTRE,
    TOP_SIDE,
    Array,
    drawer_region,
)

_RADIUS = 0.047  # of the rim, where the fingers go (m)
_RIM = 0.035  # height of the grip above the bowl's origin (m)
_SECTION = 0.05  # from the middle of the cabinet's top (m)


def to_cabinet(hand: Hand, edge: str, section: str) -> None:
    """Onto the upper (back) or bottom (front) section of the cabinet's top."""
    side = SIDES["back"] if section == "upper" else SIDES["front"]
    # The hand must pass the cabinet's front edge, which is 1.128 m high.
    _carry(hand, edge, hand.world.site(TOP_SIDE) + _SECTION * side, low=1.13, high=1.28)


def to_stove(hand: Hand, edge: str) -> None:
    """Onto the middle of the stove."""
    _carry(hand, edge, hand.world.site(STOVE_CENTRE), low=1.02, high=1.05)


def to_plate(hand: Hand, edge: str) -> None:
    """Onto the middle of the plate, straight to the front."""
    _carry(hand, edge, hand.world.position(PLATE), low=1.02, high=1.05, drop=0.022)


def _carry(
    hand: Hand, edge: str, place: Array, low: float, high: float, drop: float = 0.008
) -> None:
    _grasp(hand, edge)
    hand.go([*hand.at[:2], low], CLOSE, DOWN, near=0.015)
    rotation = DOWN
    if drop > 0.02 and edge == "left":
        # Else the palm strikes the drawers' handles beside the plate.
        rotation = turned("z", 90)
        hand.go(hand.at, CLOSE, rotation, near=0.02, steps=40)
    offset = _offset(hand)
    above = max(high, place[2] + offset[2] + 0.05)
    hand.follow_line([*(place + offset)[:2], above], CLOSE, rotation)
    goal = place + _offset(hand) + np.array([0.0, 0.0, drop])
    hand.go(goal, CLOSE, rotation, steps=50, speed=0.6)
    hand.release()


def into_drawer(hand: Hand, edge: str) -> None:
    """Open the top drawer by pressing on its handle, then put the bowl into its middle."""
    open_drawer(hand, "top", "pressed", "completely")
    hand.go([hand.at[0], 0.12, 1.28], OPEN, DOWN, near=0.03, steps=60)
    # The open drawer overhangs the bowl and the bottle is near: lean back and come from above.
    lean, swing = (18.0, 8.0) if edge == "left" else (25.0, 30.0)
    _grasp(hand, edge, lean, swing, from_above=1.20)
    rotation = hand.world.hand_rotation
    hand.go(hand.at + np.array([-0.08, 0.0, 0.02]), CLOSE, rotation, near=0.015, steps=40)
    hand.go([*hand.at[:2], 1.25], CLOSE, rotation, near=0.02)
    rotation = turned("z", 90) if edge == "left" else DOWN
    hand.go(hand.at, CLOSE, rotation, near=0.03, steps=50)
    middle = hand.world.site(drawer_region("top"))
    hand.follow_line([*(middle + _offset(hand))[:2], 1.25], CLOSE, rotation)
    middle, offset = hand.world.site(drawer_region("top")), _offset(hand)
    goal = [*(middle + offset)[:2], DRAWER_FLOOR + offset[2] + 0.012]
    hand.go(goal, CLOSE, rotation, steps=60, speed=0.5)
    hand.release()


def _grasp(
    hand: Hand, edge: str, lean: float = 0.0, swing: float = 0.0, from_above: float = 0.0
) -> None:
    """Take the wall of the bowl between the fingers.

    Args:
        hand: that takes it.
        edge: left or right.
        lean: of the hand, towards the back (degrees).
        swing: of the grip along the rim, towards the back (degrees).
        from_above: height to come from, a little behind the grip; straight without it.
    """
    swing = -swing if edge == "left" else swing
    rotation = turned("z", swing, turned("y", -lean))
    bowl = hand.world.position(BOWL)
    grip = (
        bowl + _RADIUS * (turned("z", swing, np.eye(3)) @ SIDES[edge]) + np.array([0.0, 0.0, _RIM])
    )
    if from_above:
        above = [grip[0] - 0.07, grip[1], from_above]
        hand.go(above, OPEN, rotation, near=0.03, steps=80)
    hand.go(grip - 0.11 * rotation[:, 2], OPEN, rotation, near=0.012)
    hand.go(grip, OPEN, rotation, near=0.005)
    hand.hold(FIRM, CLOSE)


def _offset(hand: Hand) -> Array:
    """The hand as seen from the bowl in its grip."""
    return hand.at - hand.world.position(BOWL)
