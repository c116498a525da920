"""What a policy does with instructions that name no task: it should say so, and move nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinevla_ros.evaluation.episode import Episode
from kinevla_ros.evaluation.statistics import Rate
from kinevla_ros.generator.decode import GenerationError, Refusal
from kinevla_ros.generator.policy import NotUnderstood, Policy
from kinevla_ros.language.grammar import TASKS, Split
from kinevla_ros.language.out_of_scope import out_of_scope
from kinevla_ros.sim.cell import Cell


@dataclass(frozen=True)
class Answer:
    """What came of one instruction: the model's own refusal, no motion for any reason."""

    said: str
    refused: bool
    still: bool


def read_out_of_scope(
    policy: Policy,
    count: int,
    seed: int,
    phrasing: Split,
    advance: Callable[[], object] = lambda: None,
) -> list[Answer]:
    """Let a policy read `count` instructions that name no task, each in a scene of its own."""
    found = []
    rng = np.random.default_rng((seed, 3))
    with closing(Cell()) as cell:
        for trial in range(count):
            cell.reset(Episode(TASKS[0], seed, trial).scene())
            policy.reset()
            found.append(_ask(policy, cell, out_of_scope(rng, phrasing)))
            advance()
    return found


def _ask(policy: Policy, cell: Cell, said: str) -> Answer:
    try:
        policy.infer(said, cell.observe())
    except (NotUnderstood, GenerationError) as problem:
        return Answer(said, isinstance(problem.__cause__, Refusal), still=True)
    return Answer(said, refused=False, still=False)


def refusal_figures(answers: list[Answer]) -> dict[str, Any]:
    """Rates as plain JSON types, and what the model took for a task."""
    return {
        "model": Rate.of(answer.refused for answer in answers).to_json(),
        "no_motion": Rate.of(answer.still for answer in answers).to_json(),
        "taken_for_a_task": [answer.said for answer in answers if not answer.refused],
    }


def refusal_line(figures: dict[str, Any]) -> str:
    """The same for people to read."""
    own, still = figures["model"], figures["no_motion"]
    low, high = own["interval"]
    return (
        f"out of scope (n = {own['n']}): the model refuses {own['rate']:.1%} ({low:.1%} to "
        f"{high:.1%}) in its own words; nothing moves in {still['rate']:.1%}"
    )
