"""Clauses that state something and ask for nothing: "my arms are short", "so I can reach it".

A clause is left out where its subject is neither the robot nor the one spoken to, where it has a
finite verb, and where nothing in it could be part of the request or take it back. Of a clause that
only names the object ("the cup is in my way") the name is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.clauses import (
    Clause,
    behind_apposition,
    conjunction,
    is_object,
    is_verb,
    subjects,
    with_verb,
)
from kinevla_ros.language.reading.asides.harmless import (
    is_harmless,
    orders,
    wishes,
    wishes_for_itself,
)
from kinevla_ros.language.reading.asides.word_classes import (
    ADJECTIVE,
    FINITE,
    NOUN,
    PLAIN_VERB,
    can_be,
    is_mostly,
)
from kinevla_ros.language.reading.tokens import Kind, Token

_HELD_BACK = frozenset("let where when you i we need needs want".split())  # noqa: SIM905
"""Fillers behind which no statement begins: they ask, or make a condition."""

_ORDERS = frozenset("please pls plz kindly then just can could would will let".split())  # noqa: SIM905
_RELATIVES = ("which", "that", "who", "where")
_CIRCUMSTANCES = ("with", "after", "in", "on", "at", "during", "despite", "from", "for", "by")
_DEEPEST = 20
"""Clauses joined by "and"; more are no aside."""


def without_statements(tokens: Sequence[Token]) -> list[str]:
    """The words of a sentence without such clauses."""
    statements = _Statements(tokens)
    kept: list[str] = []
    i = 0
    while i < len(tokens):
        clause = statements.at(i)
        if clause is None:
            kept.append(tokens[i].word)
            i += 1
        else:
            kept += clause.kept
            i = clause.end
    return kept


class _Statements:
    """Finds the statements of one sentence."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._read: dict[int, Clause | None] = {}
        self._depth = 0

    def at(self, i: int) -> Clause | None:
        """The statement that begins at a word and can be left out; None where none does."""
        if not self._may_begin(i):
            return None
        clause = self._clause(i) or self._behind_circumstance(i)
        if clause is None or (clause.kept and not self._asks_besides(i, clause.end)):
            return None
        # "my wife sits on the left, put it there": there is where she sits.
        shown = any(token.kind is Kind.SLOT for token in self._tokens[i : clause.end])
        there = any(token.word == "there" for token in self._tokens[clause.end :])
        return None if shown and there else clause

    def _asks_besides(self, start: int, end: int) -> bool:
        others = (*self._tokens[:start], *self._tokens[end:])
        return any(token.kind is Kind.VERB for token in others)

    def _kind(self, i: int) -> Kind:
        """Kind of a word; a break in front of the first and behind the last."""
        return self._tokens[i].kind if 0 <= i < len(self._tokens) else Kind.BREAK

    def _word(self, i: int) -> str:
        return self._tokens[i].word if 0 <= i < len(self._tokens) else ""

    def _may_begin(self, i: int) -> bool:
        if i and self._kind(i - 1) in (Kind.OBJECT, Kind.LANDMARK):
            return True
        if conjunction(self._tokens, i):
            return True
        # Interjections and adverbs stand in front of one: "well, today I am tired".
        while self._kind(i - 1) is Kind.FILLER and self._word(i - 1) not in closed.MODALS:
            if self._word(i - 1) in _HELD_BACK:
                return False
            i -= 1
        return self._kind(i - 1) in (Kind.BREAK, Kind.AND)

    def _clause(self, start: int) -> Clause | None:
        """The statement that begins at a word, read once."""
        if start not in self._read:
            self._depth += 1
            self._read[start] = self._parsed(start) if self._depth <= _DEEPEST else None
            self._depth -= 1
        return self._read[start]

    def _parsed(self, start: int) -> Clause | None:
        tokens = self._tokens
        i = start + (length := conjunction(tokens, start))
        described = self._kind(start - 1) in (Kind.OBJECT, Kind.LANDMARK)
        relative = not length and (described or self._is_described_behind_a_break(start))
        if relative and self._word(i) in _RELATIVES:
            if verb := with_verb(tokens, i + 1, Clause("thing", False, True, i + 1)):
                return self._rest(verb)
            i += 1
        elif relative and described and i < len(tokens) and is_verb(tokens[i], FINITE):
            return None
        joins = tokens[start].word if length else ""
        for kind, end in subjects(tokens, i, reason=length > 0):
            if relative and kind == "object":
                continue
            clause = Clause(kind, joins not in ("", "but", "so"), relative, end)
            clause.quoted, clause.purpose = joins == "as", joins == "so"
            clause.adversative = joins == "but" or self._word(start - 1) == "but"
            if kind == "object":
                clause.kept = [t.word for t in tokens[i:end] if t.kind is Kind.OBJECT]
            if verb := with_verb(tokens, end, clause):
                return self._rest(verb)
            behind = behind_apposition(tokens, end) if kind == "person" else end
            if behind > end and (verb := with_verb(tokens, behind, clause)):
                return self._rest(verb)
        return None

    def _is_described_behind_a_break(self, start: int) -> bool:
        """Whether a break and "which" stand behind what something is said of."""
        if self._kind(start - 1) is not Kind.BREAK or start < 2:
            return False
        part = self._word(start) in _RELATIVES and self._kind(start - 2) in (Kind.SLOT, Kind.HEAD)
        return part or self._kind(start - 2) in (Kind.OBJECT, Kind.LANDMARK)

    def _behind_circumstance(self, start: int) -> Clause | None:
        """A statement with a circumstance in front: "after a long day I am tired"."""
        if self._kind(start - 1) is not Kind.BREAK or self._word(start) not in _CIRCUMSTANCES:
            return None
        i = start + 1
        while self._kind(i) in (Kind.UNKNOWN, Kind.FILLER, Kind.ARTICLE, Kind.PLACE, Kind.OF):
            if self._word(i) in closed.PEOPLE and (clause := self._clause(i)):
                whole = self._kind(clause.end) is Kind.BREAK
                return clause if whole and not clause.kept else None
            if self._word(i) in closed.TAKES_BACK | {"you"}:
                return None
            i += 1
        return None

    def _rest(self, clause: Clause) -> Clause | None:
        """The clause up to its end; None where something in it may concern the request."""
        tokens, i = self._tokens, clause.end
        if wishes(tokens, clause) and not clause.reason and is_object(tokens, i):
            # "my wife wants the cup": as good as asking for it.
            return clause if _wishes_for_an_object(clause) else None
        objects: list[str] = []
        while i < len(tokens):
            other = self._clause(i + 1) if tokens[i].kind is Kind.AND else None
            if other:
                clause.kept += other.kept
                i = other.end
                continue
            if self._ends(i, clause):
                break
            if not is_harmless(tokens, i, clause):
                return None
            clause.task_verb |= tokens[i].kind is Kind.VERB and tokens[i].word != "getting"
            objects += [tokens[i].word] if tokens[i].kind is Kind.OBJECT else []
            i += 1
        if self._concerns(clause, i, objects):
            return None
        clause.kept += objects
        placed = any(t.kind in (Kind.PLACE, Kind.GRASP) for t in tokens[clause.end : i])
        here = clause.subject == "person" and clause.verb in closed.BE | closed.POSTURES
        clause.end = self._behind_place(i) if here and placed else i
        return clause

    def _concerns(self, clause: Clause, end: int, objects: list[str]) -> bool:
        """Whether a clause may be part of the request after all."""
        tokens, empty = self._tokens, end == clause.end
        wished = wishes(tokens, clause)
        if objects and (clause.task_verb or clause.subject == "object" or wished):
            return True
        if empty and clause.negated and clause.verb in closed.HAVE_DO | closed.MODALS:
            return True
        if empty and tokens[end - 1].kind is Kind.VERB and not clause.relative:
            return True
        if empty and tokens[end - 1].word in {*closed.BE, "'s"} and clause.subject != "person":
            return True
        return wished and not wishes_for_itself(tokens, clause.end)

    def _behind_place(self, end: int) -> int:
        """Where ", near the window" ends, which says more of where somebody is."""
        i = end + 1
        if self._word(i) not in ("on", "at", "in", "near", "by", "beside"):
            return end
        while self._kind(i) is not Kind.BREAK:
            if self._kind(i) in (Kind.VERB, Kind.OBJECT, Kind.LANDMARK, Kind.IT, Kind.AND):
                return end
            i += 1
        return min(i, len(self._tokens))

    def _ends(self, i: int, clause: Clause) -> bool:
        """Whether the clause ends in front of a word."""
        tokens, token = self._tokens, self._tokens[i]
        if token.kind in (Kind.BREAK, Kind.THEN) or token.word in closed.PLEASE:
            return True
        if clause.relative and (ends := self._relative_ends(i, clause)) is not None:
            return ends
        if token.kind is Kind.AND or token.word in ("so", "therefore", "but"):
            return self._is_joined_to_an_order(i)
        copular = clause.verb in closed.COPULAS and i > clause.end
        return copular and token.kind is Kind.VERB and is_mostly(tokens[i - 1].word, ADJECTIVE)

    def _relative_ends(self, i: int, clause: Clause) -> bool | None:
        """The same for "the cup my sister bought | should go", "| to the left"; None if unsure."""
        token = self._tokens[i]
        bound = closed.AUXILIARIES | closed.PEOPLE | {"to", "you", "not", "and"}
        verb = token.kind is Kind.VERB and self._word(i - 1) not in bound
        if verb or token.word in closed.MODALS:
            return True
        if token.word in closed.AUXILIARIES and i > clause.end:
            return True
        if token.word in ("to", "towards", "toward", "onto") and not clause.task_verb:
            return self._kind(self._behind_determiners(i + 1)) is Kind.SLOT
        return None

    def _is_joined_to_an_order(self, i: int) -> bool:
        """Whether "and", "so" or "but" stands in front of what goes on with the request."""
        after = self._behind_determiners(i + 1)
        kind, word = self._kind(after), self._word(after)
        if kind in (Kind.BREAK, Kind.VERB, Kind.AND) or word in _ORDERS:
            return True
        if self._kind(i) is not Kind.AND:
            return self._word(i) != "so"
        if kind in (Kind.OBJECT, Kind.LANDMARK, Kind.SLOT, Kind.PLACE, Kind.THEN):
            return True
        unknown = kind is Kind.UNKNOWN and can_be(word, PLAIN_VERB)
        return (unknown and not is_mostly(word, NOUN | {ADJECTIVE})) or orders(self._tokens, i + 1)

    def _behind_determiners(self, i: int) -> int:
        while self._word(i) in closed.DETERMINERS:
            i += 1
        return i


def _wishes_for_an_object(clause: Clause) -> bool:
    """Whether somebody wishes, or something needs, what a task is about."""
    needs = ("needs", "requires")
    if clause.subject != "person" and clause.verb not in needs:
        return False
    wish = clause.verb in (*needs, "want", "wants", "need", *closed.LIKINGS)
    return wish and not clause.negated and clause.modal in ("", "would")
