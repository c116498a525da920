"""Pictures of the LIBERO world in a quarter of the time: visual meshes with fewer triangles.

A scene has 239 000 visual triangles for pictures of some ten thousand pixels. The copy of the
model that is drawn keeps a tenth of them; collision geometry, and so physics, is another.
"""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

SIZE = 128
"""Height and width of a picture."""
CAMERAS = {"front": "agentview", "wrist": "robot0_eye_in_hand"}
KEPT = {False: 0.10, True: 0.25}
"""Share of the triangles that is kept, of meshes without and with a texture."""
FEWEST = {False: 600, True: 6000}
"""A mesh of fewer triangles stays as it is: the seams of a texture show when it is cut up."""

Floats = NDArray[np.float32]
Faces = NDArray[np.int32]


class PictureRenderer:
    """Draws a world from its state. One process draws with one renderer.

    Args:
        xml: of the world.
        model: the same, compiled.
    """

    def __init__(self, xml: str, model: mujoco.MjModel) -> None:
        self._model = light_model(xml, model)
        self._data = mujoco.MjData(self._model)
        self._renderer = mujoco.Renderer(self._model, SIZE, SIZE)
        self._options = mujoco.MjvOption()
        # Group 0 is collision geometry.
        self._options.geomgroup[0] = 0

    def render(
        self, model: mujoco.MjModel, positions: NDArray[np.float64]
    ) -> dict[str, NDArray[np.uint8]]:
        """Pictures, uint8 RGB, shape (SIZE, SIZE, 3), of a world with joints at `positions`.

        They are upright and unmirrored, unlike those of robosuite's observations.
        """
        # Fixtures are placed, and the burner lit, in the model.
        self._model.body_pos[:], self._model.body_quat[:] = model.body_pos, model.body_quat
        self._model.site_rgba[:] = model.site_rgba
        self._data.qpos[:] = positions
        mujoco.mj_forward(self._model, self._data)
        images = {}
        for name, camera in CAMERAS.items():
            self._renderer.update_scene(self._data, camera, self._options)
            for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
                self._renderer.scene.flags[flag] = 0
            images[name] = self._renderer.render()
        return images

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()


def light_model(xml: str, model: mujoco.MjModel) -> mujoco.MjModel:
    """The same world with lighter visual meshes, for drawing alone."""
    spec = mujoco.MjSpec.from_string(xml)
    textured = _visual_meshes(model)
    for mesh in spec.meshes:
        if mesh.name in textured:
            _lighten(mesh, model, textured[mesh.name])
    light = spec.compile()
    light.vis.quality.offsamples = light.vis.quality.shadowsize = 0
    return light


def _visual_meshes(model: mujoco.MjModel) -> dict[str, bool]:
    """Name of each mesh that is seen, and whether it has a texture."""
    found: dict[str, bool] = {}
    for geom in np.flatnonzero((model.geom_group == 1) & (model.geom_dataid >= 0)):
        name = model.mesh(int(model.geom_dataid[geom])).name
        material = int(model.geom_matid[geom])
        has_texture = material >= 0 and bool((model.mat_texid[material] >= 0).any())
        found[name] = found.get(name, False) or has_texture
    return found


def _lighten(mesh: mujoco.MjsMesh, model: mujoco.MjModel, textured: bool) -> None:
    number = model.mesh(mesh.name).id
    vertices, faces = _mesh(model, number)
    if len(faces) < FEWEST[textured]:
        return
    welded, merged = _weld(vertices, faces)
    count = int(len(faces) * KEPT[textured])
    import fast_simplification  # of the extra, like LIBERO itself

    points, triangles = fast_simplification.simplify(
        welded, merged, target_count=min(count, len(merged) - 1), agg=3
    )
    mesh.file = ""
    mesh.scale, mesh.refpos, mesh.refquat = [1, 1, 1], [0, 0, 0], [1, 0, 0, 0]
    mesh.uservert = points.astype(float).ravel()
    mesh.userface = triangles.astype(np.int32).ravel()
    start, total = int(model.mesh_texcoordadr[number]), int(model.mesh_texcoordnum[number])
    if textured and start >= 0:
        coordinates = _coordinates(model, number, faces, model.mesh_texcoord[start : start + total])
        mesh.usertexcoord = coordinates[cKDTree(vertices).query(points)[1]].astype(float).ravel()


def _mesh(model: mujoco.MjModel, number: int) -> tuple[Floats, Faces]:
    """Vertices, in the frame of the mesh's file, and faces."""
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.mesh_quat[number])
    first, count = int(model.mesh_vertadr[number]), int(model.mesh_vertnum[number])
    vertices = model.mesh_vert[first : first + count] @ rotation.reshape(3, 3).T
    first, count = int(model.mesh_faceadr[number]), int(model.mesh_facenum[number])
    faces = model.mesh_face[first : first + count]
    return (vertices + model.mesh_pos[number]).astype(np.float32), faces.astype(np.int32)


def _weld(vertices: Floats, faces: Faces) -> tuple[Floats, Faces]:
    """Compiled meshes repeat vertices; unless these are one, the mesh falls apart."""
    welded, place = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    merged = place.reshape(-1)[faces]
    a, b, c = merged.T
    return welded, merged[(a != b) & (b != c) & (a != c)].astype(np.int32)


def _coordinates(model: mujoco.MjModel, number: int, faces: Faces, table: Floats) -> Floats:
    """Texture coordinates of each vertex; meshes index them by face."""
    first, count = int(model.mesh_faceadr[number]), int(model.mesh_facenum[number])
    coordinates = np.zeros((int(model.mesh_vertnum[number]), 2), np.float32)
    of_face = model.mesh_facetexcoord[first : first + count]
    coordinates[faces.ravel()] = table[of_face.ravel()]
    return coordinates
