"""What inside a statement can be left out with it, and what may concern the request."""

from __future__ import annotations

from collections.abc import Sequence

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.clauses import Clause, is_about_people, is_adverb
from kinevla_ros.language.reading.asides.word_classes import (
    ABSTRACT,
    ADJECTIVE,
    BODY,
    GERUND,
    NOUN,
    PAST,
    PLAIN_VERB,
    RARE_VERB,
    TIME,
    can_be,
    is_mostly,
)
from kinevla_ros.language.reading.tokens import Kind, Token


def is_harmless(tokens: Sequence[Token], i: int, clause: Clause) -> bool:
    """Whether a word of the clause can be left out with it."""
    token = tokens[i]
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if token.word in closed.TAKES_BACK:
        return False
    if token.word in closed.REPORTS and not (clause.quoted or is_about_people(tokens, i + 1)):
        return False
    if token.word in ("if", "unless", "until", "once"):
        return False
    if (
        token.kind is Kind.CHOICE
        and after
        and (after.kind is Kind.VERB or can_be(after.word, PLAIN_VERB))
    ):
        return False
    if _gives_an_order(tokens, i):
        return False
    if token.kind is Kind.SLOT:
        return _is_harmless_slot(tokens, i, clause)
    if token.word == "you":
        return not after or not (
            after.kind is Kind.VERB
            or after.word in closed.MODALS | {"to", "do", "did", "have"}
            or is_mostly(after.word, PLAIN_VERB)
        )
    if token.kind is Kind.NEGATION:
        known = token.word in ("not", "no", "without", "never") or token.word.endswith("n't")
        return known and clause.subject in ("person", "thing")
    if token.kind is Kind.IT and clause.negated:
        return clause.modal.startswith(("can", "could")) or clause.reason
    if token.kind is Kind.IT and wishes(tokens, clause):
        return False
    if token.kind is Kind.VERB and clause.subject == "object":
        return token.word == "getting"
    return True


def _is_harmless_slot(tokens: Sequence[Token], i: int, clause: Clause) -> bool:
    """Whether a word of a slot says nothing of the request."""
    after = tokens[i + 1].word if i + 1 < len(tokens) else ""
    if after in ("handed", "footed") or (
        tokens[i - 1].word in closed.OWNERS and can_be(after, BODY)
    ):
        return True
    if clause.subject == "person" and not clause.task_verb:
        # "I am sitting on the right", "I want to cut the top off".
        here = clause.verb in closed.BE | closed.POSTURES
        return here or (tokens[i].role == "grasp" and not wishes(tokens, clause))
    return clause.reason and tokens[i].role == "grasp" and clause.subject == "thing"


def wishes(tokens: Sequence[Token], clause: Clause) -> bool:
    """Whether the clause wishes for something, and not to do something."""
    follows = tokens[clause.end].word if clause.end < len(tokens) else ""
    liking = clause.modal == "would" and clause.verb in closed.LIKINGS
    return (clause.verb in closed.WISHES or bool(liking)) and follows != "to"


def wishes_for_itself(tokens: Sequence[Token], i: int) -> bool:
    """Whether what is wished for is nothing that a robot could bring."""
    first = i
    while i < len(tokens) and (tokens[i].word in closed.DETERMINERS or is_adverb(tokens[i])):
        i += 1
    if i == len(tokens) or tokens[i].kind is not Kind.UNKNOWN:
        return False
    if any(is_mostly(t.word, PAST) for t in tokens[i + 1 : i + 2]):
        return False
    # "some toast" is nothing that lies there; who wants it himself may want it brought.
    mine = any(token.word in ("i", "we") for token in tokens[max(0, first - 4) : first])
    some = not mine and all(token.word == "some" for token in tokens[first:i])
    return is_mostly(tokens[i].word, ABSTRACT + TIME + GERUND) or some


def orders(tokens: Sequence[Token], i: int) -> bool:
    """Whether "water the", "hand me" begin here: a verb with its object."""
    if i + 1 >= len(tokens) or not can_be(tokens[i].word, PLAIN_VERB + RARE_VERB):
        return False
    return (
        tokens[i + 1].word in closed.DETERMINERS | closed.PRONOUNS or tokens[i + 1].kind is Kind.IT
    )


def _gives_an_order(tokens: Sequence[Token], i: int) -> bool:
    """Whether an unknown verb with its object belongs to nobody's subject."""
    word, before = tokens[i].word, tokens[i - 1].word
    if tokens[i].kind is not Kind.UNKNOWN or word == "like" or is_mostly(word, NOUN | {ADJECTIVE}):
        return False
    bound = closed.DETERMINERS | closed.AUXILIARIES | closed.PEOPLE | {"to", "not"}
    return before not in bound and orders(tokens, i)
