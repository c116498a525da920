"""What each episode's words could be, from whichever source, the unsure ones first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.json_file import parse_object, read_bounded
from kinevla_ros.data.annotate.motion import Carry, find_carry
from kinevla_ros.data.annotate.propose import Pose, Proposal, propose
from kinevla_ros.data.annotate.words import Words, read_persistent
from kinevla_ros.data.checks.texts import slot_reader
from kinevla_ros.data.lerobot.reader import DatasetReader, EpisodeEntry
from kinevla_ros.data.lerobot.schema import GOAL, KINEMATICS, STATE, DatasetError
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.readings import Understood, UnknownReasoning

if TYPE_CHECKING:
    from kinevla_ros.data.annotate.locate import Locator

Origin = Literal["motion", "task", "import", "dataset"]
BEFORE = (8, 6, 5, 4)
"""Frames before the grasp at which is looked where things lie; later the hand hides them."""

LARGEST = 64 << 20


@dataclass(frozen=True)
class Suggestion:
    """Slots of one episode that nobody has looked at yet.

    Attributes:
        episode: its number.
        instruction: what was asked for.
        slots: object and slots as far as they are known.
        sure: whether a person need not look first.
        origin: where they come from.
        note: why they are not sure; empty when they are.
        margin: how far from another reading; the smallest come first.
    """

    episode: int
    instruction: str
    slots: Mapping[str, str]
    sure: bool
    origin: Origin
    note: str = ""
    margin: float = 0.0


class Suggester:
    """Suggests slots for each episode of a dataset.

    Args:
        reader: the dataset.
        locator: finds things in pictures; None where nobody named one.
        from_task: whether to go by the instruction where it names all.
        given: slots of episodes from elsewhere, see `read_import`.
        own_words: whether to go by the words that the dataset has in LeRobot's own column.

    Raises:
        DatasetError: the dataset or its task set is damaged, or its states are not ours.
        ValueError: `given` names an episode that is not there.
    """

    def __init__(
        self,
        reader: DatasetReader,
        locator: Locator | None = None,
        from_task: bool = False,
        given: Mapping[int, Mapping[str, str]] | None = None,
        own_words: bool = True,
    ) -> None:
        self.reader, self.words = reader, slot_reader(reader)
        self._locator, self._from_task = locator, from_task
        self._given = dict(given or {})
        episodes = [entry.index for entry in reader.episodes]
        strangers = sorted(self._given.keys() - set(episodes))
        if strangers:
            raise ValueError(
                f"{reader.root} has no episode {strangers[0]}; its last one is {max(episodes)}"
            )
        self._states = reader.frames[STATE].astype(np.float64)
        if self._states.shape[1:] != (8,):
            raise DatasetError(f"{reader.root}: run kinevla check first; its states are not ours")
        self._known = self._read_known() if own_words else {}

    def suggestions(self) -> list[Suggestion]:
        """All episodes, those that a person must look at first."""
        found = [self.suggest(entry) for entry in self.reader.episodes]
        return sorted(found, key=lambda one: (one.sure, one.margin))

    def suggest(self, entry: EpisodeEntry) -> Suggestion:
        """Slots of one episode: given, the task's or the dataset's own.

        They are held against the instruction and the motion.
        """
        stated, origin = self._stated(entry)
        carry = self.carry(entry)
        seen = propose(self.words.tasks, carry, self._poses(entry, carry), stated.get("object", ""))
        if not stated:
            sure = seen.sure
            note = "" if sure else seen.why or f"unclear: {_closest(seen)}"
            return _suggestion(entry, seen.slots, sure, "motion", note, seen.margin)
        named = self.words.slots(entry.instruction)
        if wrong := [name for name in named if named[name] != stated.get(name, named[name])]:
            slot = wrong[0]
            note = f"{slot} {stated[slot]} by the {origin}, {named[slot]} by the instruction"
            return _suggestion(entry, stated, False, origin, note)
        against = [
            slot
            for slot, value in seen.slots.items()
            if stated.get(slot) != value and seen.margins[slot] >= 1.0
        ]
        if against:
            slot = against[0]
            note = f"{slot} {stated.get(slot)} by the {origin}, {seen.slots[slot]} by the motion"
            return _suggestion(entry, stated, False, origin, note)
        return _suggestion(entry, stated, True, origin, "", 1.0)

    def carry(self, entry: EpisodeEntry) -> Carry | None:
        """The motion of an episode."""
        return find_carry(self._states[entry.span])

    def states(self, entry: EpisodeEntry) -> NDArray[np.float64]:
        """Joints (rad) and opening (m) of an episode, shape (n, 8)."""
        return np.asarray(self._states[entry.span])

    def texts(self, slots: Mapping[str, str]) -> Words:
        """Goal and kinematics text of slots. Raises KeyError where no way of the set has them."""
        return self.words.texts(slots)

    def _stated(self, entry: EpisodeEntry) -> tuple[Mapping[str, str], Origin]:
        if entry.index in self._given:
            return self._given[entry.index], "import"
        if self._from_task:
            reading = self.words.read(entry.instruction)
            if isinstance(reading, Understood):
                return reading.command.slots(), "task"
        if entry.index in self._known:
            return self._known[entry.index], "dataset"
        return {}, "motion"

    def _read_known(self) -> dict[int, Mapping[str, str]]:
        """Slots of the words that LeRobot's own column holds, where the task set knows them."""
        known: dict[int, Mapping[str, str]] = {}
        for number, words in read_persistent(self.reader).items():
            try:
                known[number] = self.words.reasoning(*words).slots()
            except UnknownReasoning:
                continue
        return known

    def _poses(self, entry: EpisodeEntry, carry: Carry | None) -> Mapping[str, Pose]:
        if self._locator is None or carry is None:
            return {}
        rows = sorted({max(0, carry.grasp - back) for back in BEFORE})
        fronts, wrists = (self.reader.video(entry.index, name)[rows] for name in CAMERAS)
        states = self._states[entry.span][rows]
        return self._locator.poses(list(fronts), list(wrists), states)


