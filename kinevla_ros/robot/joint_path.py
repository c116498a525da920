"""One joint's way through timed targets, with its speed, acceleration and jerk inside the limits.

Every piece between targets is a ruckig trajectory, so the motion is continuous in position,
velocity and acceleration. Ruckig does not keep position limits; the planner does, by two rules:
no target is passed faster than the joint can stop behind it, and a piece that swings out of the
room around the targets is not taken.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from ruckig import ControlInterface, InputParameter, Result, Ruckig, RuckigError, Trajectory

OVERRUN = 0.03
"""How far a joint may run past its last target before it comes back and rests there (rad).

Braking that starts at the last target, not before it, keeps the motion even when the next chunk
arrives at the last moment."""

_TOLERANCE = 1e-6


class JointState(NamedTuple):
    """Position (rad), velocity (rad/s) and acceleration (rad/s^2) of one joint."""

    position: float
    velocity: float = 0.0
    acceleration: float = 0.0


class JointPath:
    """Trajectories one after another; the joint rests after the last.

    Args:
        start: time of the first state, s.
        pieces: trajectories of one joint, each beginning where the one before it ends.

    Attributes:
        end: time from which the joint rests, s.
    """

    def __init__(self, start: float, pieces: Sequence[Trajectory]) -> None:
        self._pieces = pieces
        self._starts = [start]
        for piece in pieces[:-1]:
            self._starts.append(self._starts[-1] + piece.duration)
        self.end = self._starts[-1] + pieces[-1].duration

    def at(self, time: float) -> JointState:
        """Return the state at a time, s, not before the start."""
        index = max(bisect_right(self._starts, time) - 1, 0)
        piece = self._pieces[index]
        position, velocity, acceleration = piece.at_time(
            min(time - self._starts[index], piece.duration)
        )
        return JointState(position[0], velocity[0], acceleration[0])


class JointPlanner:
    """Plans one joint's path.

    Args:
        lower, upper: position limits, rad.
        velocity, acceleration, jerk: limits, rad/s, rad/s^2, rad/s^3.
    """

    def __init__(
        self, lower: float, upper: float, velocity: float, acceleration: float, jerk: float
    ) -> None:
        self._velocity, self._acceleration, self._jerk = velocity, acceleration, jerk
        # Braking that ends with zero acceleration goes a little further than the path it leaves:
        # at most the way covered while full deceleration fades.
        reserve = acceleration**3 / (6 * jerk**2)
        self._lower, self._upper = lower + reserve, upper - reserve
        self._ruckig = Ruckig(1)

    def brake(self, time: float, start: JointState) -> JointPath:
        """Return the path from `start` to rest that is shortest in time."""
        return JointPath(time, [self._brake(start)])

    def follow(
        self, time: float, start: JointState, due: Sequence[float], targets: Sequence[JointState]
    ) -> JointPath:
        """Return the path from `start` through the targets to rest at the last one.

        A target that cannot be reached in time is left out; when none can, the joint goes to
        the last one as fast as it may.

        Args:
            time: time of `start`, s.
            start: state under way.
            due: time of each target, s, ascending, later than `time`.
            targets: states to pass; the joint may pass them slower.
        """
        low, high = self._room(start, targets)
        goals = [self._stoppable(goal, low, high) for goal in targets]
        begin, state = time, start
        pieces: list[Trajectory] = []
        for arrival, goal in zip(due, goals, strict=True):
            piece = self._move(state, goal, arrival - time)
            if piece is not None and _stays(piece, low, high):
                pieces.append(piece)
                time, state = arrival, goal
        pieces.append(self._move(state, JointState(targets[-1].position)))
        return JointPath(begin, pieces)

    def _room(self, start: JointState, targets: Sequence[JointState]) -> tuple[float, float]:
        """Positions the path may touch: around the targets and where the joint can stop at all."""
        braking = self._brake(start).position_extrema[0]
        low = min(braking.min, min(goal.position for goal in targets) - OVERRUN)
        high = max(braking.max, max(goal.position for goal in targets) + OVERRUN)
        return max(low, self._lower), min(high, self._upper)

    def _stoppable(self, goal: JointState, low: float, high: float) -> JointState:
        """Return the goal slowed down until the joint can stop behind it inside the room."""
        velocity = _clamp(goal.velocity, self._velocity)
        acceleration = _clamp(goal.acceleration, self._acceleration)
        state = JointState(goal.position, velocity, acceleration)
        crest = abs(velocity) + acceleration**2 / (2 * self._jerk)
        if crest <= self._velocity and _stays(self._brake(state), low, high):
            return state
        room = high - goal.position if velocity > 0 else goal.position - low
        return JointState(goal.position, _clamp(velocity, self._stop_speed(room)))

    def _stop_speed(self, room: float) -> float:
        """Return the speed from which the joint, not accelerating, stops within `room` rad."""
        room = max(room, 0.0)
        fade = self._acceleration / self._jerk
        speed = self._acceleration / 2 * (math.sqrt(fade**2 + 8 * room / self._acceleration) - fade)
        if speed < self._acceleration * fade:  # full deceleration is never reached
            speed = (room**2 * self._jerk) ** (1 / 3)
        return speed

    def _brake(self, start: JointState) -> Trajectory:
        request = self._request(start)
        request.control_interface = ControlInterface.Velocity
        # Not a target here, but ruckig counts it among the extrema.
        request.target_position = [start.position]
        return self._solve(request)

    def _move(
        self, start: JointState, goal: JointState, duration: float | None = None
    ) -> Trajectory | None:
        """Return the motion that takes exactly `duration` s, or the fastest; None if impossible."""
        request = self._request(start)
        request.target_position = [goal.position]
        request.target_velocity = [goal.velocity]
        request.target_acceleration = [goal.acceleration]
        if duration is None:
            return self._solve(request)
        request.minimum_duration = duration
        try:
            piece = self._solve(request)
        except RuckigError:
            return None
        return piece if abs(piece.duration - duration) < _TOLERANCE else None

    def _request(self, start: JointState) -> InputParameter:
        request = InputParameter(1)
        request.max_velocity = [self._velocity]
        request.max_acceleration = [self._acceleration]
        request.max_jerk = [self._jerk]
        request.current_position = [start.position]
        request.current_velocity = [start.velocity]
        request.current_acceleration = [start.acceleration]
        return request

    def _solve(self, request: InputParameter) -> Trajectory:
        piece = Trajectory(1)
        if self._ruckig.calculate(request, piece) != Result.Working:
            raise RuckigError("no motion within the limits")
        return piece


def _stays(piece: Trajectory, low: float, high: float) -> bool:
    extrema = piece.position_extrema[0]
    return low - _TOLERANCE <= extrema.min and extrema.max <= high + _TOLERANCE


def _clamp(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))
