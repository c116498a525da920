"""The stream behind the gate: nothing leaves it that a check has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.braking import Brake
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused
from kinevla_ros.robot.gate.chunk_checks import ChunkCase
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.gate import (
    CHUNK_CHECKS,
    FIRST_TARGET_CHECKS,
    MOTION_CHECKS,
    START_CHECKS,
    TARGET_CHECKS,
    TELEOP_CHECKS,
    run_checks,
)
from kinevla_ros.robot.gate.target_checks import TargetCase
from kinevla_ros.robot.gate.teleop_checks import TeleopCase
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.stream import JointStream, StreamError, StreamSample
from kinevla_ros.robot.state import ArmState

Array = NDArray[np.float64]

CHECKED_STEP = 0.02
"""From point to point of a way to rest at which clearances are looked at, s."""


class GatedStream:
    """Takes chunks and teleoperation targets that pass, gives targets that pass.

    Args:
        limits: limits of the joints.
        space: clearances of the arm.
        dt: time between targets, s.
        gripper_lead: how much earlier than due the gripper's targets are given, s.
    """

    def __init__(
        self, limits: JointLimits, space: CollisionModel, dt: float, gripper_lead: float
    ) -> None:
        self._limits, self._space, self._dt = limits, space, dt
        self._stream = JointStream(limits, dt, gripper_lead)
        self._brake = Brake(limits, dt)
        self._stride = max(round(CHECKED_STEP / dt), 1)
        self._path: Array | None = None  # the last three targets; None while nothing is sent
        self._first = False

    @property
    def sending(self) -> bool:
        """Whether there is a next target."""
        return self._path is not None

    @property
    def at_rest(self) -> bool:
        """Whether the last target was at rest with none ahead."""
        return self._stream.at_rest

    def begin(self, q: Array) -> CheckResult:
        """Rest at `q`, where the arm is, shape (7,), rad; or say why no motion may begin there."""
        path = np.tile(q, (4, 1))
        if not (result := self._check(START_CHECKS, path, q[None], q)).ok:
            return result
        self._stream.reset(q)
        self._path, self._first = path[1:], True
        return PASSED

    def end(self) -> None:
        """Send nothing more."""
        self._path = None

    def halt(self) -> None:
        """Go to rest as fast as the limits permit."""
        self._stream.halt()

    def go_on_from(self, path: Array, velocity: Array, acceleration: Array, now: float) -> None:
        """Go on from where the arm was sent in the meantime, instead of from the last target.

        Args:
            path: the last three points sent, shape (3, 7), rad.
            velocity: at the last of them, shape (7,), rad/s.
            acceleration: there, shape (7,), rad/s^2.
            now: the time, s.
        """
        self._path, self._first = path, False
        self._stream.go_on_from(path[-1], velocity, acceleration, now)

    def set_speed(self, share: float) -> None:
        """Run at this share of full speed, 0 to 1, on the same path."""
        self._stream.speed = share

    def follow(self, chunk: ActionChunk, state: ArmState, now: float) -> CheckResult:
        """Follow the chunk from the next target on, or say why not and go on as before."""
        assert self._path is not None
        case = ChunkCase(chunk, state, self._path[-1], self._limits, self._space, now)
        if not (result := run_checks(CHUNK_CHECKS, case)).ok:
            return result
        ignored = self._stream.follow(chunk, now)
        return PASSED if ignored is None else refused(Fault.STALE_CHUNK, ignored)

    def lead(self, target: JointTarget, now: float, lasts: float) -> CheckResult:
        """Go to the target, or say why not and stay; after `lasts` s stay in any case."""
        assert self._path is not None
        case = TeleopCase(target, self._path[-1], self._limits, self._space, now)
        if (result := run_checks(TELEOP_CHECKS, case)).ok:
            self._stream.lead(target.positions, target.gripper, now, lasts)
        elif result.fault is not Fault.INVALID_TARGET:
            self._stream.stay()
        return result

    def next(self, measured: Array, now: float) -> tuple[StreamSample | None, CheckResult]:
        """Return what to send now, and the failure that has halted the motion if one has.

        The target that failed is not sent; in its place goes one that brakes from the target
        before. Nothing more is sent if that fails as well, or if it was to be the first.

        Args:
            measured: where the joints are, shape (7,), rad.
            now: the time, s.
        """
        may_brake = not (self._stream.halted or self._first)
        sample, result = self._candidate(measured, now)
        if not result.ok:
            failed, sample = sample, None
            if failed is not None:
                self._stream.undo()
            self._stream.halt()
            if may_brake:
                braking, passed = self._candidate(measured, now)
                sample = braking if passed.ok else None
        if sample is None:
            self.end()
        else:
            assert self._path is not None
            self._path, self._first = np.vstack([self._path[1:], sample.position]), False
        return sample, result

    def _candidate(self, measured: Array, now: float) -> tuple[StreamSample | None, CheckResult]:
        """Return the stream's next sample and whether it may be sent."""
        assert self._path is not None
        try:
            sample = self._stream.step(now)
        except StreamError as error:
            return None, refused(Fault.INVALID_TARGET, str(error))
        path = np.vstack([self._path, sample.position])
        way = self._brake.way(sample.position, sample.velocity, sample.acceleration)
        sample = replace(sample, way=way)
        if self._stream.halted:
            return sample, self._check(MOTION_CHECKS, path, path[-1:], measured)
        checks = FIRST_TARGET_CHECKS if self._first else TARGET_CHECKS
        steps = len(way.positions)
        looked_at = sorted({*range(0, steps, self._stride), steps - 1})
        return sample, self._check(checks, path, way.positions[looked_at], measured)

    def _check(
        self,
        checks: Iterable[Callable[[TargetCase], CheckResult]],
        path: Array,
        way: Array,
        measured: Array,
    ) -> CheckResult:
        case = TargetCase(path, way, measured, self._limits, self._space, self._dt)
        return run_checks(checks, case)
