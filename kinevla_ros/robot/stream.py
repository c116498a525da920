"""Action chunks in, one jerk-limited joint target per tick out.

The chunks' targets make a reference in time. At every tick ruckig heads for where the reference
is, to be at rest there. So the arm can always stop within the reference: it passes no target,
hence no position limit, whatever the next chunk brings, and a chunk that never comes needs no
reaction. The price is a lag of the braking distance, 4 ms for each 0.05 rad/s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ruckig import ControlInterface, InputParameter, OutputParameter, Ruckig, Synchronization

from kinevla_ros.codec.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

_SAME_TIME = 1e-9
_REST = [0.0] * len(JOINT_NAMES)


@dataclass(frozen=True, eq=False)
class StreamSample:
    """What to send to the arm at one tick.

    Attributes:
        position: joint targets, shape (7,), rad.
        velocity: shape (7,), rad/s.
        acceleration: shape (7,), rad/s^2.
        gripper: opening, m; None to leave the gripper as it is.
        chunk_sequence: number of the chunk followed; None before the first.
        starved: No target lies ahead: the joints go to rest at the last one and stay.
    """

    position: Array
    velocity: Array
    acceleration: Array
    gripper: float | None
    chunk_sequence: int | None
    starved: bool


class JointStream:
    """Joins chunks into one motion and samples it on a fixed grid.

    A new chunk takes over from its first target that still lies ahead; the reference leads there
    in a straight line from where it is. From tick to tick the joints move on by exactly `dt`,
    whatever the clock says: a late tick delays the motion, it never makes it faster.

    Args:
        limits: limits of the joints.
        dt: time between ticks, s.
        gripper_lead: how much earlier than due the gripper's targets are given, s.
    """

    def __init__(self, limits: JointLimits, dt: float = 0.02, gripper_lead: float = 0.0) -> None:
        self._limits, self._dt, self._gripper_lead = limits, dt, gripper_lead
        joints = len(JOINT_NAMES)
        self._ruckig = Ruckig(joints, dt)
        self._input, self._output = InputParameter(joints), OutputParameter(joints)
        self._input.max_velocity = limits.velocity.tolist()
        self._input.max_acceleration = limits.acceleration.tolist()
        self._input.max_jerk = limits.jerk.tolist()
        self._input.synchronization = Synchronization.No
        self._ready = False
        self._clear(np.zeros(joints))

    def reset(self, q: Array) -> None:
        """Forget all chunks and rest at `q`, shape (7,), rad.

        Raises:
            ValueError: A joint is not inside its position limits.
        """
        if not ((q >= self._limits.lower) & (q <= self._limits.upper)).all():
            raise ValueError(f"joints at {q} are not inside their limits; no motion starts there")
        self._clear(q)
        self._ready = True

    def _clear(self, q: Array) -> None:
        self._newest: ActionChunk | None = None
        self._halted = False
        self._gripper: float | None = None
        self._due = 0.0
        self._times, self._positions = np.zeros(1), np.array([q])
        self._input.current_position = q.tolist()
        self._input.current_velocity = self._input.current_acceleration = _REST
        self._input.control_interface = ControlInterface.Position

    def add(self, chunk: ActionChunk, now: float) -> str | None:
        """Follow `chunk` from the next tick on.

        Sequence numbers are compared while the newest chunk lasts; a policy that has been started
        anew begins to count again.

        Returns:
            Why the chunk is ignored; None when it is taken.
        """
        if self._halted:
            return "the motion is halted"
        due = chunk.times()
        if due[-1] < now + self._dt:
            late = now - due[-1]
            return f"chunk {chunk.sequence} came too late: its last target is {late:.3f} s old"
        newest = self._newest
        if newest is not None and chunk.stamp <= newest.stamp:
            age = newest.stamp - chunk.stamp
            return f"chunk {chunk.sequence} is {age:.3f} s older than chunk {newest.sequence}"
        if newest and now <= newest.times()[-1] and chunk.sequence <= newest.sequence:
            return f"chunk {chunk.sequence} comes out of order, after chunk {newest.sequence}"
        ahead = due >= now + self._dt - _SAME_TIME
        targets = np.clip(chunk.positions, self._limits.target_lower, self._limits.target_upper)
        start = self._reference(now)
        self._times = np.append(now, due[ahead])
        self._positions = np.vstack([start, targets[ahead]])
        self._newest = chunk
        return None

    def halt(self) -> None:
        """Go to rest as fast as the limits permit and take no chunk until `reset`."""
        self._halted = True
        self._input.control_interface = ControlInterface.Velocity

    def step(self, now: float) -> StreamSample:
        """Return the sample for `now + dt`.

        Raises:
            RuntimeError: There was no `reset`.
        """
        if not self._ready:
            raise RuntimeError("the stream has no position to start from; call reset(q) first")
        due = self._due = now + self._dt
        self._input.target_position = self._reference(due).tolist()
        self._input.target_velocity = self._input.target_acceleration = _REST
        self._ruckig.update(self._input, self._output)
        self._output.pass_to_input(self._input)
        return StreamSample(
            position=np.array(self._output.new_position),
            velocity=np.array(self._output.new_velocity),
            acceleration=np.array(self._output.new_acceleration),
            gripper=self._grip(due),
            chunk_sequence=None if self._newest is None else self._newest.sequence,
            starved=self._starved(due),
        )

    @property
    def at_rest(self) -> bool:
        """Whether the last sample was at rest with no target ahead."""
        moving = np.abs(self._input.current_velocity).max() > 1e-6
        away = np.abs(np.array(self._input.current_position) - self._positions[-1]).max() > 1e-6
        return self._starved(self._due) and not moving and (self._halted or not away)

    def _reference(self, time: float) -> Array:
        """Where the chunks want the joints at a time: straight between targets, shape (7,)."""
        columns = self._positions.T
        return np.array([np.interp(time, self._times, column) for column in columns])

    def _starved(self, time: float) -> bool:
        return self._halted or bool(self._times[-1] <= time + _SAME_TIME)

    def _grip(self, time: float) -> float | None:
        """Return the gripper value of the last target that is due, kept until the next is."""
        if self._newest is not None and not self._halted:
            due = time + self._gripper_lead + _SAME_TIME
            passed = int((self._newest.times() <= due).sum())
            if passed:
                self._gripper = float(self._newest.gripper[passed - 1])
        return self._gripper
