"""The words that a task set knows, and a sentence as those words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from kinevla_ros.language.reading import english
from kinevla_ros.language.reading.asides.adjuncts import without_adjuncts
from kinevla_ros.language.reading.asides.clauses import REASONS
from kinevla_ros.language.reading.asides.courtesy import without_courtesy
from kinevla_ros.language.reading.asides.phrases import PHRASES
from kinevla_ros.language.reading.asides.statements import without_statements
from kinevla_ros.language.reading.spelling import COMMON, RARE, is_english, neighbours
from kinevla_ros.language.reading.tokens import BREAK, NAME, Kind, Token, head
from kinevla_ros.language.task_set import TaskSet


class Lexicon:
    """The words that a task set knows, and what each is."""

    def __init__(self, tasks: TaskSet) -> None:
        self._tokens: dict[str, Token] = {}
        self.past: dict[str, str] = {}
        verbs = english.GRASP_VERBS | english.MOVE_VERBS
        verbs |= {head(v) for goal in tasks.goals for v in (*goal.grasp, *goal.move)}
        asking, self.past = english.verb_forms(verbs)
        phrases = dict(PHRASES)
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
                self._add(single, Kind.SLOT, role=slot.role)
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
        words = without_courtesy(split(text), self._matters)
        words = [self._spelt(w) if correct else w for w in words]
        names = names_in(text)
        words = without_statements([self._token(word, names) for word in words])
        # What a courtesy stood around may be one now.
        words = self._without_phrases(without_courtesy(words, self._matters))
        return without_adjuncts(_distinguished([self._token(word, names) for word in words]))

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
        """What a text may be, one for each word that a word with a typing error can stand for."""
        doubtful = {w: m for w in split(text) if len(m := self._meant(w)) > 1}
        if len(doubtful) != 1:
            return [self.read(text)]
        ((word, meant),) = doubtful.items()
        return [self.read(re.sub(rf"\b{word}\b", m, text, flags=re.IGNORECASE)) for m in meant]

    def _spelt(self, word: str) -> str:
        """The word, or the known one that it is meant to be."""
        meant = self._meant(word)
        return meant[0] if len(meant) == 1 else word

    def _meant(self, word: str) -> list[str]:
        """The known words that it may be meant to be, those of different kinds apart."""
        if self._token(word).kind is not Kind.UNKNOWN:
            return []
        found: dict[tuple[Kind, str], str] = {}
        for near in sorted(neighbours(word, self._known), key=len):
            token = self._token(near)
            limit = RARE if token.kind is Kind.VERB else COMMON
            # Of several that are alike only what they all are is certain.
            if not is_english(word, limit):
                found.setdefault((token.kind, token.name or token.word), near)
        return list(found.values())

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


def _distinguished(tokens: list[Token]) -> list[Token]:
    """Words of slots that are verbs or of a body here: "lower it", "my hand"."""
    found = list(tokens)
    for i, token in enumerate(tokens):
        after = tokens[i + 1].kind if i + 1 < len(tokens) else Kind.BREAK
        lowered = english.LOWERING.get(token.word)
        if lowered and token.kind is Kind.SLOT and after is Kind.IT:
            found[i] = replace(token, kind=Kind.VERB, name=lowered, role="")
        if (
            token.kind is Kind.HEAD
            and token.word == "hand"
            and i
            and tokens[i - 1].word in ("my", "your")
        ):
            found[i] = replace(token, kind=Kind.UNKNOWN)
    return found


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


def names_in(text: str) -> frozenset[str]:
    """Words with a capital where no sentence begins: names of people, in lower case."""
    found = re.findall(r"(?<=[a-z0-9,;] )[A-Z][a-z]+", text)
    # Titles and shouting have capitals everywhere.
    return (
        frozenset(map(str.lower, found)) if len(found) * 4 <= len(text.split()) + 3 else frozenset()
    )
