"""Whether ROS time runs: with `use_sim_time` it stands still unless somebody publishes /clock."""

from __future__ import annotations

import time

from rclpy.clock import Clock, ROSClock

PATIENCE = 0.5
"""How long /clock may stand still, s; a chunk lasts as long."""


class ClockWatch:
    """Looks at a node's clock again and again.

    Ages come from stamps: while the clock stands, every picture and every chunk looks fresh.
    """

    def __init__(self, clock: Clock) -> None:
        assert isinstance(clock, ROSClock)
        self._clock = clock
        self._seen, self._since = 0, time.monotonic()

    def problem(self) -> str:
        """Why ROS time does not run, and the way out; empty if it does."""
        if not self._clock.ros_time_is_active:
            return ""
        now, here = self._clock.now().nanoseconds, time.monotonic()
        if now != self._seen:
            self._seen, self._since = now, here
        if now == 0:
            return (
                "use_sim_time is set and nothing comes on /clock: start the simulation that "
                "publishes it, or set use_sim_time to false"
            )
        if (stood := here - self._since) > PATIENCE:
            return (
                f"use_sim_time is set and /clock has stood still for {stood:.1f} s: let the "
                "simulation go on, or set use_sim_time to false"
            )
        return ""
