"""Pairs of instructions on one scene: one word changed, and the same meant in other words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.language.grammar import Command, Split, instruction, siblings
from kinevla_ros.language.parse import UnknownInstruction, parse_instruction

CHANGED, REWORDED = "one word changed", "reworded"
"""Conditions of the second and third episode of a pair."""

OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "left": ("right",),
    "right": ("left",),
    "upper": ("lower",),
    "lower": ("upper",),
    "top": ("bottom",),
    "bottom": ("top",),
    "leafy": ("pointed",),
    "thick": ("pointed",),
    "pointed": ("leafy", "thick"),
}
ASIDE = ("left", "right")
SAME_PLACE = 0.02
"""Tools that stay so close to each other make the same motion (m)."""


@dataclass(frozen=True)
class Pair:
    """Three episodes on one scene.

    Attributes:
        asked: the instruction that the others are held against.
        changed: differs from it in one word, and so in one slot.
        reworded: means the same.
        slot: the slot that the word changes.
    """

    asked: EpisodeSetup
    changed: EpisodeSetup
    reworded: EpisodeSetup
    slot: str


def pairs(plain: Sequence[EpisodeSetup]) -> list[Pair]:
    """One pair for each episode; its instruction is drawn again if no word of it can change."""
    return [_pair(episode) for episode in plain]


def one_word_changes(said: str) -> Iterator[tuple[str, Command]]:
    """Instructions that differ from this one in one word, put in, left out or replaced, and name
    another command with the same goal."""
    meant = parse_instruction(said)
    words = said.split()
    edits = [[*words[:i], w, *words[i + 1 :]] for i, old in enumerate(words) for w in _others(old)]
    edits += [[*words[:i], *words[i + 1 :]] for i, old in enumerate(words) if old in ASIDE]
    edits += [
        [*words[:i], side, *words[i:]]
        for i, old in enumerate(words)
        if old == "front"
        for side in ASIDE
    ]
    for edit in edits:
        try:
            command = parse_instruction(" ".join(edit))
        except UnknownInstruction:
            continue
        if command in siblings(meant):
            yield " ".join(edit), command


def _others(word: str) -> tuple[str, ...]:
    return OTHER_WORDS.get(word, ())


def _pair(episode: EpisodeSetup) -> Pair:
    rng = episode.chance()
    said = episode.instruction
    while not (changes := list(one_word_changes(said))):
        said = instruction(episode.command, rng, episode.phrasing)
    changed, command = changes[int(rng.integers(len(changes)))]
    asked = replace(episode, said=said)
    return Pair(
        asked,
        replace(asked, said=changed, command=command, condition=CHANGED),
        replace(
            asked, said=_reworded(episode.command, said, rng, episode.phrasing), condition=REWORDED
        ),
        _changed_slot(episode.command, command),
    )


def _reworded(command: Command, said: str, rng: np.random.Generator, phrasing: Split) -> str:
    while True:
        other = instruction(command, rng, phrasing)
        if other != said:
            return other


def _changed_slot(first: Command, second: Command) -> str:
    return next(n for n, value in first.slots().items() if second.slots()[n] != value)


def sensitivity(
    found: Sequence[Pair], results: Mapping[EpisodeSetup, EpisodeResult]
) -> dict[str, Any]:
    """Rates over those pairs whose episodes have run.

    A change is followed when both motions carry the slot out as it was said each time. A
    rewording is without effect when all slots are carried out alike; the distance between both
    tools says how much alike.
    """
    changed = [p for p in found if p.asked in results and p.changed in results]
    reworded = [p for p in found if p.asked in results and p.reworded in results]
    slots = dict.fromkeys(p.slot for p in changed)
    apart = [_apart(results[p.asked], results[p.reworded]) for p in reworded]
    return {
        "one_word_followed": _rate(_followed(p, results) for p in changed),
        "by_slot": {
            slot: _rate(_followed(p, results) for p in changed if p.slot == slot) for slot in slots
        },
        "reworded_alike": _rate(
            results[p.asked].executed == results[p.reworded].executed
            and results[p.asked].goal == results[p.reworded].goal
            for p in reworded
        ),
        "reworded_same_path": _rate(distance < SAME_PLACE for distance in apart),
        "reworded_distance_median_m": round(float(np.median(apart)), 4) if apart else None,
    }


def pair_lines(figures: Mapping[str, Any]) -> list[str]:
    """The same for people to read."""
    by_slot = ", ".join(f"{slot} {_text(rate)}" for slot, rate in figures["by_slot"].items())
    return [
        f"one word changed: motion follows in {_text(figures['one_word_followed'])}; {by_slot}",
        f"reworded: same outcome in {_text(figures['reworded_alike'])}, tool within "
        f"{SAME_PLACE * 1e3:.0f} mm all the time in {_text(figures['reworded_same_path'])}",
    ]


def _text(rate: Mapping[str, Any]) -> str:
    if not rate["n"]:
        return "- (none has run)"
    low, high = rate["interval"]
    return f"{rate['rate']:.0%} ({low:.0%} to {high:.0%}, n = {rate['n']})"


def _followed(pair: Pair, results: Mapping[EpisodeSetup, EpisodeResult]) -> bool:
    return all(
        results[episode].executed[pair.slot] == episode.command.slots()[pair.slot]
        for episode in (pair.asked, pair.changed)
    )


def _apart(first: EpisodeResult, second: EpisodeResult) -> float:
    """Largest distance between both tools at the same time; one that is done stays there (m)."""
    a, b = np.array(first.path), np.array(second.path)
    steps = np.arange(max(len(a), len(b)))
    gaps = a[np.minimum(steps, len(a) - 1)] - b[np.minimum(steps, len(b) - 1)]
    return float(np.linalg.norm(gaps, axis=1).max())


def _rate(outcomes: Any) -> dict[str, Any]:
    return Rate.of(outcomes).to_json()
