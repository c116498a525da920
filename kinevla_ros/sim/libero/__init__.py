"""LIBERO-Goal as a second world: environment, judge and demonstrators of its kinematic ways."""