def read_import(path: Path, words: Reader) -> dict[int, Mapping[str, str]]:
    """Slots by episode from JSON lines, as a person or a model wrote them.

    Each line has `episode` and either `slots` or the texts `goal` and `kinematics`.

    Raises:
        FileError: the file is too large.
        ValueError: a line cannot be read, or says what the task set does not know.
    """
    found: dict[int, Mapping[str, str]] = {}
    for number, line in enumerate(read_bounded(path, LARGEST).splitlines(), 1):
        if not line.strip():
            continue
        try:
            episode, slots = _imported(parse_object(line), words)
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"{path}:{number}: {one_line(problem)}") from problem
        found[episode] = slots
    return found


def _imported(line: Mapping[str, Any], words: Reader) -> tuple[int, Mapping[str, str]]:
    episode = line.get("episode")
    if not isinstance(episode, int) or isinstance(episode, bool) or episode < 0:
        raise ValueError("it names no episode: a whole number from 0")
    slots = line.get("slots")
    if slots is None:
        if not {"goal", "kinematics"} <= line.keys():
            raise ValueError("it has neither slots nor both texts, goal and kinematics")
        return episode, words.reasoning(str(line["goal"]), str(line["kinematics"])).slots()
    if not isinstance(slots, dict):
        raise ValueError('slots are written {"object": "cup", …}')
    try:
        words.texts(slots)
    except KeyError as problem:
        given = ", ".join(f"{name} {value}" for name, value in slots.items()) or "no slots"
        raise ValueError(
            f"the task set has no way with {given} alone; its ways are {_ways(words)}"
        ) from problem
    return episode, dict(slots)


def _ways(words: Reader) -> str:
    """What each goal's ways are told apart by, such as `cup (part, side)`."""
    return ", ".join(f"{goal.object} ({', '.join(goal.slots)})" for goal in words.tasks.goals)


def _closest(seen: Proposal) -> str:
    """The least sure slot."""
    return min(seen.margins, key=seen.margins.__getitem__, default="all of it")


def _suggestion(
    entry: EpisodeEntry,
    slots: Mapping[str, str],
    sure: bool,
    origin: Origin,
    note: str = "",
    margin: float = 0.0,
) -> Suggestion:
    return Suggestion(entry.index, entry.instruction, dict(slots), sure, origin, note, margin)


def compare(suggester: Suggester) -> Iterator[tuple[Suggestion, Mapping[str, str]]]:
    """Each suggestion with the slots that the dataset's own `reasoning.*` names.

    Raises:
        DatasetError: the dataset has none.
    """
    frames = suggester.reader.frames
    if GOAL not in frames:
        raise DatasetError(f"{suggester.reader.root} has no reasoning to compare with")
    for entry in suggester.reader.episodes:
        texts = frames[GOAL][entry.start], frames[KINEMATICS][entry.start]
        yield suggester.suggest(entry), suggester.words.reasoning(*texts).slots()
