"""The simulated cell: MuJoCo world, arm servo, gripper, cameras and random scenes.

World frame: `base_link`, table top at z = 0, x towards the front camera. Left and right are
those of the front camera's image: right is +y, left is -y, front is +x.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE, STREAM_PERIOD
from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH, CAMERAS
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.base.observation import Observation
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.sim import gripper
from kinevla_ros.sim.cell.scene import (
    SERVO_DAMPING,
    SERVO_STIFFNESS,
)
from kinevla_ros.sim.cell.variation import Variation, cell_model
from kinevla_ros.sim.cell.variety import Exposure, Variety, table_places, varied_model

Array = NDArray[np.float64]

HOME_POSITION, HOME_YAW = np.array([0.25, 0.0, 0.20]), 0.0
HOME = top_down_ik(HOME_POSITION, HOME_YAW)
"""Joint positions at the start of an episode (rad)."""

QPOS_NAMES = (
    *JOINT_NAMES,
    "finger_left",
    "finger_right",
    *(f"{o}.{n}" for o in OBJECTS for n in ("x", "y", "z", "qw", "qx", "qy", "qz")),
)
"""What `Cell.qpos` holds: rad, m, and quaternions."""

_LEAD = np.array(SERVO_DAMPING) / np.array(SERVO_STIFFNESS)


@dataclass(frozen=True)
class CellState:
    """Simulator truth at one instant.

    Attributes:
        time: simulated time (s).
        q: joint positions, shape (7,), rad.
        gripper: opening between the pads (m).
        tool: tool centre point, shape (3,), m, and its yaw (rad).
        poses: object name to (x, y, z, yaw), m and rad.
    """

    time: float
    q: Array
    gripper: float
    tool: Array
    tool_yaw: float
    poses: dict[str, Array]

    def vector(self) -> NDArray[np.float32]:
        """Object poses as one vector, shape (12,): x, y, cos yaw, sin yaw for each object."""
        rows = [(p[0], p[1], math.cos(p[3]), math.sin(p[3])) for p in self.poses.values()]
        return np.array(rows, np.float32).ravel()


class Cell:
    """One MuJoCo world. Not thread safe: one thread steps and renders it.

    Args:
        variation: what is other than usual; see `sim.cell.variation`.
        varied: look other after each reset, to learn from; see `sim.cell.variety`.

    Attributes:
        varied: as given.
    """

    def __init__(self, variation: Variation | None = None, *, varied: bool = False) -> None:
        self.model = varied_model() if varied else cell_model(variation)
        self.varied = varied
        self._variety = Variety(self.model) if varied else None
        self._exposures: Mapping[str, Exposure] = {}
        self.data = mujoco.MjData(self.model)
        self.dt = float(self.model.opt.timestep)
        self._renderer: mujoco.Renderer | None = None
        self._address = {
            name: int(self.model.jnt_qposadr[self.model.body(name).jntadr[0]]) for name in OBJECTS
        }
        self._set_arm(HOME)

    def reset(self, rng: np.random.Generator, start: Array | None = None) -> CellState:
        """Put the objects at random, reachable places and the arm at `start`; let them settle.

        Args:
            rng: source of the scene.
            start: joint positions, shape (7,), rad; home without it.
        """
        mujoco.mj_resetData(self.model, self.data)
        for name, (x, y, yaw) in random_scene(rng).items():
            first = self._address[name]
            height = 0.017 if name == "carrot" else 0.003
            quat = (math.cos(yaw / 2), 0, 0, math.sin(yaw / 2))
            self.data.qpos[first : first + 7] = (x, y, height, *quat)
        if self._variety is not None:
            self._exposures = self._variety.draw(rng, table_places(self.model, self.data))
        self._set_arm(HOME if start is None else start)
        self.step(0.6)
        self.data.time = 0.0
        return self.state()

    def observe(self) -> Observation:
        """Pictures, joints, gripper and objects as they are now, with the simulated time."""
        q, opening = self.joint_positions(), self.gripper()
        objects = {name: self._pose(name)[[0, 1, 3]] for name in OBJECTS}
        return Observation(self.render(), q, opening, float(self.data.time), objects)

    def place_arm(self, q: Array, opening: float = GRIPPER_STROKE) -> None:
        """Put the arm, at rest, at joint positions (rad), shape (7,), and opening (m)."""
        self._set_arm(q, opening)
        # What the tool was put into moves out of its way.
        self.step(0.2)
        self.data.time = 0.0

    def _set_arm(self, q: Array, opening: float = GRIPPER_STROKE) -> None:
        self.data.qpos[:7] = q
        self.data.qvel[:9] = 0.0
        self.data.qpos[7:9] = opening / 2
        self._reference, self._rate, self._left = np.array(q), np.zeros(7), 0.0
        self._opening = self._opening_target = opening
        mujoco.mj_forward(self.model, self.data)

    def set_joint_target(self, q: Array) -> None:
        """Take the next streamed target, shape (7,), rad; reached over one stream period."""
        self._rate = (np.asarray(q, float) - self._reference) / STREAM_PERIOD
        self._left = STREAM_PERIOD

    def set_gripper(self, opening: float) -> None:
        """Command the opening between the pads (m)."""
        self._opening_target = float(np.clip(opening, 0.0, GRIPPER_STROKE))
        self._opening = gripper.start_of_travel(self._opening, self.gripper(), self._opening_target)

    def joint_positions(self) -> Array:
        """Measured joint positions, shape (7,), rad."""
        return self.data.qpos[:7].copy()

    def gripper(self) -> float:
        """Measured opening between the pads (m)."""
        # Soft contacts press pads into each other, and fingers put into an object past their end;
        # no sensor reads less than nothing or more than its stroke.
        return float(np.clip(self.data.qpos[7] + self.data.qpos[8], 0.0, GRIPPER_STROKE))

    def qpos(self) -> NDArray[np.float32]:
        """Positions of everything that moves, (30,), named by `QPOS_NAMES`."""
        return self.data.qpos.astype(np.float32)

    def step(self, seconds: float) -> None:
        """Advance the world."""
        for _ in range(round(seconds / self.dt)):
            self._servo()
            mujoco.mj_step(self.model, self.data)

    def _servo(self) -> None:
        if self._left > 0:
            self._reference = self._reference + self._rate * self.dt
            self._left -= self.dt
        else:
            self._rate = np.zeros(7)
        # The lead cancels the lag of the servo's damping, as the real drives' feed-forward does.
        self.data.ctrl[:7] = self._reference + _LEAD * self._rate
        change = self._opening_target - self._opening
        self._opening += float(np.clip(change, -gripper.SPEED * self.dt, gripper.SPEED * self.dt))
        # Past closed, so that the pads press on what they hold.
        closed = self._opening < 1e-3
        self.data.ctrl[7] = -0.01 if closed else self._opening / 2

    def state(self) -> CellState:
        """Return the simulator's truth."""
        site = self.data.site("tool")
        x_axis = site.xmat.reshape(3, 3)[:, 0]
        return CellState(
            time=float(self.data.time),
            q=self.joint_positions(),
            gripper=self.gripper(),
            tool=site.xpos.copy(),
            tool_yaw=math.atan2(x_axis[1], x_axis[0]),
            poses={name: self._pose(name) for name in OBJECTS},
        )

    def _pose(self, name: str) -> Array:
        body = self.data.body(name)
        x_axis = body.xmat.reshape(3, 3)[:, 0]
        return np.array([*body.xpos, math.atan2(x_axis[1], x_axis[0])])

    def speed(self, name: str) -> float:
        """Linear speed of an object (m/s)."""
        start = int(self.model.body(name).dofadr[0])
        return float(np.linalg.norm(self.data.qvel[start : start + 3]))

    def contacts(self, first: str, second: str) -> list[Array]:
        """Points (m, world) where geoms whose names start with the two prefixes touch.

        A prefix may also be a body's name, for bodies whose geoms have none.
        """
        points = []
        for contact in self.data.contact:
            names = [self._geom_names(int(g)) for g in contact.geom]
            for a, b in (names, names[::-1]):
                if any(n.startswith(first) for n in a) and any(n.startswith(second) for n in b):
                    points.append(np.array(contact.pos))
                    break
        return points

    def _geom_names(self, geom: int) -> tuple[str, str]:
        body = self.model.body(int(self.model.geom_bodyid[geom])).name
        return self.model.geom(geom).name, body

    def render(self) -> dict[str, NDArray[np.uint8]]:
        """Images of both cameras, each shape (height, width, 3), RGB."""
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self.model, CAMERA_HEIGHT, CAMERA_WIDTH)
        images = {}
        for name in CAMERAS:
            self._renderer.update_scene(self.data, name)
            images[name] = self._renderer.render()
            if name in self._exposures:
                images[name] = self._exposures[name](images[name])
        return images

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def random_scene(rng: np.random.Generator) -> dict[str, tuple[float, float, float]]:
    """Draw (x, y, yaw) for each object, m and rad, so that all seven tasks can be done.

    The plate lies on one side of the table, the carrot on the other, the bread between them.
    """
    side = rng.choice((-1.0, 1.0))
    plate = (rng.uniform(0.24, 0.26), side * rng.uniform(0.22, 0.25), 0.0)
    while True:
        bread = (rng.uniform(0.23, 0.26), -side * rng.uniform(0.0, 0.08), _axis_yaw(rng))
        carrot_yaw = _axis_yaw(rng) + rng.choice((0.0, math.pi))
        carrot = (rng.uniform(0.19, 0.25), -side * rng.uniform(0.16, 0.22), carrot_yaw)
        bread_target = (0.34, bread[1] - side * 0.1)
        if math.dist(carrot[:2], bread[:2]) > 0.12 and math.dist(carrot[:2], bread_target) > 0.11:
            return {"plate": plate, "carrot": carrot, "bread": bread}


def _axis_yaw(rng: np.random.Generator) -> float:
    # Within 70 degrees of the gripper's own axis the nearest grasp is never ambiguous.
    return rng.uniform(-math.radians(70), math.radians(70))
