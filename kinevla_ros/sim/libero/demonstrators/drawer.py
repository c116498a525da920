"""A drawer, opened by its handle: held level, held vertically, or pressed from above."""

from __future__ import annotations

import numpy as np

from kinevla_ros.sim.libero.demonstrators.hand import CLOSE, FIRM, LET_GO, OPEN, Hand, turned
from kinevla_ros.sim.libero.scene import DOWN, Array
from kinevla_ros.sim.libero.world import TRANSLATION

PULLS = {"completely": 0.157, "halfway": 0.080, "slightly": 0.035}
"""How far a drawer is pulled (m), of 0.16."""

_LEVEL = 80.0  # degrees from straight down
_ROLL = {"plain": 45.0, "vertical": 0.0}  # of the hand about its approach (degrees)
_PRESS = 0.25  # command downwards; the fingers drag the bar by friction


def open_drawer(hand: Hand, which: str, hold: str, extent: str) -> None:
    """Pull a drawer open.

    Args:
        hand: that pulls.
        which: top, middle or bottom.
        hold: `vertical`: one finger above and one below the bar; `plain`: rolled by 45 degrees;
            `pressed`: closed finger tips on the bar, from above.
        extent: one of PULLS.
    """
    if hold == "pressed":
        _press(hand, which, PULLS[extent])
    else:
        _grip(hand, which, _ROLL[hold], PULLS[extent])


def _grip(hand: Hand, which: str, roll: float, pull: float) -> None:
    bar = hand.world.handle(which)
    rotation = turned("x", -_LEVEL) @ turned("z", roll, np.eye(3))
    approach = rotation[:, 2]
    before = bar - 0.16 * approach + np.array([0.0, 0.02, 0.0])
    hand.go(before, OPEN, rotation, near=0.015, speed=0.7, steps=110)
    hand.go(bar - 0.10 * approach, OPEN, rotation, near=0.008, speed=0.6, steps=50)
    hand.go(bar + 0.015 * approach, OPEN, rotation, speed=0.5, steps=40)
    hand.hold(FIRM, CLOSE)
    line = np.array([hand.at[0], 0.0, bar[2] + 0.015 * approach[2]])
    _pull(hand, which, pull, rotation, line)
    hand.hold(LET_GO, OPEN)
    hand.go(hand.at - 0.10 * approach, OPEN, near=0.03, steps=30)


def _press(hand: Hand, which: str, pull: float) -> None:
    bar = hand.world.handle(which)
    hand.go(bar + np.array([0.0, 0.0, 0.12]), CLOSE, DOWN, near=0.01, steps=120)
    hand.go(bar + np.array([0.0, 0.0, 0.022]), CLOSE, DOWN, near=0.004, steps=40, speed=0.5)
    hand.go(bar + np.array([0.0, 0.0, -0.03]), CLOSE, DOWN, steps=8, speed=0.4)
    _pull(hand, which, pull, DOWN, np.array([bar[0], 0.0, hand.at[2]]), _PRESS)
    hand.go(hand.at + np.array([0.0, 0.0, 0.12]), CLOSE, DOWN, near=0.02, steps=40)
    hand.hold(LET_GO, OPEN)


def _pull(
    hand: Hand, which: str, pull: float, rotation: Array, line: Array, down: float = 0.0
) -> None:
    """Pull along y; x and z of the hand are kept on `line`."""
    for _ in range(170):
        left = pull - hand.world.drawer(which)
        if left <= 0.003:
            break
        aside, _, height = np.clip((line - hand.at) / TRANSLATION, -0.3, 0.3)
        move = np.array([aside, np.clip(left / TRANSLATION, 0.08, 0.25), height - down])
        hand.step(move, hand.turning(rotation, 0.5), CLOSE)
    hand.hold(3, CLOSE)
