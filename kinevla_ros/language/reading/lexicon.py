"""The words that a task set knows, and a sentence as those words."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from kinevla_ros.language.reading import english
from kinevla_ros.language.reading.asides.adjuncts import without_adjuncts
from kinevla_ros.language.reading.asides.clauses import REASONS
from kinevla_ros.language.reading.asides.corrections import corrected
from kinevla_ros.language.reading.asides.courtesy import without_courtesy
from kinevla_ros.language.reading.asides.exclusions import without_exclusions
from kinevla_ros.language.reading.asides.frames import without_frames
from kinevla_ros.language.reading.asides.phrases import PHRASES
from kinevla_ros.language.reading.asides.placing import placed
from kinevla_ros.language.reading.asides.statements import without_statements
from kinevla_ros.language.reading.asides.word_classes import (
    ADJECTIVE,
    GERUND,
    NOUN,
    PAST,
    PLAIN_VERB,
    RARE_VERB,
    THIRD_PERSON,
    can_be,
    classes_of,
)
from kinevla_ros.language.reading.spelling import (
    COMMON,
    LONG,
    RARE,
    abbreviated,
    is_english,
    neighbours,
)
from kinevla_ros.language.reading.tokens import BREAK, NAME, Kind, Token, head
from kinevla_ros.language.reading.words import names_in, split
from kinevla_ros.language.task_set import TaskSet

_MOST_READINGS = 8
_MOST_REMEMBERED = 5000
_BEHIND_NOUNS = (Kind.SLOT, Kind.BREAK, Kind.PLACE, Kind.AND, Kind.GRASP)
_VERBS = PLAIN_VERB + RARE_VERB + THIRD_PERSON + PAST + GERUND
_NAMING = (Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING, Kind.SLOT, Kind.HEAD)


class Lexicon:
    """The words that a task set knows, and what each is."""

    def __init__(self, tasks: TaskSet) -> None:
        self._tokens: dict[str, Token] = {}
        self._atoms: dict[str, tuple[str, ...]] = {}
        self._meanings: dict[str, list[str]] = {}
        self.past: dict[str, str] = {}
        verbs = english.GRASP_VERBS | english.MOVE_VERBS
        verbs |= {head(v) for goal in tasks.goals for v in (*goal.grasp, *goal.move)}
        asking, self.past = english.verb_forms(verbs)
        phrases = dict(PHRASES)
        # What comes first wins: the task set's own words stand above those of English.
        for name, words in tasks.objects.items():
            phrases |= self._named(words, Kind.OBJECT, name)
        for name, words in tasks.landmarks.items():
            phrases |= self._named(words, Kind.LANDMARK, name)
        self._add(tasks.surroundings, Kind.SURROUNDING)
        for name, slot in tasks.slots.items():
            for atom, words in slot.words.items():
                single = [word for word in words if " " not in word]
                for word in single:
                    self._atoms[word] = (*self._atoms.get(word, ()), f"{name}: {atom}")
                phrases |= {word: single[0] for word in words if " " in word}
                self._add(single, Kind.SLOT, role=slot.role)
                if slot.role == "grasp":
                    phrases |= {f"where it {be} {w}": w for w in single for be in ("is", "'s")}
        for slot in tasks.slots.values():
            self._add(slot.heads, Kind.HEAD)
        for form, verb in (*asking.items(), *self.past.items()):
            self._add([form], Kind.VERB, verb)
        self._add_english()
        self._phrases = {tuple(k.split()): tuple(v.split()) for k, v in phrases.items()}
        self._longest = max(map(len, self._phrases))
        inside = {word for phrase in self._phrases for word in phrase}
        reasons = {word for reason in REASONS for word in reason.split()}
        self._known = sorted(w for w in inside | reasons | set(self._tokens) if w.isalpha())
        self._slot_words = sorted(w for w, t in self._tokens.items() if t.kind is Kind.SLOT)

    def _named(self, words: Sequence[str], kind: Kind, name: str) -> dict[str, str]:
        """Add the words for a thing; those of several words, to the one that stands for them."""
        one = words[0].replace(" ", "_")
        self._add([one, *(w for w in words if " " not in w)], kind, name)
        return {word: one for word in words if " " in word}

    def _add(self, words: Iterable[str], kind: Kind, name: str = "", role: str = "") -> None:
        for word in words:
            known = self._tokens.setdefault(word, Token(word, kind, name, role))
            if kind is known.kind is Kind.SLOT and known.role != role:
                self._tokens[word] = Token(word, kind)

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
        words = split(text)
        if correct:
            # What a correction takes back is known by words as they are meant.
            meant = map(self._token, self._corrected(words))
            said = [replace(t, word=w) for t, w in zip(meant, words, strict=True)]
            words = [token.word for token in corrected(said)]
        words = without_frames([*map(self._token, words)])
        words = without_courtesy(words, self._matters)
        if correct:
            words = self._in_place(self._corrected(words))
        names = names_in(text)
        words = without_statements([self._token(word, names) for word in words])
        # What a courtesy stood around may be one now.
        words = self._without_phrases(without_courtesy(words, self._matters))
        tokens = placed([self._token(word, names) for word in words])
        return without_exclusions(without_adjuncts(tokens))

    def may_be_a_slot(self, token: Token) -> bool:
        """Whether a word that fills in or moves is a letter away from one of a slot."""
        loose = token.kind in (Kind.FILLER, Kind.VERB)
        return loose and bool(neighbours(token.word, self._slot_words))

    def _matters(self, word: str) -> bool:
        """Whether a word may not get lost."""
        return self._names(word) or self._kind(word) in (Kind.NEGATION, Kind.CHOICE)

    def _names(self, word: str) -> bool:
        return self._kind(word) in (Kind.OBJECT, Kind.LANDMARK, Kind.SLOT)

    def _kind(self, word: str) -> Kind:
        return self._token(self._spelt(word)).kind

    def alternatives(self, text: str) -> list[list[Token]]:
        """What a text may be, one for each word that words with typing errors can stand for."""
        words = split(text)
        certain = self._corrected(words)
        doubtful = {w: m for i, w in enumerate(words) if len(m := self._meant_at(certain, i)) > 1}
        if not doubtful or math.prod(map(len, doubtful.values())) > _MOST_READINGS:
            return [self.read(text)]
        found = []
        for chosen in itertools.product(*doubtful.values()):
            said = text
            for word, meant in zip(doubtful, chosen, strict=True):
                said = re.sub(rf"\b{word}\b", meant, said, flags=re.IGNORECASE)
            found.append(self.read(said))
        return found

    def _corrected(self, words: list[str]) -> list[str]:
        """Words with a typing error as the ones that they are meant to be."""
        found = list(words)
        for i in range(len(words)):
            meant = self._meant_at(found, i)
            if len(meant) == 1:
                found[i] = meant[0]
        return found

    def _spelt(self, word: str) -> str:
        """The word, or the known one that it is meant to be."""
        meant = self._meant(word)
        return meant[0] if len(meant) == 1 else word

    def _meant_at(self, words: Sequence[str], i: int) -> list[str]:
        """What a word may be meant to be: a noun or a place behind "the" and behind a place."""
        meant = self._meant(words[i])
        before = self._token(words[i - 1]).kind if i else Kind.BREAK
        if len(meant) > 1 and before in (Kind.ARTICLE, Kind.SLOT, Kind.POSSESSIVE):
            named = [w for w in meant if self._token(w).kind in _NAMING]
            return named or meant
        return meant

    def _in_place(self, words: list[str]) -> list[str]:
        """The words, with those put right that stand where no such word can: "the bred to"."""
        found = list(words)
        kinds = [Kind.BREAK, *(self._token(word).kind for word in words), Kind.BREAK]
        for i, word in enumerate(words):
            before, own, after = kinds[i : i + 3]
            if own is not Kind.UNKNOWN or not classes_of(word):
                continue
            if before is Kind.ARTICLE and after in _BEHIND_NOUNS:
                wanted: tuple[Kind, ...] = (Kind.OBJECT, Kind.LANDMARK)
                fits = not can_be(word, NOUN | {ADJECTIVE})
            else:
                # "old the cup": an order has a verb in front of "the".
                wanted = (Kind.VERB,)
                begins = before in (Kind.BREAK, Kind.AND, Kind.THEN, Kind.FILLER)
                named = after is Kind.IT or (after is Kind.ARTICLE and kinds[i + 3] in _NAMING)
                fits = begins and named and not can_be(word, _VERBS)
            near = [w for w in neighbours(word, self._known) if self._token(w).kind in wanted]
            if fits and len({self._role(self._token(w)) for w in near}) == 1:
                found[i] = near[0]
        return found

    def _meant(self, word: str) -> list[str]:
        """The known words that it may be meant to be, those of different kinds apart."""
        if self._token(word).kind is not Kind.UNKNOWN:
            return []
        if len(self._meanings) > _MOST_REMEMBERED:
            self._meanings.clear()
        if word not in self._meanings:
            self._meanings[word] = self._near(word)
        return self._meanings[word]

    def _near(self, word: str) -> list[str]:
        """The same, worked out."""
        found: dict[tuple[Kind, object], str] = {}
        for near in sorted(neighbours(word, self._known), key=len):
            token = self._token(near)
            limit = RARE if token.kind is Kind.VERB else COMMON
            # Of several that are alike only what they all are is certain.
            seldom = token.kind is Kind.FILLER and not is_english(near)
            if not is_english(word, limit) and not seldom:
                found.setdefault((token.kind, self._role(token)), near)
        if not found and not is_english(word, 0) and not classes_of(word):
            short = abbreviated(word, self._known) or neighbours(word, self._known, LONG, 2)
            found = {(t.kind, self._role(t)): t.word for t in map(self._token, short)}
        if denied := [w for (kind, _), w in found.items() if kind in (Kind.NEGATION, Kind.CHOICE)]:
            return denied[:1]
        certain = {key: near for key, near in found.items() if key[0] is not Kind.UNKNOWN}
        return list((certain or found).values())

    def _role(self, token: Token) -> object:
        """What words of one kind share: verbs a half of the motion, places what they name."""
        if token.kind is Kind.VERB:
            halves = {"grasp": english.GRASP_VERBS, "move": english.MOVE_VERBS}
            return next((half for half, verbs in halves.items() if token.name in verbs), token.name)
        return self._atoms.get(token.word) or token.name or token.word

    def _token(self, word: str, names: Collection[str] = ()) -> Token:
        if word.endswith("n't"):
            return Token(word, Kind.NEGATION)
        if known := self._tokens.get(word):
            return known
        manner = len(word) > 5 and word.endswith("ly") and word not in english.NO_MANNER
        kind = Kind.FILLER if manner and is_english(word) else Kind.UNKNOWN
        return Token(word, kind, role=NAME if word in names else "")

    def _ends_target(self, words: Sequence[str]) -> bool:
        """Whether the last word says where something goes."""
        last = self._token(words[-1]) if words else None
        return last is not None and last.kind is Kind.SLOT and last.role == "target"

    def _without_phrases(self, words: Sequence[str]) -> list[str]:
        """Phrases replaced by what they stand for, the longest first, from left to right."""
        found: list[str] = []
        rest = list(words)
        while rest:
            for length in range(min(self._longest, len(rest)), 1, -1):
                said = tuple(rest[:length])
                meant = self._phrases.get(said)
                if meant is None:
                    continue
                if not meant and self._ends_target(found) and self._names(said[0]):
                    # "to the front right now": front, or right front?
                    found.append(" ".join(said))
                rest[:length] = meant
                break
            else:
                found.append(rest.pop(0))
        return found
