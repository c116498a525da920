"""Scenes of the cell with their keypoints, each in a look drawn for it, to learn from."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Iterator

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.keypoints.rig import in_picture, object_points
from kinevla_ros.keypoints.samples import ABSENT, HIDDEN, VISIBLE, LabelledScene
from kinevla_ros.robot.kinematics import UnreachableError, top_down_ik
from kinevla_ros.robot.model import BASE
from kinevla_ros.sim.cell.cell import HOME, random_scene
from kinevla_ros.sim.cell.keypoint_rig import cell_rig
from kinevla_ros.sim.cell.variety import Variety, table_places, varied_model

Array = NDArray[np.float64]
Pose = tuple[float, float, float, float]
"""x, y, z, yaw, m and rad."""

SEED = 7
"""Of scenes to learn from; none that is measured on has it."""

_USUAL_PLACES, _MISSING, _ON_PLATE, _HELD = 0.5, 0.08, 0.1, 0.15
"""Shares: places as in the tasks, an object that is not there, a carrot on the plate, held."""

_AT_HOME, _ANYWHERE = 0.2, 0.35
"""Shares of the arm's places; for the rest it is over an object."""

_WIDTHS = {"bread": 0.042, "carrot": 0.028}
_APART = 0.10
_PLATE_HEIGHT = 0.008
_NEAR = 0.012
"""What is so much nearer than a point hides it (m)."""


