"""How the joints come to rest when they are braked as hard as the limits permit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ruckig import ControlInterface, InputParameter, Ruckig, Synchronization, Trajectory

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

_REST = [0.0] * len(JOINT_NAMES)


@dataclass(frozen=True, eq=False)
class WayToRest:
    """The way on which the joints come to rest, from one target on, in steps of a fixed period.

    Attributes:
        positions: shape (n, 7), rad; the first is the target itself, the last is at rest.
        velocities: shape (n, 7), rad/s.
        accelerations: shape (n, 7), rad/s^2.
    """

    positions: Array
    velocities: Array
    accelerations: Array


class Brake:
    """Braking of joints with these limits.

    Args:
        limits: limits of the joints.
        dt: time from step to step of a way, s.
    """

    def __init__(self, limits: JointLimits, dt: float = STREAM_PERIOD) -> None:
        joints = len(JOINT_NAMES)
        self._dt = dt
        self._ruckig, self._trajectory = Ruckig(joints), Trajectory(joints)
        self._input = InputParameter(joints)
        self._input.control_interface = ControlInterface.Velocity
        self._input.synchronization = Synchronization.No
        self._input.max_acceleration = limits.acceleration.tolist()
        self._input.max_jerk = limits.jerk.tolist()
        self._input.target_velocity = self._input.target_acceleration = _REST

    def way(self, position: Array, velocity: Array, acceleration: Array) -> WayToRest:
        """Return the way to rest; joints stop at different times, so it is no straight line.

        Args:
            position: shape (7,), rad.
            velocity: shape (7,), rad/s.
            acceleration: shape (7,), rad/s^2.
        """
        if not (velocity.any() or acceleration.any()):
            return WayToRest(position[None], velocity[None], acceleration[None])
        self._input.current_position = position.tolist()
        self._input.current_velocity = velocity.tolist()
        self._input.current_acceleration = acceleration.tolist()
        self._ruckig.calculate(self._input, self._trajectory)
        steps = math.ceil(self._trajectory.duration / self._dt)
        # Beyond its duration the trajectory stays at rest.
        points = [self._trajectory.at_time(step * self._dt)[:3] for step in range(steps + 1)]
        return WayToRest(*(np.array(values) for values in zip(*points, strict=True)))
