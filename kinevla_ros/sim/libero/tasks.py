"""The task sets of LIBERO-Goal: each alone, and both as the one set that a model is trained on."""

from __future__ import annotations

import functools

from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.command import Command
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.language.task_set import Goal, TaskSet

BOTH = "libero"
SUITES = ("kine_libero", "libero_goal_relabeled")


@functools.cache
def libero_tasks(name: str) -> TaskSet:
    """A task set by its name: one of `SUITES`, or `BOTH`.

    Both together are Kine-LIBERO and what LIBERO-Goal-Relabeled has besides, 34 ways; where both
    have a way, the words are Kine-LIBERO's.

    Raises KeyError when there is no such set.
    """
    if name in SUITES:
        return load_tasks(resource_path("config", f"{name}.yaml"))
    if name != BOTH:
        raise KeyError(name)
    first, second = (libero_tasks(suite) for suite in SUITES)
    content, other = first.model_dump(), second.model_dump()
    known = {goal.key for goal in first.goals}
    for key in ("objects", "landmarks"):
        content[key] = other[key] | content[key]
    # What one set grasps and the other goes by is grasped in the whole.
    for thing in content["objects"]:
        content["landmarks"].pop(thing, None)
    content["goals"] += tuple(
        own for own, goal in zip(other["goals"], second.goals, strict=True) if goal.key not in known
    )
    return TaskSet.model_validate(content | {"name": BOTH})


def suite_commands(tasks: TaskSet, suite: str) -> list[tuple[Command, str]]:
    """A model's command for each way of a suite, and the sentence that the suite has for it.

    Args:
        tasks: of the model; they may be more than the suite's.
        suite: one of `SUITES`.

    Raises ValueError when the model lacks a way.
    """
    own = {_key(c.goal_entry, dict(c.values)): c for c in tasks.commands}
    found = []
    for goal, way in libero_tasks(suite).ways():
        command = own.get(_key(goal, dict(way.slots)))
        if command is None:
            raise ValueError(
                f'the tasks {tasks.name} lack "{way.say}" of {suite}; train on '
                f"kinevla collect --world {BOTH} or --world {suite}"
            )
        found.append((command, way.say))
    return found


def _key(goal: Goal, slots: dict[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    return goal.key, frozenset(slots.items())
