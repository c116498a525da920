"""How the joints come to rest when they are braked as hard as the limits permit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ruckig import ControlInterface, InputParameter, Ruckig, Synchronization, Trajectory

from kinevla_ros.codec.chunk import JOINT_NAMES
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

STEP = 0.02
"""Time from point to point of a way (s)."""

_REST = [0.0] * len(JOINT_NAMES)


class Brake:
    """Braking of joints with these limits."""

    def __init__(self, limits: JointLimits) -> None:
        joints = len(JOINT_NAMES)
        self._ruckig, self._trajectory = Ruckig(joints), Trajectory(joints)
        self._input = InputParameter(joints)
        self._input.control_interface = ControlInterface.Velocity
        self._input.synchronization = Synchronization.No
        self._input.max_acceleration = limits.acceleration.tolist()
        self._input.max_jerk = limits.jerk.tolist()
        self._input.target_velocity = self._input.target_acceleration = _REST

    def way(self, position: Array, velocity: Array, acceleration: Array) -> Array:
        """Return the way on which the joints come to rest, shape (n, 7), rad, `STEP` apart.

        Joints stop at different times, so it is no straight line. The first point is `position`,
        the last where they rest.

        Args:
            position: shape (7,), rad.
            velocity: shape (7,), rad/s.
            acceleration: shape (7,), rad/s^2.
        """
        if not (velocity.any() or acceleration.any()):
            return position[None]
        self._input.current_position = position.tolist()
        self._input.current_velocity = velocity.tolist()
        self._input.current_acceleration = acceleration.tolist()
        self._ruckig.calculate(self._input, self._trajectory)
        duration = self._trajectory.duration
        times = [*np.arange(0.0, duration, STEP), duration]
        return np.array([self._trajectory.at_time(time)[0] for time in times])
