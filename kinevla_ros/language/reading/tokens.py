"""The words of a sentence, each with what it is to a task set."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from kinevla_ros.language.reading import english
from kinevla_ros.language.reading.asides import Sense, without_asides
from kinevla_ros.language.reading.spelling import COMMON, RARE, is_english, neighbours
from kinevla_ros.language.task_set import Goal, TaskSet

BREAK = ","


class Kind(Enum):
    """What a word is."""

    OBJECT = auto()
    LANDMARK = auto()
    SURROUNDING = auto()
    SLOT = auto()
    HEAD = auto()
    VERB = auto()
    PLACE = auto()
    GRASP = auto()
    WITH = auto()
    RELATION = auto()
    ARTICLE = auto()
    OF = auto()
    IT = auto()
    AND = auto()
    THEN = auto()
    BREAK = auto()
    BE = auto()
    POSSESSIVE = auto()
    PARTICLE = auto()
    FILLER = auto()
    NEGATION = auto()
    CHOICE = auto()
    UNKNOWN = auto()


_SENSES = {
    Kind.VERB: Sense.VERB,
    Kind.OBJECT: Sense.OBJECT,
    Kind.THEN: Sense.STEP,
    Kind.PLACE: Sense.STEP,
    Kind.SLOT: Sense.STEP,
    Kind.NEGATION: Sense.NO,
    Kind.CHOICE: Sense.NO,
    Kind.UNKNOWN: Sense.UNKNOWN,
}

NOUNS = frozenset({Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING, Kind.IT})


@dataclass(frozen=True)
class Token:
    """A word, its kind, and the object, landmark or verb that it names."""

    word: str
    kind: Kind
    name: str = ""


class Unreadable(ValueError):
    """The sentence cannot be read; the message completes `the instruction "..." `."""


class Lexicon:
    """The words that a task set knows, and what each is."""

    def __init__(self, tasks: TaskSet) -> None:
        self._tokens: dict[str, Token] = {}
        self.past: dict[str, str] = {}
        verbs = english.GRASP_VERBS | english.MOVE_VERBS
        verbs |= {_head(v) for goal in tasks.goals for v in (*goal.grasp, *goal.move)}
        asking, self.past = english.verb_forms(verbs)
        phrases = dict(english.PHRASES)
        # What comes first wins: the task set's own words stand above those of English.
        for name, words in tasks.objects.items():
            phrases |= {word: words[0] for word in words if " " in word}
            self._add((w for w in words if " " not in w), Kind.OBJECT, name)
        for name, words in tasks.landmarks.items():
            phrases |= {word: words[0] for word in words if " " in word}
            self._add((w for w in words if " " not in w), Kind.LANDMARK, name)
        self._add(tasks.surroundings, Kind.SURROUNDING)
        for slot in tasks.slots.values():
            for words in slot.words.values():
                single = [word for word in words if " " not in word]
                phrases |= {word: single[0] for word in words if " " in word}
                self._add(single, Kind.SLOT)
        for slot in tasks.slots.values():
            self._add(slot.heads, Kind.HEAD)
        for form, verb in (*asking.items(), *self.past.items()):
            self._add([form], Kind.VERB, verb)
        self._add_english()
        self._phrases = {tuple(k.split()): tuple(v.split()) for k, v in phrases.items()}
        self._longest = max(map(len, self._phrases))
        inside = {word for phrase in self._phrases for word in phrase}
        self._known = sorted(w for w in inside | set(self._tokens) if w.isalpha())

    def _add(self, words: Iterable[str], kind: Kind, name: str = "") -> None:
        for word in words:
            self._tokens.setdefault(word, Token(word, kind, name))

    def _add_english(self) -> None:
        for words, kind in (
            (english.NEGATIONS, Kind.NEGATION),
            (english.CHOICES, Kind.CHOICE),
            (english.PLACE_PREPOSITIONS, Kind.PLACE),
            (english.GRASP_PREPOSITIONS, Kind.GRASP),
            (["with"], Kind.WITH),
            (english.OTHER_RELATIONS, Kind.RELATION),
            (english.ARTICLES, Kind.ARTICLE),
            (["of"], Kind.OF),
            (["it"], Kind.IT),
            (["and"], Kind.AND),
            (english.THEN, Kind.THEN),
            ([BREAK], Kind.BREAK),
            (["be", "being"], Kind.BE),
            (["'s"], Kind.POSSESSIVE),
            (english.PARTICLES, Kind.PARTICLE),
            (english.FILLERS, Kind.FILLER),
        ):
            self._add(words, kind)

    def read(self, text: str, correct: bool = True) -> list[Token]:
        """All words of a text in order, with their kinds; never raises."""
        words = without_asides(split(text), self._sense)
        words = [self._spelt(w) if correct else w for w in words]
        return _described([self._token(word) for word in self._without_phrases(words)])

    def _sense(self, word: str) -> Sense:
        """What a word may do in a request."""
        return _SENSES.get(self._token(self._spelt(word)).kind, Sense.OTHER)

    def _spelt(self, word: str) -> str:
        """The word, or the known one that it is meant to be."""
        if self._token(word).kind is not Kind.UNKNOWN:
            return word
        near = neighbours(word, self._known)
        # Of several only what they all are is certain.
        alike = {(t.kind, t.name or t.word) for t in map(self._token, near)}
        if len(alike) != 1:
            return word
        meant = min(near, key=len)
        limit = RARE if self._token(meant).kind is Kind.VERB else COMMON
        return word if is_english(word, limit) else meant

    def _token(self, word: str) -> Token:
        if word.endswith("n't"):
            return Token(word, Kind.NEGATION)
        if known := self._tokens.get(word):
            return known
        manner = len(word) > 5 and word.endswith("ly") and word not in english.NO_MANNER
        return Token(word, Kind.FILLER if manner and is_english(word) else Kind.UNKNOWN)

    def _without_phrases(self, words: Sequence[str]) -> list[str]:
        """Phrases replaced by what they stand for, the longest first, from left to right."""
        found: list[str] = []
        rest = list(words)
        while rest:
            for length in range(min(self._longest, len(rest)), 1, -1):
                meant = self._phrases.get(tuple(rest[:length]))
                if meant is not None:
                    rest[:length] = meant
                    break
            else:
                found.append(rest.pop(0))
        return found


def _described(tokens: list[Token]) -> list[Token]:
    """An adjective of a thing changes nothing: there is one of each."""
    found = list(tokens)
    for i, token in enumerate(tokens[1:-1], 1):
        described = tokens[i + 1].kind in (Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING)
        unknown = token.kind is Kind.UNKNOWN and token.word not in english.TELLING_APART
        if unknown and described and tokens[i - 1].kind is Kind.ARTICLE:
            found[i] = Token(token.word, Kind.FILLER)
    return found


def verbs_of(goal: Goal) -> tuple[frozenset[str], frozenset[str]]:
    """Verbs that ask for the two halves of a goal's motion: its own, and what means the same."""
    grasp, move = ({_head(verb) for verb in verbs} for verbs in (goal.grasp, goal.move))
    if grasp & english.GRASP_VERBS:
        grasp |= english.GRASP_VERBS
    if move & english.MOVE_VERBS:
        move |= english.MOVE_VERBS
    return frozenset(grasp), frozenset(move)


def split(text: str) -> list[str]:
    """Words in lower case, possessives apart, and "," for whatever divides a sentence."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    plain = plain.replace("&", " and ").replace("/", " or ").replace("_", " ")
    found: list[str] = []
    for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*|[,;:.!?()\n\u2013\u2014]", plain):
        if not word[0].isalnum():
            found.append(BREAK)
        elif word.endswith("'s") and word != "let's":
            found += [word[:-2], "'s"]
        else:
            found.append(word)
    return found


def _head(verb: str) -> str:
    """The verb without its particle."""
    return verb.split()[0]