def labelled_scenes(numbers: range, workers: int) -> Iterator[LabelledScene]:
    """Scenes by their numbers, in their order, from processes of their own.

    A renderer on a CPU and torch's compiler bring two versions of LLVM, which do not share a
    process.

    Args:
        workers: processes.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker) as pool:
        yield from pool.imap(_labelled, numbers, chunksize=4)


class SceneLabeller:
    """Draws, renders and labels scenes; for one thread."""

    def __init__(self, seed: int = SEED) -> None:
        self.rig, self._seed = cell_rig(), seed
        self._model = varied_model()
        self._data = mujoco.MjData(self._model)
        self._variety = Variety(self._model)
        self._renderer = mujoco.Renderer(self._model, CAMERA_HEIGHT, CAMERA_WIDTH)
        self._spans = self.rig.spans
        model = self._model
        arm = [n for n in range(model.nbody) if model.body_rootid[n] == model.body("link1").rootid]
        self._arm, self._foot = {int(n) for n in arm}, int(model.geom(BASE.name).id)

    def __call__(self, number: int) -> LabelledScene:
        """The scene of a number; the same number, the same scene."""
        rng = np.random.default_rng((self._seed, number))
        poses = _objects(rng)
        joints, opening = _arm(rng, poses)
        self._place(poses, joints, opening)
        exposures = self._variety.draw(rng, table_places(self._model, self._data))
        # Shadows cost five times as much as the rest of a picture, and the cell has none.
        self._model.light_castshadow[:] = False
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        points = np.zeros((self.rig.channels, 3))
        for thing in self.rig.objects:
            points[self._spans[thing.name]] = object_points(thing, np.array(poses[thing.name]))
        points[self.rig.arm] = self.rig.arm_points(joints, opening)
        pictures, labels = [], []
        for camera in self.rig.cameras:
            self._renderer.update_scene(self._data, camera.name)
            picture = exposures[camera.name](self._renderer.render())
            size = (camera.width, camera.height)
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            pictures.append(np.asarray(small, np.uint8))
            labels.append(self._labels(points, camera.name, size))
        pixels, depths, states = (np.stack(each) for each in zip(*labels, strict=True))
        return LabelledScene(tuple(pictures), pixels, depths, states)

    def _place(self, poses: dict[str, Pose], joints: Array, opening: float) -> None:
        model, data = self._model, self._data
        data.qpos[:7], data.qpos[7:9] = joints, opening / 2
        for name, (x, y, z, yaw) in poses.items():
            first = int(model.jnt_qposadr[model.body(name).jntadr[0]])
            turn = np.array([math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)])
            if name == "carrot":
                z += 0.014
                leans = np.array([math.cos(0.0275), 0.0, -math.sin(0.0275), 0.0])
                mujoco.mju_mulQuat(turn, turn.copy(), leans)
            data.qpos[first : first + 7] = (x, y, z, *turn)

    def _labels(
        self, points: Array, camera: str, size: tuple[int, int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
        model, data = self._model, self._data
        number = model.camera(camera).id
        rotation = data.cam_xmat[number].reshape(3, 3) * [1, -1, -1]
        place = data.cam_xpos[number]
        focal = 0.5 * size[1] / math.tan(math.radians(model.cam_fovy[number]) / 2)
        pixels, depths = in_picture(points, place, rotation, focal, size)
        inside = ((pixels > 0) & (pixels < size)).all(axis=1) & (depths > 0.02)
        clear = np.array([self._clear(place, p, k) for k, p in enumerate(points)]) & inside
        states = np.full(len(points), ABSENT, np.uint8)
        for span in (*self._spans.values(), self.rig.arm):
            if clear[span].any():
                states[span][inside[span]] = HIDDEN
        states[clear] = VISIBLE
        return pixels.astype(np.float32), depths.astype(np.float32), states

    def _clear(self, eye: Array, point: Array, channel: int) -> bool:
        """Whether nothing else is before a point."""
        away = np.linalg.norm(point - eye)
        hit = np.array([-1], np.int32)
        first = mujoco.mj_ray(
            self._model, self._data, eye, (point - eye) / away, None, 1, -1, hit
        )  # fmt: skip
        if first < 0 or first > away - _NEAR:
            return True
        body = int(self._model.geom_bodyid[hit[0]])
        if channel >= self.rig.arm.start:
            return body in self._arm or hit[0] == self._foot
        name = next(n for n, span in self._spans.items() if span.start <= channel < span.stop)
        return body == int(self._model.body(name).id)


def _objects(rng: np.random.Generator) -> dict[str, Pose]:
    if rng.random() < _USUAL_PLACES:
        flat = {n: (x, y, 0.0, yaw) for n, (x, y, yaw) in random_scene(rng).items()}
    else:
        flat = _anywhere(rng)
    if rng.random() < _ON_PLATE:
        x, y = flat["plate"][:2]
        dx, dy = rng.normal(0, 0.015, 2)
        flat["carrot"] = (x + dx, y + dy, _PLATE_HEIGHT, rng.uniform(-math.pi, math.pi))
    for name, (x, y, _, yaw) in flat.items():
        if rng.random() < _MISSING:
            flat[name] = (x, y, -3.0, yaw)
    return flat


def _anywhere(rng: np.random.Generator) -> dict[str, Pose]:
    while True:
        places = rng.uniform((0.13, -0.33), (0.45, 0.33), (3, 2))
        gaps = [math.dist(places[a], places[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
        # The plate comes first and is wide.
        if min(gaps) > _APART and min(gaps[:2]) > _APART + 0.05:
            break
    yaws = 0.0, rng.uniform(-math.pi, math.pi), rng.uniform(-math.pi / 2, math.pi / 2)
    names = "plate", "carrot", "bread"
    return {n: (x, y, 0.0, yaw) for n, (x, y), yaw in zip(names, places, yaws, strict=True)}


def _arm(rng: np.random.Generator, poses: dict[str, Pose]) -> tuple[Array, float]:
    """Joints, shape (7,), rad, and opening (m); what is held is put between the pads."""
    while True:
        chance = rng.random()
        if chance < _AT_HOME:
            return HOME, GRIPPER_STROKE
        opening = float(rng.choice([GRIPPER_STROKE, rng.uniform(0.02, GRIPPER_STROKE)]))
        yaw = rng.uniform(-1.5, 1.5)
        if chance < _AT_HOME + _ANYWHERE:
            reach, angle = rng.uniform(0.18, 0.42), rng.uniform(-1.1, 1.1)
            x, y, z = reach * math.cos(angle), reach * math.sin(angle), rng.uniform(0.06, 0.25)
        else:
            name = str(rng.choice(list(poses)))
            x, y, _, along = poses[name]
            x, y = np.array([x, y]) + rng.normal(0, 0.012, 2)
            z = rng.uniform(0.02, 0.16)
            if name != "plate":
                yaw = math.remainder(along, math.pi) + rng.normal(0, 0.1)
            if name != "plate" and rng.random() < 0.5:
                opening = _WIDTHS[name]
                if rng.random() < 2 * _HELD and poses[name][2] > -1:
                    poses[name] = (x, y, max(0.0, z - 0.025), along)
        try:
            return top_down_ik(np.array([x, y, z]), yaw), opening
        except UnreachableError:
            continue


_labeller: SceneLabeller


def _start_worker() -> None:
    global _labeller
    leave_interrupt_to_parent()
    _labeller = SceneLabeller()


def _labelled(number: int) -> LabelledScene:
    return _labeller(number)
