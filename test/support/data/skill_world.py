"""A bread, a carrot and a plate on a table, an arm that goes where it is sent, and how they look
in a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shipped_tasks import TASKS, goal_text, kinematics_text

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.chunk import CHUNK_DT, ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import phrasings
from kinevla_ros.language.task_file import kine_realman, save_tasks
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.skills.planar import placed, seen_from, tool_path

Array = NDArray[np.float64]

HEIGHT, WIDTH = 48, 64
BREAD_WIDTH, GRASP_HEIGHT = 0.04, 0.024
NAMES = ("plate", "carrot", "bread")
POSES = tuple(f"{name}.{part}" for name in NAMES for part in ("x", "y", "cos", "sin"))
LEFT, FRONT = TASKS[0], TASKS[2]
SCENE = {
    "plate": np.array([0.25, 0.23, 0.0]),
    "carrot": np.array([0.22, -0.2, 0.6]),
    "bread": np.array([0.24, 0.02, 0.4]),
}
READY = np.array([0.25, -0.05, 0.20, 0.0])


def tool_at(pose: Array) -> Array:
    """Joints that hold the tool at (x, y, z, yaw)."""
    return top_down_ik(np.asarray(pose)[:3], float(pose[3]))


class Table:
    """Moves like a cell without forces: the arm is where its chunk says, the pads hold what is
    between them.

    Attributes:
        joints, opening: of the arm and its gripper.
        objects: poses by name.
        hidden: names that are not seen.
        now: time, s.
        blocked: whether the arm stays where it is, whatever it is sent.
    """

    def __init__(self, objects: dict[str, Array] | None = None) -> None:
        self.objects = {name: pose.copy() for name, pose in (objects or SCENE).items()}
        self.joints, self.opening, self.now = tool_at(READY), GRIPPER_STROKE, 0.0
        self.hidden: set[str] = set()
        self.blocked = False
        self._held: Array | None = None

    @property
    def tool(self) -> Array:
        return tool_path(self.joints[None])[0][0]

    @property
    def holds(self) -> bool:
        return self._held is not None

    def observe(self) -> Observation:
        seen = {name: pose for name, pose in self.objects.items() if name not in self.hidden}
        return Observation({}, self.joints, self.opening, self.now, seen)

    def follow(self, chunk: ActionChunk, seconds: float = 0.2) -> None:
        """Do what a chunk says, from its observation on."""
        if not self.blocked:
            times = np.append(0.0, CHUNK_DT * np.arange(1, 6))
            path = np.vstack([self.joints, chunk.positions])
            self.joints = np.array([np.interp(seconds, times, each) for each in path.T])
        tool, bread = self.tool, self.objects["bread"]
        near = np.linalg.norm(tool[:2] - bread[:2]) < 0.015 and tool[2] < GRASP_HEIGHT + 0.01
        least = BREAD_WIDTH if near or self.holds else 0.0
        step = float(np.clip(chunk.gripper[0] - self.opening, -0.16 * seconds, 0.16 * seconds))
        self.opening = max(self.opening + step, min(least, self.opening))
        if self.opening > BREAD_WIDTH + 0.002:
            self._held = None
        elif near and self._held is None:
            self._held = seen_from(tool[[0, 1, 3]], bread)
        if self._held is not None:
            self.objects["bread"] = placed(tool[[0, 1, 3]], self._held)
        self.now += seconds


def shown_frames(
    command: Command = LEFT,
    bread: Array = SCENE["bread"],
    goal: tuple[float, float] = (0.10, -0.09),
) -> list[Frame]:
    """A person's way with the bread, at 10 Hz: down on it, close, over in a bow, open, up."""
    grasp = np.append(bread[:2], [GRASP_HEIGHT, bread[2]])
    release = np.array([*(bread[:2] + goal), GRASP_HEIGHT + 0.005, 0.0])
    rise = np.array([0.0, 0.0, 0.08, 0.0])
    above, over, up = grasp + rise, (grasp + release) / 2 + rise, release + rise
    legs = (
        ([READY, above, grasp], 15, GRIPPER_STROKE),
        ([grasp, grasp], 4, 0.0),
        ([grasp, over, release], 18, 0.0),
        ([release, release], 5, GRIPPER_STROKE),
        ([release, up], 8, GRIPPER_STROKE),
    )
    table, frames = Table(SCENE | {"bread": bread}), []
    for corners, steps, opening in legs:
        place = np.linspace(0, len(corners) - 1, steps + 1)[1:]
        path = np.column_stack(
            [np.interp(place, range(len(corners)), each) for each in np.array(corners).T]
        )
        for pose in path:
            before, joints = table.observe(), tool_at(pose)
            chunk = ActionChunk(table.now, 1, np.tile(joints, (5, 1)), np.full(5, opening))
            frames.append(_frame(before, command, np.append(joints, opening)))
            table.follow(chunk, CHUNK_DT)
    return frames


def _frame(seen: Observation, command: Command, action: Array) -> Frame:
    poses = [
        value
        for name in NAMES
        for x, y, yaw in [seen.objects[name]]
        for value in (x, y, np.cos(yaw), np.sin(yaw))
    ]
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return Frame(
        {"front": picture, "wrist": picture},
        seen.state,
        action,
        goal_text(command),
        kinematics_text(command),
        {"environment_state": np.array(poses)},
    )


def write_demonstrations(
    root: Path,
    *episodes: list[Frame],
    change: Callable[[Frame], Frame] = lambda frame: frame,
    poses: bool = True,
) -> Path:
    """A dataset of such episodes, with its task set."""
    vectors = {"environment_state": POSES} if poses else {}
    schema = Schema(vectors=vectors, height=HEIGHT, width=WIDTH)
    with DatasetWriter.open(root, schema) as writer:
        for frames in episodes or (shown_frames(),):
            changed = [change(frame) for frame in frames]
            command = next(c for c in TASKS if kinematics_text(c) == changed[0].kinematics)
            writer.add(Episode(next(phrasings(command)), changed))
    save_tasks(kine_realman(), root)
    return root
