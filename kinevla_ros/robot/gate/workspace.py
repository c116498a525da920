"""The space the arm may use: a box on a table, and the distances kept from it and from itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

Range = tuple[float, float]


@dataclass(frozen=True)
class Workspace:
    """Where links and gripper may be, in `base_link`, m.

    Attributes:
        x, y: smallest and largest coordinate.
        top: largest height.
        table: height of the table's surface.
        link_clearance: distance that links and palm keep from the table.
        finger_clearance: distance that the fingertips keep from the table; below zero, how far
            they may press on it.
        self_clearance: distance between parts of the arm that are not neighbours.

    Raises:
        ValueError: A value is missing or not finite, or no room is left.
    """

    x: Range
    y: Range
    top: float
    table: float
    link_clearance: float
    finger_clearance: float
    self_clearance: float

    def __post_init__(self) -> None:
        heights = (self.table, self.top)
        for name, bounds in (("x", self.x), ("y", self.y), ("table and top", heights)):
            if len(bounds) != 2 or not all(math.isfinite(bound) for bound in bounds):
                raise ValueError(f"workspace: {name} is {bounds}; give two numbers in m")
            if not bounds[0] < bounds[1]:
                raise ValueError(f"workspace: {name} from {bounds[0]} to {bounds[1]} m is empty")
        for name in ("link_clearance", "finger_clearance", "self_clearance"):
            if not math.isfinite(value := getattr(self, name)):
                raise ValueError(f"workspace: {name} is {value}; give a distance in m")
        if self.link_clearance < 0 or self.self_clearance < 0:
            raise ValueError("workspace: link_clearance and self_clearance must not be negative")


DEFAULT_WORKSPACE = Workspace(
    x=(-0.40, 0.75),
    y=(-0.70, 0.70),
    top=1.10,
    table=0.0,
    link_clearance=0.02,
    finger_clearance=0.0,
    self_clearance=0.01,
)
"""Of an arm whose base plate stands on the table. MoveIt Servo keeps the same distances from itself
and from the scene; grasps of flat objects end with the fingertips 4 mm above the table."""

CELL_WORKSPACE = replace(DEFAULT_WORKSPACE, finger_clearance=-0.012)
"""The simulated cell's: its fingertips are soft and may press on the table."""
