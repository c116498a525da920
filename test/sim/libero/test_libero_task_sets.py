"""The two task sets of LIBERO: what the paper's tables hold, and a demonstrator for each."""

from __future__ import annotations

import pytest

from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.sim.cell.tasks import CELL_TASKS
from kinevla_ros.sim.libero.goals import GOALS
from kinevla_ros.sim.libero.tasks import SUITES, libero_tasks, suite_commands

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


def test_both_sets_together_have_each_way_once() -> None:
    tasks = libero_tasks("libero")
    assert len(tasks.commands) == 34
    assert len(set(tasks.texts())) == 34
    assert {goal.key for goal in tasks.goals} == set(GOALS)


@pytest.mark.parametrize("suite", SUITES)
def test_a_model_of_both_sets_has_a_command_for_each_way_of_one(suite: str) -> None:
    found = suite_commands(libero_tasks("libero"), suite)
    ways = list(libero_tasks(suite).ways())
    assert [dict(command.values) for command, _ in found] == [dict(w.slots) for _, w in ways]
    assert [command.goal_entry.key for command, _ in found] == [goal.key for goal, _ in ways]


def test_a_model_of_other_tasks_is_told_what_it_lacks() -> None:
    with pytest.raises(ValueError, match=r"kine_realman lack .*kinevla collect --world libero"):
        suite_commands(CELL_TASKS, "kine_libero")
    with pytest.raises(ValueError, match="libero_goal_relabeled lack"):
        suite_commands(libero_tasks("libero_goal_relabeled"), "kine_libero")
