"""Where the things of LIBERO lie, as the numbers that the vision of a model is trained to read."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.sim.libero.scene import BOTTLE, CHEESE, FIXTURES, OBJECTS
from kinevla_ros.sim.libero.world import LiberoWorld

_TURNED = (BOTTLE, CHEESE)
"""Whose yaw is seen; bowl and plate are round, and fixtures stand as they are."""

SCENE_NAMES = (
    *(f"{name}.{n}" for name in (*OBJECTS, *FIXTURES) for n in ("x", "y", "cos", "sin")),
    *("drawers.top", "drawers.middle", "knob.cos", "knob.sin"),
)
"""Places (m, LIBERO's world), yaws, openings of two drawers (m), turn of the knob."""


def scene_vector(world: LiberoWorld) -> NDArray[np.float32]:
    """The scene as it is, shape (32,), see `SCENE_NAMES`."""
    found: list[float] = []
    for name in (*OBJECTS, *FIXTURES):
        x, y, _ = world.position(name)
        turn = world.rotation(name)
        yaw = math.atan2(turn[1, 0], turn[0, 0]) if name in _TURNED else 0.0
        found += [x, y, math.cos(yaw), math.sin(yaw)]
    knob = world.knob()
    found += [world.drawer("top"), world.drawer("middle"), math.cos(knob), math.sin(knob)]
    return np.array(found, np.float32)
