"""Action chunks in, one jerk-limited joint target per tick out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.robot.joint_path import JointPath, JointPlanner, JointState
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

_SAME_TIME = 1e-9


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

    A new chunk takes over from its first target that still lies ahead. Each joint follows a path
    of its own (`joint_path`), planned from its state at that moment, so nothing jumps. From tick
    to tick the path moves on by exactly `dt`, whatever the clock says: a late tick delays the
    motion until the next chunk, it never makes it faster.

    Args:
        limits: limits of the joints.
        dt: time between ticks, s.
    """

    def __init__(self, limits: JointLimits, dt: float = 0.02) -> None:
        self._limits, self._dt = limits, dt
        rows = np.stack(
            [limits.lower, limits.upper, limits.velocity, limits.acceleration, limits.jerk], axis=1
        )
        self._planners = [JointPlanner(*row) for row in rows.tolist()]
        self._paths: list[JointPath] = []
        self._clock = 0.0  # time of the last sample
        self._newest: ActionChunk | None = None
        self._chunk: ActionChunk | None = None  # the one followed; the newest from the next tick on
        self._gripper: float | None = None
        self._halted = False

    def reset(self, q: Array) -> None:
        """Forget all chunks and rest at `q`, shape (7,), rad.

        Raises:
            ValueError: A joint is not inside its position limits.
        """
        if not ((q >= self._limits.lower) & (q <= self._limits.upper)).all():
            raise ValueError(f"joints at {q} are not inside their limits; no motion starts there")
        self._clock, self._gripper, self._halted = 0.0, None, False
        self._newest = self._chunk = None
        self._paths = [
            planner.brake(self._clock, JointState(position))
            for planner, position in zip(self._planners, q.tolist(), strict=True)
        ]

    def add(self, chunk: ActionChunk, now: float) -> str | None:
        """Follow `chunk` from the next tick on.

        Sequence numbers are compared while the newest chunk lasts; a policy that has been started
        anew begins to count again.

        Returns:
            Why the chunk is ignored; None when it is taken.
        """
        if self._halted:
            return "the motion is halted"
        end = chunk.times()[-1]
        if end < now + self._dt:
            return f"chunk {chunk.sequence} came too late: its last target is {now - end:.3f} s old"
        newest = self._newest
        if newest is not None and chunk.stamp <= newest.stamp:
            age = newest.stamp - chunk.stamp
            return f"chunk {chunk.sequence} is {age:.3f} s older than chunk {newest.sequence}"
        if newest and now <= newest.times()[-1] and chunk.sequence <= newest.sequence:
            return f"chunk {chunk.sequence} comes out of order, after chunk {newest.sequence}"
        self._newest = chunk
        return None

    def halt(self) -> None:
        """Go to rest as fast as the limits permit and take no chunk until `reset`."""
        if not self._halted:
            self._halted = True
            self._paths = [
                planner.brake(self._clock, path.at(self._clock))
                for planner, path in zip(self._planners, self._paths, strict=True)
            ]

    def step(self, now: float) -> StreamSample:
        """Return the sample for `now + dt`.

        Raises:
            RuntimeError: There was no `reset`.
        """
        if not self._paths:
            raise RuntimeError("the stream has no position to start from; call reset(q) first")
        if self._newest is not self._chunk and not self._halted:
            self._splice(now)
        self._clock += self._dt
        states = np.array([path.at(self._clock) for path in self._paths])
        return StreamSample(
            position=states[:, 0],
            velocity=states[:, 1],
            acceleration=states[:, 2],
            gripper=self._grip(),
            chunk_sequence=None if self._chunk is None else self._chunk.sequence,
            starved=self._starved(),
        )

    @property
    def at_rest(self) -> bool:
        """Whether the last sample was at rest with no target ahead."""
        return self._starved() and all(path.end <= self._clock for path in self._paths)

    def _splice(self, now: float) -> None:
        """Plan from the last sample, taken to be that for `now`, through the newest chunk."""
        chunk = self._chunk = self._newest
        assert chunk is not None
        due = chunk.times()
        ahead = due >= now + self._dt - _SAME_TIME
        if not ahead.any():
            return
        targets = np.clip(chunk.positions, self._limits.target_lower, self._limits.target_upper)
        velocity = np.gradient(targets, chunk.dt, axis=0)
        acceleration = np.gradient(velocity, chunk.dt, axis=0)
        states = np.stack([targets, velocity, acceleration], axis=-1)[ahead]
        self._paths = [
            planner.follow(
                now, path.at(self._clock), due[ahead].tolist(), [JointState(*s) for s in column]
            )
            for planner, path, column in zip(
                self._planners, self._paths, states.swapaxes(0, 1).tolist(), strict=True
            )
        ]
        self._clock = now

    def _starved(self) -> bool:
        if self._halted or self._chunk is None:
            return True
        return bool(self._chunk.times()[-1] <= self._clock + _SAME_TIME)

    def _grip(self) -> float | None:
        """Return the gripper value of the last target that is due, kept until the next is."""
        if self._chunk is not None and not self._halted:
            passed = int((self._chunk.times() <= self._clock + _SAME_TIME).sum())
            if passed:
                self._gripper = float(self._chunk.gripper[passed - 1])
        return self._gripper
