"""Action chunks in, one jerk-limited joint target per tick out.

The chunks' targets make a path in time. At every tick ruckig heads for where the reference on it
is, to be at rest there. So the arm can always stop within the path: it passes no target, hence no
position limit, whatever the next chunk brings, and a chunk that never comes needs no reaction. The
price is a lag of the braking distance, 4 ms for each 0.05 rad/s. Slower speed lets the reference
run slower on the same path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ruckig import (
    ControlInterface,
    InputParameter,
    OutputParameter,
    Result,
    Ruckig,
    Synchronization,
)

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.robot.gate.braking import WayToRest
from kinevla_ros.robot.gate.delay import speed_share
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

SPEED_RAMP = 5.0
"""How fast the speed scaling follows what is asked for, 1/s: from full speed to pause in 0.2 s."""

_SAME_TIME, _SAME_PLACE = 1e-9, 1e-6
_REST = [0.0] * len(JOINT_NAMES)


class StreamError(RuntimeError):
    """No motion inside the limits could be found."""


@dataclass(frozen=True, eq=False)
class StreamSample:
    """What to send to the arm at one tick.

    Attributes:
        position: joint targets, shape (7,), rad.
        velocity: shape (7,), rad/s.
        acceleration: shape (7,), rad/s^2.
        gripper: opening, m; None to leave the gripper as it is.
        goal: where the path leads at the speed that is asked for, shape (7,), rad.
        starved: No target lies ahead: the joints go to rest at the last one and stay.
        way: how the joints come to rest from here; None before the gate has added it.
    """

    position: Array
    velocity: Array
    acceleration: Array
    gripper: float | None
    goal: Array
    starved: bool
    way: WayToRest | None = None


@dataclass(frozen=True, eq=False)
class _Path:
    """Targets to be led through: shape (n, 7), rad, at times from the path's start, s.

    Attributes:
        ends: time on the clock after which the path is no longer followed, s.
        grip_times, grips: when the gripper is sent where, m.
    """

    times: Array
    positions: Array
    ends: float
    grip_times: Array
    grips: Array


class JointStream:
    """Joins chunks into one motion and samples it at a fixed rate.

    A new chunk takes over from its first target that still lies ahead; the path leads there in a
    straight line from the reference. From tick to tick the joints move on by exactly `dt`,
    whatever the clock says: a late tick delays the motion, it never makes it faster.
    A chunk that comes late is followed more slowly, see `robot.gate.delay`.

    Args:
        limits: limits of the joints.
        dt: time between ticks, s.
        gripper_lead: how much earlier than due the gripper's targets are given, s.

    Attributes:
        speed: share of full speed that is asked for, 0 to 1.
        halted: whether the joints go to rest until `reset`.
    """

    def __init__(
        self, limits: JointLimits, dt: float = STREAM_PERIOD, gripper_lead: float = 0.0
    ) -> None:
        self._limits, self._dt, self._gripper_lead = limits, dt, gripper_lead
        joints = len(JOINT_NAMES)
        self._ruckig = Ruckig(joints, dt)
        self._input, self._output = InputParameter(joints), OutputParameter(joints)
        self._input.max_velocity = limits.velocity.tolist()
        self._input.max_acceleration = limits.acceleration.tolist()
        self._input.max_jerk = limits.jerk.tolist()
        self._input.synchronization = Synchronization.No
        self.speed = self._speed = 1.0
        self._ready = False
        self._clear(np.zeros(joints))

    def reset(self, q: Array) -> None:
        """Forget all chunks and rest at `q`, shape (7,), rad.

        Raises:
            ValueError: A joint is not inside its position limits.
        """
        lower, upper = self._limits.lower - _SAME_PLACE, self._limits.upper + _SAME_PLACE
        if not ((q >= lower) & (q <= upper)).all():
            raise ValueError(f"joints at {q} are not inside their limits; no motion starts there")
        self._clear(q)
        self._ready = True

    def _clear(self, q: Array) -> None:
        self._newest: ActionChunk | None = None
        self.halted = False
        self._speed = self.speed
        self._timely = 1.0  # share of the asked speed that the newest chunk's delay leaves
        self._gripper: float | None = None
        self._clock = -np.inf  # time of the reference
        self._along = 0.0  # time on the path of the reference
        none = np.zeros(0)
        self._path = _Path(np.zeros(1), np.array([q]), -np.inf, none, none)
        self._input.current_position = q.tolist()
        self._input.current_velocity = self._input.current_acceleration = _REST
        self._input.control_interface = ControlInterface.Position
        self._before = (q.tolist(), _REST, _REST)

    def follow(self, chunk: ActionChunk, now: float) -> str | None:
        """Follow `chunk` from the next tick on.

        Sequence numbers are compared while the newest chunk lasts; a policy that has been started
        begins to count again.

        Returns:
            Why the chunk is ignored; None when it is taken.
        """
        if self.halted:
            return "the motion is halted"
        start, due = max(now, self._clock), chunk.times()
        if due[-1] < start + self._dt - _SAME_TIME:
            late = now - due[-1]
            return f"chunk {chunk.sequence} came too late: its last target is {late:.3f} s old"
        newest = self._newest
        if newest is not None and chunk.stamp <= newest.stamp:
            age = newest.stamp - chunk.stamp
            return f"chunk {chunk.sequence} is {age:.3f} s older than chunk {newest.sequence}"
        if newest and now <= newest.times()[-1] and chunk.sequence <= newest.sequence:
            return f"chunk {chunk.sequence} comes out of order, after chunk {newest.sequence}"
        ahead = due >= start + self._dt - _SAME_TIME
        times, positions = due[ahead] - start, chunk.positions[ahead]
        self._set_path(times, positions, start, float(due[-1]), due - start, chunk.gripper)
        self._newest = chunk
        self._timely = speed_share(now - chunk.stamp)
        return None

    def lead(self, q: Array, gripper: float | None, now: float, lasts: float) -> None:
        """Go straight to `q`, shape (7,), rad, and open to `gripper`, m, unless halted.

        Args:
            lasts: time after which the way is no longer followed, s.
        """
        if self.halted:
            return
        start = max(now, self._clock)
        seconds = float((abs(q - self._reference()) / self._limits.velocity).max())
        times = np.array([max(seconds, self._dt)])
        grips = np.zeros(0) if gripper is None else np.array([gripper])
        self._set_path(times, q[None], start, now + lasts, np.zeros(len(grips)), grips)
        self._timely = 1.0

    def _set_path(
        self,
        times: Array,
        positions: Array,
        start: float,
        ends: float,
        grip_times: Array,
        grips: Array,
    ) -> None:
        inside = np.clip(positions, self._limits.target_lower, self._limits.target_upper)
        route = np.vstack([self._reference(), inside])
        self._path = _Path(np.append(0.0, times), route, ends, grip_times, grips)
        self._clock, self._along = start, 0.0

    def stay(self) -> None:
        """Rest where the reference is."""
        none = np.zeros(0)
        self._path = _Path(np.zeros(1), self._reference()[None], -np.inf, none, none)
        self._along = 0.0

    def halt(self) -> None:
        """Go to rest as fast as the limits permit and take no chunk until `reset`."""
        self.halted = True
        self._input.control_interface = ControlInterface.Velocity

    def step(self, now: float) -> StreamSample:
        """Return the sample for `now + dt`.

        Raises:
            RuntimeError: There was no `reset`.
            StreamError: There is no motion inside the limits.
        """
        if not self._ready:
            raise RuntimeError("the stream has no position to start from; call reset(q) first")
        given = self._input
        self._before = (given.current_position, given.current_velocity, given.current_acceleration)
        self._advance(now + self._dt)
        given.target_position = self._reference().tolist()
        given.target_velocity = given.target_acceleration = _REST
        result = self._ruckig.update(given, self._output)
        if result not in (Result.Working, Result.Finished):
            raise StreamError(f"no motion inside the limits is found: {result}")
        self._output.pass_to_input(given)
        return StreamSample(
            position=np.array(self._output.new_position),
            velocity=np.array(self._output.new_velocity),
            acceleration=np.array(self._output.new_acceleration),
            gripper=self._grip(),
            goal=self._goal(),
            starved=self._starved(),
        )

    def undo(self) -> None:
        """Return the joints to where they were before the last step, which was not sent."""
        given = self._input
        given.current_position, given.current_velocity, given.current_acceleration = self._before

    def go_on_from(self, position: Array, velocity: Array, acceleration: Array, now: float) -> None:
        """Take the joints to be here, moving so; the path is followed later by the time lost.

        Args:
            position: shape (7,), rad.
            velocity: shape (7,), rad/s.
            acceleration: shape (7,), rad/s^2.
            now: the time, s.
        """
        given = self._input
        given.current_position, given.current_velocity = position.tolist(), velocity.tolist()
        given.current_acceleration = acceleration.tolist()
        self._clock = max(self._clock, now)

    @property
    def at_rest(self) -> bool:
        """Whether the last sample was at rest with no target ahead."""
        moving = np.abs(self._input.current_velocity).max() > 1e-6
        away = np.abs(np.array(self._input.current_position) - self._reference()).max() > 1e-6
        return self._starved() and not moving and (self.halted or not away)

    def _advance(self, due: float) -> None:
        """Move the reference on to the time `due`, as far as speed and path permit."""
        change = SPEED_RAMP * self._dt
        asked = self.speed * self._timely
        self._speed += float(np.clip(asked - self._speed, -change, change))
        passed = min(due, self._path.ends) - self._clock
        if passed > 0 and np.isfinite(passed):
            self._along = min(self._along + self._speed * passed, float(self._path.times[-1]))
        self._clock = max(due, self._clock)

    def _reference(self) -> Array:
        """Where the path wants the joints now: straight between targets, shape (7,)."""
        path, along = self._path, self._along
        if len(path.times) == 1:
            return np.array(path.positions[0])
        index = int(np.clip(np.searchsorted(path.times, along), 1, len(path.times) - 1))
        begin, end = path.times[index - 1], path.times[index]
        share = min(max((along - begin) / (end - begin), 0.0), 1.0)
        return np.array((1 - share) * path.positions[index - 1] + share * path.positions[index])

    def _goal(self) -> Array:
        reference = self._reference()
        if self._starved():
            return reference
        return np.array(reference + self._speed * (self._path.positions[-1] - reference))

    def _starved(self) -> bool:
        over = self._clock >= self._path.ends - _SAME_TIME
        return self.halted or over or bool(self._along >= self._path.times[-1] - _SAME_TIME)

    def _grip(self) -> float | None:
        """Return the gripper value of the last target that is due, kept until the next is."""
        if not self.halted:
            due = self._along + self._gripper_lead + _SAME_TIME
            passed = int((self._path.grip_times <= due).sum())
            if passed:
                self._gripper = float(self._path.grips[passed - 1])
        return self._gripper
