"""What stands on the table of LIBERO-Goal, and the one frame of reference.

World frame of LIBERO: the robot's base at x = -0.66 m looks along +x, the table top is at
z = 0.9 m. The front camera stands at x = 0.66 m and looks back at the robot. Left, right, front
and back are those of its upright, unmirrored picture, as in the cell: right is +y, left is -y,
front (near, bottom) is +x, back (far, upper) is -x.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDES: Mapping[str, Array] = {
    "left": np.array([0.0, -1.0, 0.0]),
    "right": np.array([0.0, 1.0, 0.0]),
    "front": np.array([1.0, 0.0, 0.0]),
    "back": np.array([-1.0, 0.0, 0.0]),
}

DOWN = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""Hand straight down; columns: closing axis (along y), the axis across it, approach."""

BOWL, PLATE, BOTTLE, CHEESE = "akita_black_bowl_1", "plate_1", "wine_bottle_1", "cream_cheese_1"
CABINET, STOVE, RACK = "wooden_cabinet_1", "flat_stove_1", "wine_rack_1"
OBJECTS = (BOWL, PLATE, BOTTLE, CHEESE)
FIXTURES = (CABINET, STOVE, RACK)
DRAWERS = ("top", "middle", "bottom")

DRAWER_TRAVEL = 0.16
"""How far a drawer comes out (m)."""
DRAWER_FLOOR = 1.064
"""Height of the floor of the top drawer (m)."""
STOVE_HALF = 0.095
"""Half the side of the stove's burner plate (m)."""
LABEL = np.array([0.0, -1.0, 0.0])
"""Side of the bottle that carries its label, in the bottle's frame; at the start it faces right."""
NECK, BODY = (0.085, 0.16), (0.0, 0.072)
"""Where neck and body of the bottle are, above its bottom (m)."""

KNOB = "flat_stove_1_button"
TOP_SIDE = "wooden_cabinet_1_top_side"
STOVE_CENTRE = "flat_stove_1_cook_region"
STOVE_FRONT = "main_table_stove_front_region"
"""LIBERO's region in front of the stove, fixed to the table: half size 0.04 m."""
RACK_TOP = "wine_rack_1_top_region"
RACK_NORMAL, RACK_SLOPE = np.array([0.0, 0.52, 0.85]), np.array([0.0, -0.87, 0.49])
"""Normal of the rack's upper board, and its direction of slope, upwards."""


def drawer_joint(which: str) -> str:
    """Name of the slide joint of a drawer: 0 shut, -0.16 m wide open."""
    return f"{CABINET}_{which}_level"


def drawer_region(which: str) -> str:
    """Name of the site in the middle of a drawer; it moves with the drawer."""
    return f"{CABINET}_{which}_region"
