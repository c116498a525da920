"""Where the joints come to rest when they are braked as hard as the limits permit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ruckig import ControlInterface, InputParameter, Ruckig, Synchronization, Trajectory

from kinevla_ros.codec.chunk import JOINT_NAMES
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

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

    def rest(self, position: Array, velocity: Array, acceleration: Array) -> Array:
        """Return where the joints come to rest, shape (7,), rad.

        Args:
            position: shape (7,), rad.
            velocity: shape (7,), rad/s.
            acceleration: shape (7,), rad/s^2.
        """
        if not (velocity.any() or acceleration.any()):
            return position
        self._input.current_position = position.tolist()
        self._input.current_velocity = velocity.tolist()
        self._input.current_acceleration = acceleration.tolist()
        self._ruckig.calculate(self._input, self._trajectory)
        rest, _, _ = self._trajectory.at_time(self._trajectory.duration)
        return np.array(rest)
