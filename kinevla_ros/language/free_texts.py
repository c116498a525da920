"""A task set out of the texts of a dataset: what was said, and what was written for it."""

from __future__ import annotations

from collections.abc import Iterable

from kinevla_ros.language.reading.words import plain
from kinevla_ros.language.task_set import Goal, TaskSet, Way

MOST_INSTRUCTIONS = 500
"""Of a way; more teach nothing and make the file long."""


def tasks_of_texts(name: str, episodes: Iterable[tuple[str, str, str]]) -> TaskSet:
    """The ways that episodes show, in the order in which they come.

    Each pair of goal and kinematics text is a way, ways of the same goal text are siblings. What
    was said for one way alone is its instruction. Where all that was said fits several ways, as a
    text that names the goal only does, the kinematics text stands for it.

    Args:
        episodes: instruction, goal text and kinematics text of each.

    Raises:
        ValueError: a text is empty or too long, or there is no episode.
    """
    said: dict[str, dict[str, dict[str, None]]] = {}
    meant: dict[str, set[tuple[str, str]]] = {}
    for instruction, goal, kinematics in dict.fromkeys(episodes):
        said.setdefault(goal, {}).setdefault(kinematics, {})[instruction] = None
        meant.setdefault(plain(instruction), set()).add((goal, kinematics))
    goals = []
    for goal, ways in said.items():
        own = {
            kinematics: [t for t in texts if len(meant[plain(t)]) == 1] or [kinematics]
            for kinematics, texts in ways.items()
        }
        goals.append(Goal(text=goal, ways=tuple(_way(k, texts) for k, texts in own.items())))
    return TaskSet(name=name, goals=tuple(goals), example=goals[0].ways[0].say if goals else "")


def _way(kinematics: str, texts: list[str]) -> Way:
    first, *others = texts[:MOST_INSTRUCTIONS]
    return Way(say=first, prompt=first, kinematics=kinematics, instructions=tuple(others))
