"""The cream cheese into the bowl, and the knob of the stove."""

from __future__ import annotations

import math

import numpy as np

from kinevla_ros.sim.libero.demonstrators.hand import CLOSE, FIRM, LET_GO, OPEN, Hand, turned
from kinevla_ros.sim.libero.scene import BOWL, CHEESE, DOWN, KNOB
from kinevla_ros.sim.libero.world import TRANSLATION

_ABOVE = 0.12  # height at which the cheese is carried (m)
_DROP = 0.058  # above the bowl's origin: the opening fingers clear its rim (m)
_BLADE = 0.945  # height of the grip on the knob's blade (m)
_TRAVEL = 1.10  # height of the way to the knob (m)
_TURNED = 0.8  # of the knob (rad); LIBERO's "on" is 0.5


def cheese_to_bowl(hand: Hand) -> None:
    """Take the cream cheese across its middle, and on a straight line into the bowl."""
    cheese = hand.world.position(CHEESE)
    long_side = hand.world.longest_axis(CHEESE)
    yaw = (math.degrees(math.atan2(long_side[1], long_side[0])) + 90.0) % 180.0 - 90.0
    rotation = turned("z", yaw)
    hand.go(cheese + np.array([0.0, 0.0, 0.10]), OPEN, rotation, near=0.01, steps=120)
    hand.go(cheese + np.array([0.0, 0.0, 0.005]), OPEN, rotation, near=0.005, steps=50, speed=0.6)
    hand.hold(FIRM, CLOSE)
    hand.go(cheese + np.array([0.0, 0.0, _ABOVE]), CLOSE, rotation, near=0.015, steps=50)
    bowl, offset = hand.world.position(BOWL), hand.at - hand.world.position(CHEESE)
    hand.follow_line([*(bowl + offset)[:2], cheese[2] + _ABOVE], CLOSE, rotation)
    offset = hand.at - hand.world.position(CHEESE)
    goal = bowl + offset + np.array([0.0, 0.0, _DROP])
    hand.go(goal, CLOSE, rotation, steps=50, speed=0.5)
    hand.hold(2, CLOSE)
    hand.release()


def turn_knob(hand: Hand) -> None:
    """Move right to the knob, then back to it; grip its blade and turn it counter-clockwise."""
    axis = np.array(hand.world.data.joint(KNOB).xanchor)
    blade = np.array([axis[0] - 0.006, axis[1] + 0.001, _BLADE])
    start = hand.at
    hand.go([*start[:2], _TRAVEL], OPEN, DOWN, near=0.02, steps=40)
    hand.follow_line([start[0], blade[1], _TRAVEL], OPEN, DOWN)
    hand.follow_line([*blade[:2], _TRAVEL], OPEN, DOWN)
    hand.go(blade + np.array([0.0, 0.0, 0.03]), OPEN, DOWN, steps=50, speed=0.6)
    hand.go(blade, OPEN, DOWN, near=0.005, steps=40, speed=0.4)
    hand.hold(FIRM, CLOSE)
    for degrees in range(5, 80, 5):
        for _ in range(3):
            move = np.clip((blade - hand.at) / TRANSLATION, -0.3, 0.3)
            hand.step(move, hand.turning(turned("z", degrees), 0.4), CLOSE)
        if hand.world.knob() > _TURNED:
            break
    hand.hold(3, CLOSE)
    hand.hold(LET_GO, OPEN)
    hand.go(hand.at + np.array([0.0, 0.0, 0.12]), OPEN, near=0.02, steps=40)
