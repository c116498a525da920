"""What may be other in the cell than usual: camera, light, clutter, the time a chunk takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import mujoco

from kinevla_ros.sim.cell.scene import scene_xml

Variation = Literal["camera", "lights", "distractors", "latency"]

MEANING: Mapping[str, str] = {
    "camera": "the front camera moves aside by a tenth of its distance from the table",
    "lights": "every light is half as bright",
    "distractors": "five unknown objects lie on the table, in view and out of the arm's way",
    "latency": "chunks come twice as late, as from a slower computer",
}
SHIFT, DIMMING = 0.10, 0.5
LATE = 0.2
"""Time from an observation to its chunk at the arm under the variation of the latency (s)."""

# Place on the table (m), half sizes (m), colour; beyond where bread and gripper go.
_DISTRACTORS = (
    ("box", (0.47, -0.20), (0.018, 0.018, 0.018), (0.1, 0.3, 0.8, 1)),
    ("cylinder", (0.45, -0.08), (0.016, 0.022, 0.0), (0.8, 0.1, 0.15, 1)),
    ("ellipsoid", (0.48, 0.03), (0.030, 0.014, 0.014), (0.9, 0.75, 0.1, 1)),
    ("box", (0.45, 0.14), (0.030, 0.010, 0.012), (0.15, 0.55, 0.25, 1)),
    ("cylinder", (0.48, 0.24), (0.022, 0.010, 0.0), (0.5, 0.2, 0.6, 1)),
)


def cell_model(variation: Variation | None = None) -> mujoco.MjModel:
    """The cell's compiled world; plain without a variation."""
    spec = mujoco.MjSpec.from_string(scene_xml())
    if variation == "camera":
        _shift_camera(spec)
    elif variation == "lights":
        _dim(spec)
    elif variation == "distractors":
        _clutter(spec)
    return spec.compile()


def _shift_camera(spec: mujoco.MjSpec) -> None:
    """Aside in the image, to the right (+y)."""
    camera = spec.camera("front")
    x, y, z = camera.pos
    # It looks down at 45 degrees.
    camera.pos = (x, y + SHIFT * z * math.sqrt(2), z)


def _dim(spec: mujoco.MjSpec) -> None:
    head = spec.visual.headlight
    for light in (*spec.lights, head):
        light.ambient, light.diffuse, light.specular = (
            [DIMMING * part for part in colour]
            for colour in (light.ambient, light.diffuse, light.specular)
        )


def _clutter(spec: mujoco.MjSpec) -> None:
    shapes = {
        "box": mujoco.mjtGeom.mjGEOM_BOX,
        "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
        "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    }
    for number, (shape, (x, y), size, colour) in enumerate(_DISTRACTORS):
        height = size[1] if shape == "cylinder" else size[2]
        spec.worldbody.add_geom(
            name=f"distractor_{number}",
            type=shapes[shape],
            pos=(x, y, height),
            size=size,
            rgba=colour,
            contype=2,
            conaffinity=3,
        )
