"""`kinevla annotate`: words for every episode that is sure, or that a person decided about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinevla_ros.data.annotate.proposals import Suggester, Suggestion, compare
from kinevla_ros.data.annotate.reviews import Decision
from kinevla_ros.data.annotate.words import write_words


@dataclass(frozen=True)
class Outcome:
    """What was written.

    Attributes:
        written: episodes that have words now.
        open: episodes that a person must look at.
        discarded: episodes that a person rejected; they have no words.
    """

    written: tuple[int, ...]
    open: tuple[Suggestion, ...]
    discarded: tuple[int, ...]


def annotate(
    suggester: Suggester, suggestions: Sequence[Suggestion], decided: Mapping[int, Decision]
) -> Outcome:
    """Write the words of what is sure or decided.

    Raises:
        DatasetError: the dataset is damaged.
        FolderInUse: another process writes to it.
    """
    slots: dict[int, Mapping[str, str]] = {}
    left = []
    for one in suggestions:
        if one.episode in decided:
            if (decision := decided[one.episode]) is not None:
                slots[one.episode] = decision
        elif one.sure:
            slots[one.episode] = one.slots
        else:
            left.append(one)
    discarded = sorted(number for number, decision in decided.items() if decision is None)
    write_words(suggester.reader.root, {n: suggester.texts(s) for n, s in slots.items()})
    return Outcome(tuple(sorted(slots)), tuple(left), tuple(discarded))


@dataclass(frozen=True)
class Score:
    """Suggestions held against words that are known.

    Attributes:
        right, slots: slots that were suggested as they are, of all.
        sure: episodes that a person would not have been shown first.
        sure_wrong: of these, how many had a wrong slot.
        episodes: all.
    """

    right: int
    slots: int
    sure: int
    sure_wrong: int
    episodes: int

    def __str__(self) -> str:
        return (
            f"{self.right} of {self.slots} slots right ({self.right / self.slots:.1%}) before a "
            f"person looks; {self.sure} of {self.episodes} episodes sure, {self.sure_wrong} of "
            "these with a wrong slot"
        )


def score(suggester: Suggester) -> Score:
    """Compare with the dataset's own words, of which the suggestions know nothing.

    Raises:
        DatasetError: the dataset has none.
    """
    right = slots = sure = wrong = episodes = 0
    for found, truth in compare(suggester):
        hits = sum(found.slots.get(name) == value for name, value in truth.items())
        right, slots, episodes = right + hits, slots + len(truth), episodes + 1
        sure += found.sure
        wrong += found.sure and hits < len(truth)
    return Score(right, slots, sure, wrong, episodes)
