"""What becomes of instructions that name no task: nothing moves, whatever the model would do.

The policy reads first and gives the model none of them. What the model itself makes of them is
measured beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import scene
from kinevla_ros.generator.decoding.decode import BilevelDecoder, GenerationError, Refusal
from kinevla_ros.generator.decoding.sequence import InstructionTooLong
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.pictures.squares import camera_pixels, state_tensor
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.grammar import Split
from kinevla_ros.language.reading.out_of_scope import OutOfScope
from kinevla_ros.sim.cell.cell import Cell


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
    nonsense = OutOfScope(policy.tasks)
    writer = BilevelDecoder(policy.model, policy.vocabulary)
    with closing(Cell()) as cell:
        for trial in range(count):
            cell.reset(scene(seed, trial))
            policy.reset()
            said = nonsense.draw(rng, phrasing)
            refused = _is_refused(writer, policy, cell, said)
            found.append(Answer(said, refused, _still(policy, cell, said)))
            advance()
    return found


def _is_refused(writer: BilevelDecoder, policy: Policy, cell: Cell, said: str) -> bool:
    """Whether the model refuses an instruction in its own words."""
    seen = cell.observe()
    images = camera_pixels(policy.model.config, seen.images, policy.device)
    try:
        writer.generate(said, images, state_tensor(seen.state).to(policy.device))
    except Refusal:
        return True
    except (GenerationError, InstructionTooLong):
        pass
    return False


def _still(policy: Policy, cell: Cell, said: str) -> bool:
    """Whether nothing would move."""
    try:
        policy.infer(said, cell.observe())
    except (NotUnderstood, GenerationError):
        return True
    return False


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
