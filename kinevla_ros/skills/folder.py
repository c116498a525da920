"""A folder of skills: one file for each way, with the task set that the ways are of."""

from __future__ import annotations

from pathlib import Path

from kinevla_ros.language.command import Command
from kinevla_ros.language.task_file import FILE_NAME, load_tasks, save_tasks
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.skills.skill import Skill, SkillError, load_skill, save_skill

SUFFIX = ".yaml"


def load_skills(folder: Path) -> tuple[TaskSet, dict[Command, Skill]]:
    """Read all skills of a folder.

    Raises:
        TaskSetError: the task set is damaged.
        SkillError: there is no folder, task set or skill, one is damaged or of another task set,
            or two are of one way.
    """
    if not (folder / FILE_NAME).is_file():
        raise SkillError(
            f"{folder} is no folder of skills: {FILE_NAME} is missing; give the folder that "
            "`kinevla skill learn` wrote to"
        )
    tasks = load_tasks(folder / FILE_NAME)
    files: dict[Command, Path] = {}
    skills: dict[Command, Skill] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.name == FILE_NAME:
            continue
        skill = load_skill(path)
        command = skill.command(tasks)
        if command in files:
            raise SkillError(
                f'{files[command]} and {path} are both for "{command.say}"; take one away'
            )
        files[command], skills[command] = path, skill
    if not skills:
        raise SkillError(
            f"{folder} holds no skill; learn one: kinevla skill learn DATASET --episode 0 -o "
            f"{folder / 'SKILL.yaml'}"
        )
    return tasks, skills


def add_skill(path: Path, skill: Skill, tasks: TaskSet) -> None:
    """Write a skill, and its task set beside it unless that is there.

    Raises:
        SkillError: the name is not one of a skill's file, or the folder is of another task set.
    """
    if path.suffix != SUFFIX or path.name == FILE_NAME:
        raise SkillError(f"{path} is no name for a skill; give one such as skills/cup{SUFFIX}")
    beside = path.parent / FILE_NAME
    if beside.exists():
        if load_tasks(beside).texts() != tasks.texts():
            raise SkillError(
                f"{path.parent} holds skills of another task set, see {beside}; give another folder"
            )
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tasks(tasks, path.parent)
    save_skill(path, skill)
