"""The two task sets of LIBERO: what the paper's tables hold, and a demonstrator for each."""

from __future__ import annotations

import pytest

from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.language.task_set import TaskSet

SETS = ("libero_goal_relabeled", "kine_libero")


@pytest.fixture(scope="module", params=SETS)
def tasks(request: pytest.FixtureRequest) -> TaskSet:
    return load_tasks(resource_path("config", f"{request.param}.yaml"))


def test_every_entry_of_the_paper_is_a_way_of_the_set(tasks: TaskSet) -> None:
    entries = sorted(entry for _, way in tasks.ways() for entry in way.entries)
    assert entries == list(range(1, {"kine_libero": 31}.get(tasks.name, 10) + 1))


def test_two_entries_of_the_paper_are_the_same_way() -> None:
    tasks = load_tasks(resource_path("config", "kine_libero.yaml"))
    assert [way.entries for _, way in tasks.ways() if len(way.entries) > 1] == [(24, 26)]


def test_no_two_ways_have_the_same_texts(tasks: TaskSet) -> None:
    assert len(set(tasks.texts())) == len(list(tasks.ways()))


def test_goals_with_the_same_object_differ_by_name(tasks: TaskSet) -> None:
    for goal, way in tasks.ways():
        assert tasks.way({"object": goal.key, **way.slots}) == (goal, way)
