"""A skill as a plain file: what one demonstration showed of one way of a task set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.files.atomic import write_text
from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.json_file import read_bounded
from kinevla_ros.language.command import Command
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.skills.planar import placed

Array = NDArray[np.float64]

LARGEST = 1 << 20
"""Bytes of a skill's file; one has some ten thousand."""

NEARLY_OPEN = 0.012
"""From the widest opening; so near to it a tool may leave what it has released (m)."""

Metres = Annotated[float, Field(ge=-2.0, le=2.0, allow_inf_nan=False)]
Radians = Annotated[float, Field(ge=-20.0, le=20.0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0.0, le=120.0, allow_inf_nan=False)]
Opening = Annotated[float, Field(ge=0.0, le=GRIPPER_STROKE + 0.01, allow_inf_nan=False)]
ToolPose = tuple[Metres, Metres, Metres, Radians]
Axes = Literal["object", "base"]


class SkillError(FileError):
    """A file is no skill, or is of another task set; the message names it and the cure."""


class _SkillPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Anchor(_SkillPart):
    """What the end of a motion belongs to.

    Attributes:
        object: its name; for the carried object itself, where it lay before the grasp.
        axes: whether the end turns with the object, or keeps the base's axes.
    """

    object: Annotated[str, Field(min_length=1, max_length=64)]
    axes: Axes

    def frame(self, pose: Array) -> Array:
        """The frame of its pose (x, y, yaw): turned with it, or not."""
        return pose if self.axes == "object" else np.array([pose[0], pose[1], 0.0])


class Move(_SkillPart):
    """A motion of the tool that ends at an anchor.

    Attributes:
        duration: of the demonstrated one, s.
        anchor: what its end belongs to.
        goal: its end as the anchor's frame sees it: x, y, yaw; of the tool where it grasps, of
            the carried object where it releases. z is the tool's height above the table; the yaw
            is the tool's in either case.
        path: tool poses x, y, z, yaw of the demonstration at even times, m and rad.
    """

    duration: Seconds
    anchor: Anchor
    goal: ToolPose
    path: Annotated[tuple[ToolPose, ...], Field(min_length=2, max_length=10_000)]


class Openings(_SkillPart):
    """Openings of the demonstration, m.

    Attributes:
        open, closed: as commanded.
        held: as measured around what was carried.
    """

    open: Opening
    closed: Opening
    held: Opening


class Skill(_SkillPart):
    """One way of a task set, demonstrated.

    Attributes:
        version: of this format.
        tasks: name of the task set.
        goal, kinematics: the way's texts, which name it.
        source: name of the dataset that it was learnt from.
        episodes: that it was learnt from; the first one is followed.
        gripper: openings.
        approach: from the start to the grasp.
        closing: how long the gripper closed, s.
        carry: from the grasp to the release.
        opening: how long the gripper opened, s.
        rise: how far up the tool went after the release, m.
    """

    version: Literal[1] = 1
    tasks: str
    goal: str
    kinematics: str
    source: str
    episodes: Annotated[tuple[int, ...], Field(min_length=1)]
    gripper: Openings
    approach: Move
    closing: Seconds
    carry: Move
    opening: Seconds
    rise: Annotated[Metres, Field(ge=0.0)]

    def command(self, tasks: TaskSet) -> Command:
        """The way that it belongs to. Raises SkillError where the set has no such way."""
        for found in tasks.commands:
            if (found.goal, found.kinematics) == (self.goal, self.kinematics):
                return found
        raise SkillError(
            f'the task set {tasks.name} has no way "{self.kinematics}"; it was learnt for '
            f"{self.tasks}: put that one's tasks.yaml beside it, or learn it again"
        )

    def by_position_only(self) -> Skill:
        """The same with the objects' turns left out: the poorer parameters, to compare."""
        grasp, goal = np.array(self.approach.path[-1]), np.array(self.approach.goal)
        turn = grasp[3] - goal[3] if self.approach.anchor.axes == "object" else 0.0
        offset = placed(np.array([0.0, 0.0, turn]), goal)
        moves = {
            name: move.model_copy(update={"anchor": Anchor(object=move.anchor.object, axes="base")})
            for name, move in (("approach", self.approach), ("carry", self.carry))
        }
        moves["approach"] = moves["approach"].model_copy(update={"goal": tuple(offset.tolist())})
        return self.model_copy(update=moves)


def save_skill(path: Path, skill: Skill) -> None:
    """Write a skill as YAML, a pose a line."""
    content = skill.model_dump(mode="json")
    write_text(path, yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100))


def load_skill(path: Path) -> Skill:
    """Read a skill.

    Raises:
        FileNotFoundError: there is no such file.
        SkillError: it is none; names the entry.
    """
    try:
        content = yaml.safe_load(read_bounded(path, LARGEST).decode())
        return Skill.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        entry = ".".join(map(str, first["loc"])) or "the whole file"
        raise SkillError(
            f"{path} is no skill: {entry}: {first['msg']}; mend it, or learn it again"
        ) from problem
    except (FileError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        raise SkillError(f"{path} is no skill: {one_line(problem)}") from problem
