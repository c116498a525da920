"""Pairs of instructions on one scene: one word changed, and the same meant in other words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import Split, instruction
from kinevla_ros.language.reading.reader_of import TaskReader, reader_of
from kinevla_ros.language.reading.readings import Understood
from kinevla_ros.language.task_set import TaskSet

CHANGED, REWORDED = "one word changed", "reworded"
"""Conditions of the second and third episode of a pair."""

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


def one_word_changes(tasks: TaskSet, said: str) -> Iterator[tuple[str, Command]]:
    """Instructions that differ from this one in one word, put in, left out or replaced, and name
    another command with the same goal."""
    reader = reader_of(tasks)
    meant = _read(reader, said)
    words, others = said.split(), _others(tasks)
    plainest = {words[0] for slot in tasks.slots.values() for words in slot.words.values()}
    edits = [
        [*words[:i], other, *words[i + 1 :]]
        for i, old in enumerate(words)
        for other in others.get(old, ())
    ]
    of_slots = [i for i, word in enumerate(words) if word in others]
    edits += [[*words[:i], *words[i + 1 :]] for i in of_slots]
    # "left" before "front", and not "leftward" before "ahead".
    edits += [
        [*words[:i], word, *words[i:]]
        for i in of_slots
        for word in others[words[i]]
        if {words[i], word} <= plainest
    ]
    for edit in edits:
        command = _read(reader, " ".join(edit))
        if meant is not None and command in meant.siblings():
            yield " ".join(edit), command


def _read(reader: TaskReader, text: str) -> Command | None:
    reading = reader.read(text)
    return reading.command if isinstance(reading, Understood) else None


def _others(tasks: TaskSet) -> dict[str, tuple[str, ...]]:
    """Each word of a slot's values to the words of the slot's other values."""
    found: dict[str, dict[str, None]] = {}
    for slot in tasks.slots.values():
        used = {atom for value in slot.values.values() for atom in value.words}
        for atom in used:
            rest = [
                w
                for other in slot.words
                if other in used - {atom}
                for w in slot.words[other]
                if " " not in w
            ]
            for word in slot.words[atom]:
                found.setdefault(word, {}).update(dict.fromkeys(rest))
    return {word: tuple(rest) for word, rest in found.items()}


def _pair(episode: EpisodeSetup) -> Pair:
    rng = episode.chance()
    said = episode.instruction
    while not (changes := list(one_word_changes(episode.command.tasks, said))):
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
