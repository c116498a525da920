"""Where a sentence speaks of a slot: "on the left hand side of the plate", "by its top"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from kinevla_ros.language.reading.tokens import NOUNS, Kind, Token

ANSWER = "answer"
"""Word of the break between an instruction and the answer to a question about it."""

CORNERS = {
    "corner", "corners", "quadrant", "quadrants", "diagonal", "diagonally", "oblique", "obliquely",
    "slantwise", "askew",
}  # fmt: skip
SIDES = {"side", "sides", "edge", "edges"}
"""Words that a direction may be named by half with: "to a front corner" is not straight ahead."""

_SKIPPED = (Kind.ARTICLE, Kind.FILLER)


@dataclass(frozen=True)
class Mention:
    """Words of slots that stand together.

    Attributes:
        words: of slots, in order.
        heads: nouns that follow them, as "side".
        owner: object, landmark or surroundings that it is of; "" for "it" or nothing.
        before: kind of the word in front of it, articles left out.
        preposition: that word, if it is one.
        verb: the verb that it follows; "" where it follows none.
        apart: whether a comma or "and" stands between that verb and it.
        leg: counts verbs and "then": what is said of one leg of a motion belongs together.
        in_answer: whether it belongs to the answer to a question.
        names_object: whether it stands directly in front of an object, to tell it from others.
    """

    words: tuple[str, ...]
    heads: tuple[str, ...]
    owner: str
    before: Kind
    preposition: str
    verb: str
    apart: bool
    leg: int
    in_answer: bool
    names_object: bool

    @property
    def text(self) -> str:
        """As it was said, with an article."""
        of = f" of the {self.owner}" if self.owner else ""
        return f"the {' '.join((*self.words, *self.heads))}{of}"


def find_mentions(tokens: Sequence[Token]) -> list[Mention]:
    """All of a sentence, in order."""
    found: list[Mention] = []
    i = end = 0
    while i < len(tokens):
        if tokens[i].kind is not Kind.SLOT:
            i += 1
            continue
        start = i
        mention, i = _mention(tokens, i)
        if found and _goes_on(found[-1], tokens[end:start]):
            # "to the front on the left": both say where to.
            mention = replace(mention, preposition=found[-1].preposition)
        end = i
        found.append(mention)
    return found


def _goes_on(before: Mention, between: Sequence[Token]) -> bool:
    kinds = {token.kind for token in between}
    return before.preposition == "to" and kinds <= {Kind.PLACE, Kind.ARTICLE, Kind.FILLER}


def _mention(tokens: Sequence[Token], start: int) -> tuple[Mention, int]:
    """The mention whose first word is at `start`, and where it ends."""
    end = start
    while end < len(tokens) and tokens[end].kind is Kind.SLOT:
        end += 1
    words = tuple(token.word for token in tokens[start:end])
    first_head = end
    while end < len(tokens) and tokens[end].kind is Kind.HEAD:
        end += 1
    heads = tuple(token.word for token in tokens[first_head:end])
    owner, end, names_object = _owner(tokens, start, end)
    if owner and end < len(tokens) and tokens[end].kind is Kind.HEAD and not heads:
        heads, end = (tokens[end].word,), end + 1
    before = _before(tokens, start)
    verb, apart, leg, in_answer = _place(tokens[:start])
    preposition = before.word if before.kind in _PREPOSITIONS else ""
    kept = Mention(
        words, heads, owner, before.kind, preposition, verb, apart, leg, in_answer, names_object
    )
    return kept, end


_PREPOSITIONS = (Kind.PLACE, Kind.GRASP, Kind.WITH, Kind.RELATION)
_START = Token("", Kind.BREAK)


def _owner(tokens: Sequence[Token], start: int, end: int) -> tuple[str, int, bool]:
    """Of what it is, where that ends, and whether it only tells an object from others."""
    if end < len(tokens) and tokens[end].kind is Kind.OF:
        noun = end + 1
        while noun < len(tokens) and tokens[noun].kind in _SKIPPED:
            noun += 1
        if noun < len(tokens) and tokens[noun].kind in NOUNS:
            return _name(tokens[noun]), noun + 1, False
    if start >= 2 and tokens[start - 1].kind is Kind.POSSESSIVE:
        return _name(tokens[start - 2]), end, False
    if end < len(tokens) and tokens[end].kind in (Kind.OBJECT, Kind.LANDMARK):
        # "put left plate": where there are no articles, none tells things apart.
        bare = not (start and tokens[start - 1].kind is Kind.ARTICLE)
        wanted = "grasp" if tokens[end].kind is Kind.OBJECT else "target"
        if bare and end == start + 1 and tokens[start].role == wanted:
            return _name(tokens[end]), end + 1, False
        followed = end + 1 < len(tokens) and tokens[end + 1].kind is Kind.HEAD
        if followed or tokens[end].kind is Kind.LANDMARK:
            return _name(tokens[end]), end + 1, not followed and end == start + 1
        return "", end, True
    return "", end, False


def _name(noun: Token) -> str:
    if noun.kind is Kind.IT:
        return ""
    return noun.name or noun.word


def _before(tokens: Sequence[Token], start: int) -> Token:
    i = start - 1
    if i >= 1 and tokens[i].kind is Kind.POSSESSIVE:
        i -= 2
    while i >= 0 and tokens[i].kind in _SKIPPED:
        i -= 1
    return tokens[i] if i >= 0 else _START


def _place(before: Sequence[Token]) -> tuple[str, bool, int, bool]:
    """Verb, whether it is apart from it, leg of the motion, whether it is an answer."""
    verb, apart, leg, in_answer = "", False, 0, False
    for token in before:
        if token.kind is Kind.BREAK and token.word == ANSWER:
            verb, apart, leg, in_answer = "", False, leg + 1, True
        elif token.kind is Kind.VERB:
            verb, apart, leg = token.name, False, leg + 1
        elif token.kind is Kind.THEN:
            apart, leg = True, leg + 1
        elif token.kind in (Kind.BREAK, Kind.AND):
            apart = True
    return verb, apart, leg, in_answer


def speaks_of_more(text: str, named: Container[str]) -> bool:
    """Whether a text says that something lies to a side, and leaves open to which.

    Args:
        text: as it was said.
        named: words that say which side it is, where they stand before "side".
    """
    words = re.findall(r"[a-z]+", text.lower())
    return any(
        word in CORNERS or (word in SIDES and before not in named)
        for before, word in itertools.pairwise(["", *words])
    )
