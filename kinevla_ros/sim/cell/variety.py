"""How the cell may look to learn from: cameras, lights, colours, textures and clutter, at random.

Of what `sim.cell.variation` tries a policy on, the shapes on the table are of other kinds here, and
the front camera moves by less along each axis. But three axes and a turn add up to views that are
as far off, and single lights, with the exposure, to pictures that are as dark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.sim.cell.scene import scene_xml
from kinevla_ros.sim.cell.textures import table_textures

CAMERA_SHIFT = 0.08
"""Farthest that the front camera moves along each axis, of its distance from the table."""
CAMERA_TURN, WRIST_TURN = math.radians(3.0), math.radians(2.0)
WRIST_SHIFT = 0.005
FOV_CHANGE = 0.04
BRIGHTNESS = (0.6, 1.5)
SHADOWS = 0.15
"""Share of draws with one; on a CPU it costs five times as much as the rest of a picture."""
MOST_DISTRACTORS = 6
USUAL = 0.2
"""Share of draws that leave everything as it usually is."""

_POLYHEDRA, _CAPSULES, _SPHERES = 6, 4, 2
_HIDDEN = (0.0, 0.0, -5.0)
_CLEAR = 0.09
"""Distance of clutter from the middle of each object (m)."""


@dataclass(frozen=True)
class Exposure:
    """What a camera makes of light.

    Attributes:
        gains: of red, green and blue.
        gamma: exponent.
    """

    gains: NDArray[np.float64]
    gamma: float

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture as this camera takes it, RGB."""
        levels = (np.arange(256) / 255.0) ** self.gamma
        table = np.clip(levels[:, None] * self.gains * 255.0, 0, 255).astype(np.uint8)
        return np.stack([table[picture[..., c], c] for c in range(3)], axis=-1)


def varied_model() -> mujoco.MjModel:
    """The cell's world with what `Variety` draws from: textures, and shapes out of sight."""
    spec = mujoco.MjSpec.from_string(scene_xml())
    spec.visual.quality.shadowsize = 512
    for number, texture in enumerate(table_textures()):
        height, width = texture.shape[:2]
        spec.add_texture(
            name=f"table{number}", type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height,
            nchannel=3, data=texture.ravel().tolist(),
        )  # fmt: skip
        material = spec.add_material(name=f"table{number}", texrepeat=[2, 2])
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = f"table{number}"
    _add_shapes(spec)
    return spec.compile()


def _add_shapes(spec: mujoco.MjSpec) -> None:
    """Kinds that no variation has: polyhedra, capsules, spheres."""
    rng = np.random.default_rng(0)
    kinds = mujoco.mjtGeom
    for number in range(_POLYHEDRA + _CAPSULES + _SPHERES):
        name = f"clutter{number}"
        look = {"name": name, "pos": _HIDDEN, "contype": 0, "conaffinity": 0, "group": 0}
        if number < _POLYHEDRA:
            points = rng.normal(size=(10, 3))
            points *= rng.uniform(0.02, 0.04, 3) / np.linalg.norm(points, axis=1, keepdims=True)
            spec.add_mesh(name=name, uservert=points.ravel())
            spec.worldbody.add_geom(type=kinds.mjGEOM_MESH, meshname=name, **look)
        elif number < _POLYHEDRA + _CAPSULES:
            size = (rng.uniform(0.008, 0.02), rng.uniform(0.01, 0.035), 0)
            turned = (math.sqrt(0.5), 0, math.sqrt(0.5), 0)
            spec.worldbody.add_geom(type=kinds.mjGEOM_CAPSULE, size=size, quat=turned, **look)
        else:
            size = (rng.uniform(0.015, 0.03), 0, 0)
            spec.worldbody.add_geom(type=kinds.mjGEOM_SPHERE, size=size, **look)


