"""What can be said to the policy on the graph: the task set of the checkpoint it has loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.overview import overview
from kinevla_ros.language.task_file import FILE_NAME, load_tasks
from kinevla_ros.language.task_set import TaskSet

MOST_SENTENCES, MOST_LINES = 500, 300


def sayable(model: str, url: str) -> dict[str, Any]:
    """Sentences that a page completes, and the same at length.

    Args:
        model: the policy's parameter of that name.
        url: its `policy_url`.

    Returns:
        `sentences` and `overview`, lines; both empty, and `problem` says why, where the task set
        cannot be read here.
    """
    if url:
        return _unknown("what a policy behind policy_url understands, only its server knows")
    try:
        # A checkpoint on another machine is not looked for any further.
        folder = Path(model) if model else resource_path("models", "kinevla-tiny")
        tasks = load_tasks(folder / FILE_NAME)
    except (OSError, ValueError) as problem:
        return _unknown(f"the task set of the policy's checkpoint cannot be read here: {problem}")
    return of_tasks(tasks)


def of_tasks(tasks: TaskSet) -> dict[str, Any]:
    """See `sayable`."""
    sentences = dict.fromkeys([tasks.example, *(way.say for _, way in tasks.ways())])
    return {
        "sentences": list(sentences)[:MOST_SENTENCES],
        "overview": overview(tasks)[:MOST_LINES],
        "problem": "",
    }


def _unknown(problem: str) -> dict[str, Any]:
    return {"sentences": [], "overview": [], "problem": problem}
