"""Instructions that differ in one word, and in no meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_policy import DemonstratorPolicy
from shipped_tasks import TASKS, parse_instruction, siblings

from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.pairs import (
    Pair,
    one_word_changes,
    pair_lines,
    pairs,
    sensitivity,
)
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.language.grammar import phrasings
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.sim.cell.cell import Cell

episode = st.builds(
    EpisodeSetup, st.sampled_from(TASKS), st.integers(0, 1000), st.integers(0, 1000)
)


@given(episode)
@settings(max_examples=60, deadline=None)
def test_a_pair_changes_one_word_and_one_slot_on_the_same_scene(plain: EpisodeSetup) -> None:
    (pair,) = pairs([plain])
    asked, changed = pair.asked.instruction.split(), pair.changed.instruction.split()
    assert abs(len(asked) - len(changed)) <= 1
    same = sum(a == b for a, b in zip(asked, changed, strict=False)) + sum(
        a == b for a, b in zip(asked[::-1], changed[::-1], strict=False)
    )
    assert same >= max(len(asked), len(changed)) - 1
    assert parse_instruction(pair.asked.instruction) == plain.command
    assert parse_instruction(pair.changed.instruction) == pair.changed.command
    assert pair.changed.command in siblings(plain.command)
    assert pair.changed.command.slots()[pair.slot] != plain.command.slots()[pair.slot]
    assert (pair.changed.seed, pair.changed.trial) == (plain.seed, plain.trial)


@given(episode)
@settings(max_examples=30, deadline=None)
def test_a_rewording_means_the_same_in_other_held_out_words(plain: EpisodeSetup) -> None:
    (pair,) = pairs([plain])
    assert pair.reworded.instruction != pair.asked.instruction
    assert pair.reworded.command == plain.command
    assert pair.reworded.instruction in set(phrasings(plain.command, "held_out"))


def changes(said: str) -> list[str]:
    return [text for text, _ in one_word_changes(kine_realman(), said)]


def test_a_sentence_without_such_a_word_has_no_change() -> None:
    assert not list(changes("pick up the bread and move it straight ahead"))
    assert len(list(changes("pick up the bread and move it to the front"))) == 2


@pytest.fixture(scope="module")
def pair() -> Pair:
    return pairs([EpisodeSetup(TASKS[0], 1, 0)])[0]


def ran(pair: Pair, obedient: bool) -> dict[EpisodeSetup, EpisodeResult]:
    cell = Cell()
    policy = DemonstratorPolicy(cell, None if obedient else TASKS[0])
    found = {e: run_episode(cell, policy, e) for e in (pair.asked, pair.changed, pair.reworded)}
    cell.close()
    return found


@pytest.fixture(scope="module")
def obedient(pair: Pair) -> Iterator[dict[EpisodeSetup, EpisodeResult]]:
    yield ran(pair, obedient=True)


def test_a_policy_that_listens_follows_the_word_and_ignores_the_wording(pair, obedient) -> None:
    found = sensitivity([pair], obedient)
    assert found["one_word_followed"]["rate"] == 1.0
    assert found["by_slot"]["direction"]["rate"] == 1.0
    assert found["reworded_alike"]["rate"] == found["reworded_same_path"]["rate"] == 1.0
    assert found["reworded_distance_median_m"] == 0.0


def test_a_policy_that_always_does_the_same_does_not_follow(pair) -> None:
    assert sensitivity([pair], ran(pair, obedient=False))["one_word_followed"]["rate"] == 0.0


def test_another_outcome_after_a_rewording_counts_against_the_policy(pair, obedient) -> None:
    other = {**obedient, pair.reworded: obedient[pair.changed]}
    found = sensitivity([pair], other)
    assert found["reworded_alike"]["rate"] == found["reworded_same_path"]["rate"] == 0.0


def test_pairs_that_have_not_run_are_not_counted(pair, obedient) -> None:
    other = replace(pair, asked=replace(pair.asked, trial=5))
    assert sensitivity([pair, other], obedient)["one_word_followed"]["n"] == 1
    nothing = sensitivity([pair], {})
    assert nothing["one_word_followed"] == {"rate": None, "interval": (0.0, 1.0), "n": 0}
    assert len(pair_lines(nothing)) == 2
