"""The wine bottle: upright onto the cabinet with its label turned, or into the rack."""

from __future__ import annotations

import math

import numpy as np

from kinevla_ros.base.angles import wrapped
from kinevla_ros.sim.libero.demonstrators.hand import (
    CLOSE,
    FIRM,
    OPEN,
    Hand,
    part_way,
    turned,
)
from kinevla_ros.sim.libero.scene import (
    BOTTLE,
    LABEL,
    RACK_NORMAL,
    RACK_SLOPE,
    RACK_TOP,
    SIDES,
    TOP_SIDE,
    Array,
)

RACK_PLACES = {"any": -0.04, "front": 0.005, "back": -0.08}
"""Where the bottle's bottom comes to lie, from the middle of the rack along x (m)."""

_GRIP = 0.125  # height of a grip of the neck, hand straight down (m)
_CARRY = 0.19  # above the cabinet; higher up the arm passes its singularity (m)
_SECTION = 0.05
_BOARD = 31.0  # slope of the rack's upper board (degrees)


def to_cabinet(hand: Hand, section: str, label: str) -> None:
    """By its neck onto the upper (back) or bottom (front) section, the label to a side."""
    turn = wrapped(_yaw(SIDES[label]) - _yaw(hand.world.rotation(BOTTLE) @ LABEL))
    # A turn of more than a right angle is begun the other way, or joint 7 ends at its stop.
    begun = -math.copysign(abs(turn) - math.pi / 2, turn) if abs(turn) > math.pi / 2 + 0.1 else 0.0
    rotation = turned("z", math.degrees(begun))
    _grasp(hand, rotation, _GRIP)
    place = hand.world.site(TOP_SIDE) + _SECTION * SIDES["back" if section == "upper" else "front"]
    above = np.array([*place[:2], place[2] + _CARRY])
    hand.go([*hand.at[:2], above[2]], CLOSE, rotation, near=0.015, steps=120, speed=0.8)
    rotation = _position(hand, above, rotation, math.degrees(turn))
    bottom = hand.world.position(BOTTLE)
    goal = place + (hand.at - bottom) + np.array([0.0, 0.0, 0.006])
    hand.go(goal, CLOSE, rotation, near=0.008, steps=60, speed=0.4)
    hand.hold(3, CLOSE)
    hand.release()


def _position(hand: Hand, above: Array, rotation: Array, turn: float) -> Array:
    """Carry the bottle above its place, then turn it there, a third at a time."""
    hand.go(above, CLOSE, rotation, near=0.012, steps=120, speed=0.7)
    aim = rotation
    for share in (1 / 3, 2 / 3, 1.0):
        aim = turned("z", turn * share, rotation)
        hand.go(above, CLOSE, aim, near=0.012, steps=60, speed=0.7)
    return aim


def to_rack(hand: Hand, part: str, place: str) -> None:
    """Into the groove of the rack, its top to the camera; the hand takes it leaning.

    So the quarter turn of the bottle is shared between before and after the grasp.
    """
    if part == "neck":
        # From behind; leaning more, joints 4 and 6 are at their stops.
        grip, lean, yaw, roll = 0.120, 35.0, 0.0, 0.0
    else:
        # Leaning less, the palm meets the neck; only from the right is it within reach.
        grip, lean, yaw, roll = 0.045, 60.0, -50.0, 180.0
    flip = turned("z", roll, np.eye(3))
    rotation = turned("z", yaw, turned("y", -lean)) @ flip
    _grasp(hand, rotation, grip)
    rack = hand.world.site(RACK_TOP)
    hand.go([*hand.at[:2], 1.30], CLOSE, rotation, near=0.02, steps=80, speed=0.7)
    # The fingers lie along the board, so that they come out of the groove.
    laid = turned("x", -_BOARD, turned("y", 90 - lean)) @ flip
    rest = rack + 0.0265 * RACK_SLOPE + 0.0144 * RACK_NORMAL
    rest[0] = rack[0] + RACK_PLACES[place]
    for share in (0.25, 0.5, 0.75, 1.0):
        aim = part_way(rotation, laid, share)
        hand.go([rest[0] + grip, -0.12, 1.36], CLOSE, aim, near=0.03, steps=60, near_turn=0.15)
    goal = rest + _offset(hand) + 0.08 * RACK_NORMAL
    hand.go(goal, CLOSE, laid, near=0.01, steps=90, speed=0.6)
    hand.go(rest + _offset(hand) + 0.006 * RACK_NORMAL, CLOSE, laid, steps=60, speed=0.4)
    hand.hold(2, CLOSE)
    hand.release()
    hand.hold(10, OPEN)


def _grasp(hand: Hand, rotation: Array, height: float) -> None:
    grip = hand.world.position(BOTTLE) + np.array([0.0, 0.0, height])
    approach = rotation[:, 2]
    hand.go(grip - 0.13 * approach, OPEN, rotation, near=0.012, steps=140)
    hand.go(grip - 0.002 * approach, OPEN, rotation, near=0.005, steps=60, speed=0.5)
    hand.hold(FIRM, CLOSE)


def _offset(hand: Hand) -> Array:
    """The hand as seen from the bottle in its grip."""
    return hand.at - hand.world.position(BOTTLE)


def _yaw(direction: Array) -> float:
    return math.atan2(direction[1], direction[0])