class Variety:
    """Draws how a cell looks, into a model of `varied_model`; nothing that moves changes.

    Args:
        model: changed in place by each draw.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        shapes = range(_POLYHEDRA + _CAPSULES + _SPHERES)
        self._clutter = [model.geom(f"clutter{n}").id for n in shapes]
        self._materials = [model.material(n).id for n in range(model.nmat)]
        self._usual = {name: getattr(model, name).copy() for name in _CHANGED}
        head = model.vis.headlight
        self._head = {name: getattr(head, name).copy() for name in ("ambient", "diffuse")}

    def draw(self, rng: np.random.Generator, places: NDArray[np.float64]) -> dict[str, Exposure]:
        """Draw a look.

        Args:
            places: x and y of what lies on the table, (n, 2), m; clutter keeps away from it.

        Returns:
            What each camera makes of it, by its name.
        """
        for name, usual in self._usual.items():
            getattr(self._model, name)[:] = usual
        for name, usual in self._head.items():
            getattr(self._model.vis.headlight, name)[:] = usual
        if rng.random() < USUAL:
            return {name: Exposure(np.ones(3), 1.0) for name in CAMERAS}
        self._move_cameras(rng)
        self._light(rng)
        self._colour(rng)
        self._clutter_table(rng, places)
        return {name: _exposure(rng) for name in CAMERAS}

    def _move_cameras(self, rng: np.random.Generator) -> None:
        model = self._model
        front, wrist = model.camera("front").id, model.camera("wrist").id
        far = CAMERA_SHIFT * model.cam_pos[front, 2] * math.sqrt(2)
        for camera, shift, turn in ((front, far, CAMERA_TURN), (wrist, WRIST_SHIFT, WRIST_TURN)):
            model.cam_pos[camera] += rng.uniform(-shift, shift, 3)
            turned = np.zeros(4)
            axis = rng.normal(size=3)
            mujoco.mju_axisAngle2Quat(turned, axis / np.linalg.norm(axis), rng.uniform(0, turn))
            mujoco.mju_mulQuat(model.cam_quat[camera], model.cam_quat[camera].copy(), turned)
            model.cam_fovy[camera] *= rng.uniform(1 - FOV_CHANGE, 1 + FOV_CHANGE)

    def _light(self, rng: np.random.Generator) -> None:
        model, head = self._model, self._model.vis.headlight
        brightness = math.exp(rng.uniform(*np.log(BRIGHTNESS)))
        for light in range(model.nlight):
            tint = rng.uniform(0.9, 1.1, 3) * brightness * rng.uniform(0.6, 1.4)
            model.light_diffuse[light] *= tint
            model.light_pos[light] += rng.uniform(-0.4, 0.4, 3)
            model.light_dir[light] += rng.uniform(-0.2, 0.2, 3)
        model.light_castshadow[0] = rng.random() < SHADOWS
        head.ambient[:] = head.ambient * brightness
        head.diffuse[:] = head.diffuse * brightness

    def _colour(self, rng: np.random.Generator) -> None:
        model = self._model
        for body in OBJECTS:
            first, count = model.body(body).geomadr[0], model.body(body).geomnum[0]
            tint = rng.uniform(0.85, 1.15, 3)
            colours = model.geom_rgba[first : first + count, :3]
            colours[:] = np.clip(colours * tint, 0, 1)
        table = model.geom("table").id
        kind = rng.random()
        if kind < 0.6:
            model.geom_matid[table] = rng.choice(self._materials)
            model.geom_rgba[table, :3] = rng.uniform(0.6, 1.0, 3)
        elif kind < 0.8:
            model.geom_rgba[table, :3] = rng.uniform(0.15, 0.9, 3)
        model.geom_rgba[model.geom("floor").id, :3] = rng.uniform(0.1, 0.8, 3)

    def _clutter_table(self, rng: np.random.Generator, places: NDArray[np.float64]) -> None:
        model = self._model
        count = int(rng.integers(MOST_DISTRACTORS + 1))
        for geom in rng.choice(self._clutter, count, replace=False):
            # Of a few tries; where the table is full, one shape fewer lies on it.
            for place in rng.uniform((0.02, -0.42), (0.55, 0.42), (8, 2)):
                if np.linalg.norm(places - place, axis=1).min() > _CLEAR:
                    model.geom_pos[geom] = (*place, 0.015)
                    break
            model.geom_rgba[geom, :3] = rng.uniform(0, 1, 3)
            spin = np.zeros(4)
            mujoco.mju_axisAngle2Quat(spin, np.array([0.0, 0.0, 1.0]), rng.uniform(0, math.pi))
            mujoco.mju_mulQuat(model.geom_quat[geom], spin, model.geom_quat[geom].copy())


_CHANGED = (
    "cam_pos", "cam_quat", "cam_fovy", "light_diffuse", "light_pos", "light_dir",
    "light_castshadow", "geom_rgba", "geom_matid", "geom_pos", "geom_quat",
)  # fmt: skip


def table_places(model: mujoco.MjModel, data: mujoco.MjData) -> NDArray[np.float64]:
    """x and y of the objects, (objects, 2), m, from the state's positions."""
    firsts = [int(model.jnt_qposadr[model.body(name).jntadr[0]]) for name in OBJECTS]
    return np.array([data.qpos[first : first + 2] for first in firsts])


def _exposure(rng: np.random.Generator) -> Exposure:
    return Exposure(rng.uniform(0.85, 1.15) * rng.uniform(0.94, 1.06, 3), rng.uniform(0.85, 1.2))
