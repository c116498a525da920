"""Words replaced from outside: what the policy is given, and what success is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from scripted_policy import DemonstratorPolicy
from shipped_tasks import TASKS, parse_reasoning, siblings

from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.cli import evaluate as cli
from kinevla_ros.evaluation.suite.conditions import by_condition, comparison
from kinevla_ros.evaluation.suite.episode import PLAIN, EpisodeResult, EpisodeSetup, Intervention
from kinevla_ros.evaluation.suite.episodes import episodes, under
from kinevla_ros.evaluation.suite.intervention import MEANING, IntervenedPolicy
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.variation import Variation

BREAD = TASKS[0]
IMAGES = {name: np.full((240, 320, 3), 90, np.uint8) for name in ("front", "wrist")}


def intervened(command: Command, mode: Intervention, trial: int = 0) -> EpisodeSetup:
    return EpisodeSetup(command, 1, trial, intervention=mode, condition=mode)


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


@pytest.fixture(scope="module")
def mismatched(cell: Cell) -> EpisodeResult:
    return run_episode(cell, DemonstratorPolicy(cell), intervened(BREAD, "mismatched"))


@pytest.fixture(scope="module")
def plain(cell: Cell) -> EpisodeResult:
    return run_episode(cell, DemonstratorPolicy(cell), EpisodeSetup(BREAD, 1, 0))


def words(episode: EpisodeSetup, cell: Cell) -> Override:
    policy = DemonstratorPolicy(cell)
    IntervenedPolicy(policy, episode).infer(
        episode.instruction, Observation({}, np.zeros(7), 0.07, 0.0)
    )
    given = policy.heard[-1]
    assert given is not None
    return given


def test_every_intervention_is_explained_and_offered() -> None:
    assert set(MEANING) == set(get_args(Intervention)) == {choice.value for choice in cli.Intervene}


def test_a_policy_that_heeds_its_words_does_what_other_words_say(
    mismatched: EpisodeResult,
) -> None:
    assert mismatched.worded in siblings(BREAD)
    assert mismatched.goal
    assert not mismatched.kinematic
    assert mismatched.as_worded
    assert mismatched.executed["direction"] == mismatched.worded.slot("direction")


def test_a_policy_that_heeds_only_the_instruction_is_found_out(
    cell: Cell, mismatched: EpisodeResult
) -> None:
    deaf = run_episode(cell, DemonstratorPolicy(cell, deaf=True), mismatched.episode)
    assert deaf.kinematic
    assert not deaf.as_worded


def test_what_is_lost_is_counted_on_the_same_trials(
    plain: EpisodeResult, mismatched: EpisodeResult
) -> None:
    elsewhere = replace(plain, episode=replace(plain.episode, trial=7), goal=False)
    groups = by_condition([mismatched, plain, elsewhere])
    assert list(groups) == [PLAIN, "mismatched"]
    found = comparison(groups[PLAIN], groups["mismatched"])
    assert found["goal_drop"] == 0.0
    assert found["kinematic_drop"] == 1.0
    assert found["as_worded"]["rate"] == 1.0


@pytest.mark.parametrize("command", TASKS)
def test_mismatched_words_are_those_of_another_command_with_the_same_goal(cell, command) -> None:
    named = set()
    for trial in range(12):
        given = words(intervened(command, "mismatched", trial), cell)
        named.add(parse_reasoning(str(given.goal), str(given.kinematics)))
    assert named == set(siblings(command))


def test_right_empty_and_goal_only_words_are_what_their_names_say(cell: Cell) -> None:
    assert words(intervened(BREAD, "oracle"), cell) == Override.naming(BREAD)
    empty, goal_only = (words(intervened(BREAD, m), cell) for m in ("empty", "goal-only"))
    assert (empty.goal, empty.kinematics) == ("", "")
    assert (goal_only.goal, goal_only.kinematics) == (None, "")


def test_the_model_can_read_any_words_an_intervention_gives(cell: Cell) -> None:
    policy = Policy(resource_path("models", "kinevla-tiny"))
    seen = Observation(IMAGES, cell.joint_positions(), 0.07, 0.0)
    read = refused = 0
    for trial in range(2):
        for episode in under(
            [EpisodeSetup(c, 1, trial) for c in TASKS[::3]],
            ["random", "mismatched", "empty", "oracle", "goal-only", "swap"],
        ):
            given = IntervenedPolicy(policy, episode)
            try:
                inference = given.infer(episode.instruction, seen)
            except GenerationError:
                refused += 1  # no motion is a fair answer to strange words
                continue
            read += 1
            assert np.isfinite(inference.chunk.positions).all()
    assert read > 2 * refused


def test_a_swap_keeps_the_goal_codes_and_takes_the_others_words(cell: Cell) -> None:
    policy = Policy(resource_path("models", "kinevla-tiny"))
    seen = Observation(IMAGES, cell.joint_positions(), 0.07, 0.0)
    episode = intervened(TASKS[3], "swap")
    swapped = IntervenedPolicy(policy, episode)
    own = policy.infer(episode.instruction, seen)
    other = swapped.infer(episode.instruction, seen)
    assert (other.goal, other.goal_codes) == (own.goal, own.goal_codes)
    assert parse_reasoning(other.goal, other.kinematics) == swapped.worded != episode.command


def test_conditions_run_the_plain_trials_once_more(cell: Cell) -> None:
    plain = episodes("kine_realman", 2, 3)
    plan = under(plain, ["random", "swap"], [Variation("lights", 0.5)])
    assert len(plan) == 3 * len(plain)
    assert {e.condition for e in plan} == {"random", "swap", "lights"}
    assert {(e.instruction, e.trial) for e in plan} == {(e.instruction, e.trial) for e in plain}
