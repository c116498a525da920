"""The things of the Kine-Realman tasks, as they are numbered wherever their poses are a vector."""

from __future__ import annotations

OBJECTS: tuple[str, ...] = ("plate", "carrot", "bread")
"""Order in `environment_state` and in what a generator locates: x, y (m), cosine, sine of yaw."""

ALIKE_TURNED = frozenset({"bread"})
"""What looks the same after half a turn, and is grasped alike."""
