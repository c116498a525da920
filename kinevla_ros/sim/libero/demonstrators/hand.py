"""The hand as a demonstrator moves it: towards a pose, along a line, opening and closing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from kinevla_ros.sim.libero.scene import DOWN, Array
from kinevla_ros.sim.libero.world import ROTATION, TRANSLATION, LiberoWorld

OPEN, KEEP, CLOSE = -1.0, 0.0, 1.0
"""The gripper's command; robosuite keeps the opening at 0."""
FIRM = 16
"""Steps until a grip is firm."""
LET_GO = 8

_STILL = np.zeros(3)
_LEAD = 0.03  # how far ahead on its line the hand aims (m)
_LINE_SPEED = 0.012  # m a step
_ARRIVED = 0.008  # from the end of its line (m)
_BACK = 0.12  # so far the hand draws back from what it has released (m)


class Hand:
    """Moves the hand of a world by feedback. Lengths are in m, speeds a share of the largest.

    Args:
        world: to move in.
        act: carries out a command; the world's own step without it.
    """

    def __init__(self, world: LiberoWorld, act: Callable[[Array], None] | None = None) -> None:
        self.world = world
        self._act = act or world.step

    @property
    def at(self) -> Array:
        """Grip point, shape (3,)."""
        return self.world.hand

    @property
    def approach(self) -> Array:
        """Unit vector along which the fingers point."""
        return self.world.hand_rotation[:, 2]

    def step(self, move: Array, turn: Array, grip: float) -> None:
        """One command: shares of the largest displacement and turn, and the gripper's."""
        self._act(np.array([*move, *turn, grip]))

    def hold(self, steps: int, grip: float) -> None:
        """Stay where it is."""
        for _ in range(steps):
            self.step(_STILL, _STILL, grip)

    def turning(self, rotation: Array, fastest: float = 1.0) -> Array:
        """Command that turns the hand towards a rotation, the short way."""
        command = _between(self.world.hand_rotation, rotation) / ROTATION
        return _clipped(command, fastest)

    def go(
        self,
        point: Array | Sequence[float],
        grip: float,
        rotation: Array | None = None,
        *,
        near: float = 0.006,
        steps: int = 100,
        speed: float = 1.0,
        near_turn: float = 0.08,
    ) -> bool:
        """Go to a point (and rotation), straight: the command is clipped by its norm.

        Returns whether it arrived, `near` m and `near_turn` rad off at most.
        """
        goal = np.asarray(point, float)
        for _ in range(steps):
            move = _clipped((goal - self.at) / TRANSLATION, speed)
            turn = _STILL if rotation is None else self.turning(rotation, 0.6)
            self.step(move, turn, grip)
            if np.linalg.norm(goal - self.at) < near and self._turned(rotation, near_turn):
                return True
        return False

    def _turned(self, rotation: Array | None, near: float) -> bool:
        if rotation is None:
            return True
        return float(np.linalg.norm(_between(self.world.hand_rotation, rotation))) < near

    def follow_line(self, point: Array | Sequence[float], grip: float, rotation: Array) -> bool:
        """Follow the straight line from here to a point; returns whether it arrived."""
        start, goal = self.at, np.asarray(point, float)
        length = float(np.linalg.norm(goal - start))
        along = (goal - start) / max(length, 1e-9)
        fastest = _LINE_SPEED / 0.008
        for _ in range(int(length / _LINE_SPEED * 2) + 15):
            ahead = np.clip((self.at - start) @ along + _LEAD, 0.0, length)
            move = _clipped((start + ahead * along - self.at) / TRANSLATION, fastest)
            self.step(np.clip(move, -1.0, 1.0), self.turning(rotation, 0.5), grip)
            if np.linalg.norm(goal - self.at) < _ARRIVED:
                return True
        return False

    def release(self) -> None:
        """Open, draw back along the approach, and let things come to rest."""
        self.hold(LET_GO, OPEN)
        self.go(self.at - _BACK * self.approach, OPEN, near=0.02, steps=40)
        self.hold(LET_GO, OPEN)


def turned(axis: str, degrees: float, rotation: Array = DOWN) -> Array:
    """A rotation turned about one of the world's axes."""
    matrix: Array = Rotation.from_euler(axis, degrees, degrees=True).as_matrix() @ rotation
    return matrix


def part_way(start: Array, end: Array, share: float) -> Array:
    """The rotation a share of the short way from one to the other."""
    matrix: Array = Rotation.from_rotvec(_between(start, end) * share).as_matrix() @ start
    return matrix


def _between(start: Array, end: Array) -> Array:
    """Rotation vector (rad, world) from one rotation to another, the short way."""
    vector: Array = Rotation.from_matrix(end @ start.T).as_rotvec()
    return vector


def _clipped(command: Array, longest: float) -> Array:
    length = float(np.linalg.norm(command))
    return command * min(1.0, longest / max(length, 1e-9))
