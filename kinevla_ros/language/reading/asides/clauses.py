"""Subject and verb of a clause, found by the classes of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.word_classes import (
    ABSTRACT,
    ADJECTIVE,
    ADVERB,
    BODY,
    GERUND,
    NOUN,
    PAST,
    PERSON,
    PLAIN_VERB,
    QUANTITY,
    THING,
    THIRD_PERSON,
    TIME,
    can_be,
    is_mostly,
)
from kinevla_ros.language.reading.spelling import is_english
from kinevla_ros.language.reading.tokens import NAME, Kind, Token

REASONS = (
    "so that", "now that", "given that", "seeing that", "seeing as", "considering that",
    "even though", "because", "where", "before", "so", "since", "as", "for", "while", "although",
    "though", "whereas", "but", "considering",
)  # fmt: skip
"""What a clause may begin with, apart from its subject; the longest first."""

MOST_WORDS = 5
"""Of a subject."""


@dataclass
class Clause:
    """A clause as far as it is read.

    Attributes:
        subject: "person", "thing", "you" or "object".
        reason: whether a conjunction makes a reason or purpose of it.
        relative: whether it says more of a noun in front of it.
        quoted: whether it may be about what somebody said, as in "as my wife says".
        purpose: whether it says what for.
        adversative: whether "but" makes an objection of it.
        kept: words that stay in the sentence.
    """

    subject: str
    reason: bool
    relative: bool
    end: int
    quoted: bool = False
    adversative: bool = False
    purpose: bool = False
    verb: str = ""
    modal: str = ""
    negated: bool = False
    task_verb: bool = False
    kept: list[str] = field(default_factory=list)


def conjunction(tokens: Sequence[Token], i: int) -> int:
    """Length of the conjunction that begins here."""
    words = [token.word for token in tokens[i : i + 2]]
    for length in (2, 1):
        if len(words) >= length and (said := " ".join(words[:length])) in REASONS:
            place = i + 1 < len(tokens) and tokens[i + 1].word in closed.PEOPLE
            free = said != "where" or place or (i and tokens[i - 1].kind is Kind.BREAK)
            return length if free else 0
    return 0


def subjects(tokens: Sequence[Token], i: int, reason: bool) -> list[tuple[str, int]]:
    """What may be the subject here, and where each ends."""
    if i >= len(tokens):
        return []
    first = tokens[i]
    if first.word in closed.PEOPLE:
        return [("person", _joined(tokens, i + 1))]
    found: list[tuple[str, int]] = []
    if first.word == "you":
        return [("you", i + 1)]
    if [t.word for t in tokens[i : i + 2]] == ["let", "me"]:
        return [("person", i + 2)]
    start = i + 1 if first.word in closed.DETERMINERS else i
    end = start
    while end < len(tokens) and end - start < MOST_WORDS:
        token = tokens[end]
        if token.word in closed.ROBOT and first.word not in closed.OWNERS:
            break
        if token.kind in (Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING):
            if (
                token.kind is Kind.LANDMARK
                and end + 2 < len(tokens)
                and tokens[end + 1].kind is Kind.OF
            ):
                return [*found, ("thing", end + 3)]
            return [*found, ("object", end + 1)]
        part = token.kind is Kind.HEAD or (token.kind is Kind.SLOT and token.role == "grasp")
        mine = first.word in closed.OWNERS and token.kind in (Kind.SLOT, Kind.HEAD)
        if not describes(token) and not mine and not (reason and part):
            break
        end += 1
        if _may_be_subject(tokens, i, start, end):
            person = can_be(token.word, PERSON) or first.word in closed.OWNERS or not _known(token)
            found.append(("person" if person else "thing", _joined(tokens, end)))
    if first.word in closed.THINGS and (
        reason or first.word not in ("this", "that", "these", "those")
    ):
        found.append(("thing", i + 1))
    return found


def _may_be_subject(tokens: Sequence[Token], i: int, start: int, end: int) -> bool:
    """Whether the words so far can be a noun with what describes it."""
    last = tokens[end - 1]
    if last.kind in (Kind.SLOT, Kind.HEAD):
        return True
    if start > i or end - start > 1:
        return can_be(last.word, NOUN) or not _known(last)
    # Bare, as "lunch": what can be an order must be followed by what makes a subject of it.
    follows = end < len(tokens) and tokens[end].word in closed.AUXILIARIES
    noun = is_mostly(last.word, NOUN) or (not _known(last) and is_english(last.word, 0))
    return noun and (follows or not can_be(last.word, PLAIN_VERB))


def _known(token: Token) -> bool:
    return token.role != NAME and can_be(
        token.word,
        ADJECTIVE
        + ADVERB
        + THING
        + BODY
        + PERSON
        + TIME
        + QUANTITY
        + ABSTRACT
        + PLAIN_VERB
        + THIRD_PERSON
        + PAST
        + GERUND,
    )


def describes(token: Token) -> bool:
    if token.word in closed.AUXILIARIES | closed.CHANGING | closed.WISHES:
        return False
    return token.kind is Kind.UNKNOWN or (
        token.kind is Kind.FILLER
        and can_be(token.word, ADJECTIVE + THING + PERSON + ABSTRACT + BODY)
    )


def _joined(tokens: Sequence[Token], end: int) -> int:
    """Where "my wife and I" ends."""
    rest = [token.word for token in tokens[end : end + 3]]
    if rest[:1] == ["and"] and rest[1:2] and rest[1] in closed.PEOPLE:
        return end + 2
    return end + 3 if rest[:2] in (["and", "my"], ["and", "the"]) and len(rest) == 3 else end


def behind_apposition(tokens: Sequence[Token], end: int) -> int:
    """Where ", who loves tea," or ", a friend of mine," ends behind a subject."""
    if [t.kind for t in tokens[end : end + 1]] != [Kind.BREAK]:
        return end
    i = end + 1
    opening = tokens[i].word if i < len(tokens) else ""
    if opening not in closed.OWNERS | {"who", "whose", "a", "an", "the", "bless"}:
        return end
    barred = (Kind.VERB, Kind.SLOT, Kind.NEGATION, Kind.IT)
    while i < len(tokens) and tokens[i].kind is not Kind.BREAK:
        if tokens[i].kind in barred or tokens[i].word in closed.TAKES_BACK | closed.MODALS:
            return end
        i += 1
    return i + 1 if i < len(tokens) else end


def is_verb(token: Token, forms: frozenset[str] | str) -> bool:
    if token.kind is Kind.VERB or token.kind is Kind.FILLER:
        return can_be(token.word, forms)
    return token.kind is Kind.UNKNOWN and can_be(token.word, forms)


def with_verb(tokens: Sequence[Token], i: int, clause: Clause) -> Clause | None:
    """The clause with its verb; None where no finite verb follows."""
    finite = False
    while i < len(tokens):
        token = tokens[i]
        negation = token.word in closed.HARDLY or token.word.endswith("n't")
        if (
            token.word in closed.AUXILIARIES
            or (token.word.endswith("n't"))
            or token.word == "cannot"
        ):
            if token.word.removesuffix("n't") in closed.MODALS | {"ca", "wo", "sha"}:
                clause.modal = token.word
            clause.verb = token.word if token.word in closed.AUXILIARIES else "do"
            finite = True
        elif token.word == "'s" and not finite and clause.subject != "you":
            finite, clause.verb = True, "is"
        elif not (negation and finite) and not is_adverb(token):
            break
        clause.negated |= negation
        i += 1
    if i < len(tokens) and (form := _main_verb(tokens[i], clause, finite)):
        clause.verb = tokens[i].word if form == "main" else clause.verb
        clause.task_verb = tokens[i].kind is Kind.VERB
        finite = True
        i += 1
    if not finite or not _may_state(tokens, i, clause):
        return None
    clause.end = i
    return clause


def _main_verb(token: Token, clause: Clause, finite: bool) -> str:
    if finite:
        return (
            "main"
            if clause.verb not in closed.BE and is_verb(token, PLAIN_VERB + PAST + GERUND)
            else ""
        )
    forms = PLAIN_VERB + PAST if clause.subject in ("person", "you") else PAST
    return "main" if is_verb(token, forms + THIRD_PERSON) else ""


def is_adverb(token: Token) -> bool:
    if token.word in closed.TAKES_BACK or token.kind not in (Kind.UNKNOWN, Kind.FILLER):
        return False
    return (
        token.word.endswith("ly") or is_mostly(token.word, ADVERB) or token.word in ("just", "all")
    )


def _may_state(tokens: Sequence[Token], i: int, clause: Clause) -> bool:
    """Whether subject and verb can only state something."""
    if clause.verb in closed.TAKES_BACK or (clause.adversative and clause.subject != "person"):
        return False
    if clause.verb in closed.REPORTS and not (clause.quoted or is_about_people(tokens, i)):
        return False
    after = tokens[i].word if i < len(tokens) else ""
    if after == "you" and clause.verb in closed.AUXILIARIES:
        return False
    must = closed.BE if clause.subject == "person" else closed.BE | closed.HAVE_DO
    if after == "to" and tokens[i - 1].word in must:
        return False
    if clause.subject == "you" and not clause.negated and clause.verb in closed.NOTICING:
        return clause.relative or clause.modal in ("will", "can", "may")
    if clause.subject == "you":
        does = is_mostly(after, GERUND) and after not in ("doing", "looking", "getting", "being")
        states = clause.verb in closed.COPULAS and not does
        states |= clause.verb == "have" and after != "to"
        return states and not clause.modal and not clause.negated
    if clause.subject == "person":
        return not (clause.negated and clause.verb in closed.OPINIONS)
    return _may_be_said_of_things(tokens, i, clause)


def _may_be_said_of_things(tokens: Sequence[Token], i: int, clause: Clause) -> bool:
    """The same where a thing is the subject, which might be the object of the request."""
    explains = clause.reason or clause.purpose
    meant = clause.subject == "object" or tokens[clause.end - 1].word in closed.THINGS
    announced = ("", "will", "would", "may", "might", "won't", "wouldn't")
    if not explains and (
        (meant and (clause.negated or clause.modal)) or clause.modal not in announced
    ):
        return False
    if clause.purpose and not clause.modal:
        # "so that it is toasted" asks for that.
        asked = i < len(tokens) and is_mostly(tokens[i].word, PAST)
        if asked or clause.verb not in closed.COPULAS | closed.HAVE_DO:
            return False
    if clause.subject == "object":
        return clause.verb in closed.COPULAS | closed.LYING and not clause.negated
    needs = clause.verb in ("needs", "requires") and is_object(tokens, i)
    return clause.verb not in closed.WISHES or needs


def is_about_people(tokens: Sequence[Token], i: int) -> bool:
    """Whether what somebody says is about people: "the doctor says I must eat"."""
    i += i < len(tokens) and tokens[i].word in ("me", "us")
    after = [token.word for token in tokens[i : i + 2]]
    return len(after) == 2 and (
        after[0] in closed.PEOPLE or (after[0] == "you" and after[1] in closed.BE)
    )


def is_object(tokens: Sequence[Token], i: int) -> bool:
    """Whether an object is named next."""
    while i < len(tokens) and (tokens[i].word in closed.DETERMINERS or describes(tokens[i])):
        i += 1
    return i < len(tokens) and (
        tokens[i].kind in (Kind.OBJECT, Kind.IT) or tokens[i - 1].word in ("thing", "one")
    )
