"""A lab of somebody else: a cup with a handle and a rim, a shelf, another arm, MuJoCo.

Nothing in here is of the shipped tasks. Seven joints move on minimum-jerk paths from rest to where
the cup is held, and on to one end of the shelf.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter

SIZE = 64
STEPS = 10
"""Frames of each half of a motion."""

HOLDS: Mapping[str, NDArray[np.float64]] = {
    "handle": np.array([0.3, 0.5, -0.2, 0.6, 0.0, 0.4, 0.9]),
    "rim": np.array([0.3, 0.2, 0.2, 1.0, 0.0, -0.3, -0.6]),
}
ENDS: Mapping[str, NDArray[np.float64]] = {
    "left": np.array([0.7, 0.3, 0.0, 0.8, 0.2, 0.0, 0.1]),
    "right": np.array([-0.5, 0.3, 0.0, 0.8, -0.2, 0.0, 0.1]),
}

_LINK = '<geom type="capsule" size=".025" fromto="0 0 0 0 0 .11" rgba=".8 .8 .85 1"/>'
_AXES = ("0 0 1", "0 1 0", "0 0 1", "0 1 0", "0 0 1", "0 1 0", "0 0 1")


def _arm(axes: tuple[str, ...]) -> str:
    if not axes:
        return '<camera name="wrist" pos="0 0 .02" euler="0 180 0" fovy="80"/>'
    return f'<body pos="0 0 .11"><joint axis="{axes[0]}"/>{_LINK}{_arm(axes[1:])}</body>'


MJCF = f"""
<mujoco><visual><quality shadowsize="0" offsamples="0"/></visual><worldbody>
  <light pos="0 0 2" castshadow="false"/><geom type="plane" size="2 2 .1" rgba=".3 .5 .3 1"/>
  <camera name="front" pos="1.3 0 .9" xyaxes="0 1 0 -.55 0 .83" fovy="60"/>
  <body pos=".35 0 .05" name="cup" mocap="true">
    <geom type="cylinder" size=".04 .05" rgba=".1 .3 .9 1"/>
    <geom type="box" size=".02 .01 .03" pos=".06 0 0" rgba=".9 .8 .1 1"/></body>
  <geom type="box" pos=".1 0 .02" size=".08 .5 .02" rgba=".5 .3 .2 1"/>
  <body name="base">{_arm(_AXES)}</body>
</worldbody></mujoco>"""


class CupLab:
    """Draws what the cameras see of an arm and a cup, and plays demonstrations."""

    def __init__(self) -> None:
        self._model = mujoco.MjModel.from_xml_string(MJCF)
        self._data = mujoco.MjData(self._model)
        self._renderer = mujoco.Renderer(self._model, SIZE, SIZE)

    def close(self) -> None:
        self._renderer.close()

    def render(self, joints: NDArray[np.float64], cup: float) -> dict[str, NDArray[np.uint8]]:
        """Both pictures; the cup stands at `cup` (m) to the side."""
        self._data.qpos[:] = joints
        self._data.mocap_pos[0] = (0.35, cup, 0.05)
        mujoco.mj_forward(self._model, self._data)
        found = {}
        for name in ("front", "wrist"):
            self._renderer.update_scene(self._data, camera=name)
            found[name] = self._renderer.render().copy()
        return found

    def demonstrate(
        self, hold: str, end: str, cup: float, said: str, goal: str, kinematics: str
    ) -> Episode:
        """One episode; what is at another place is reached with another first joint."""
        states = motion(hold, end, cup)
        actions = np.vstack([states[1:], states[-1:]])
        frames = [
            Frame(self.render(state[:7], cup), state, action, goal, kinematics)
            for state, action in zip(states, actions, strict=True)
        ]
        return Episode(said, frames)


def motion(hold: str, end: str, cup: float) -> NDArray[np.float64]:
    """States of a demonstration, shape (2 STEPS, 8): rad, m."""
    shift = np.array([cup * 2, 0, 0, 0, 0, 0, 0])
    rest = np.array([0.0, 0.1, 0.0, 0.3, 0.0, 0.0, 0.0])
    time = np.linspace(0, 1, STEPS)[:, None]
    ease = 10 * time**3 - 15 * time**4 + 6 * time**5
    there = HOLDS[hold] + shift
    joints = np.vstack([rest + ease * (there - rest), there + ease * (ENDS[end] - there)])
    opening = np.repeat([0.07, 0.02], STEPS)[:, None]
    return np.hstack([joints, opening])


Texts = Mapping[tuple[str, str], tuple[str, str, tuple[str, ...]]]


def write_dataset(root: Path, lab: CupLab, episodes: int, texts: Texts) -> None:
    """Demonstrations of all ways in turn.

    Args:
        texts: hold and end to goal text, kinematics text, and what people say for it.
    """
    rng = np.random.default_rng(0)
    with DatasetWriter.open(root, Schema(height=SIZE, width=SIZE)) as writer:
        for number in range(episodes):
            (hold, end), (goal, kinematics, said) = list(texts.items())[number % len(texts)]
            spoken = said[number // len(texts) % len(said)]
            cup = float(rng.uniform(-0.1, 0.1))
            writer.add(lab.demonstrate(hold, end, cup, spoken, goal, kinematics))
