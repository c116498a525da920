"""Reads what a person asks for: understood, a question about what is missing, or refused.

Every word must have its place: a word that is not known, a negation, two readings or a place that
belongs to something else are refused, because a guess would move the arm.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.checks import (
    check_role,
    check_spelling,
    check_verbs,
    check_whole,
    check_words,
)
from kinevla_ros.language.reading.lexicon import Lexicon
from kinevla_ros.language.reading.mentions import Mention, find_mentions, speaks_of_more
from kinevla_ros.language.reading.readings import (
    Question,
    Reading,
    Refused,
    Understood,
    UnknownReasoning,
    problem_of,
    shortened,
)
from kinevla_ros.language.reading.tokens import Kind, Token, Unreadable
from kinevla_ros.language.reading.words import plain
from kinevla_ros.language.task_set import Goal, TaskSet


class Reader:
    """Reads sentences about one task set.

    Attributes:
        tasks: the task set.
    """

    def __init__(self, tasks: TaskSet) -> None:
        self.tasks, self._lexicon = tasks, Lexicon(tasks)
        self._written = {
            (plain(command.goal), plain(command.kinematics)): command for command in tasks.commands
        }

    def read(self, text: str, asked: Question | None = None) -> Reading:
        """Read an instruction, or the answer to a question.

        Args:
            asked: the question that is open; what is a whole instruction is no answer to it.
        """
        alone = self._decide([self._read(t, text) for t in self._lexicon.alternatives(text)], text)
        if asked is None or isinstance(alone, Understood):
            return alone
        words = [*self._lexicon.read(asked.said), _ANSWER, *self._lexicon.read(text)]
        together = self._read(words, f"{asked.said}; {text}")
        closer = isinstance(together, Question) and set(together.choices) < set(asked.choices)
        return together if isinstance(together, Understood) or closer else alone

    def slots(self, text: str) -> dict[str, str]:
        """What a text names clearly; a slot with two readings is left out."""
        tokens = self._lexicon.read(text, correct=False)
        objects = {token.name for token in tokens if token.kind is Kind.OBJECT}
        found: dict[str, set[str]] = {}
        for goal in self.tasks.goals:
            if objects and goal.object not in objects:
                continue
            for mention in find_mentions(tokens):
                for word in mention.words:
                    for slot in goal.slots:
                        if atom := self._atom(mention, word, slot):
                            found.setdefault(slot, set()).add(atom)
        named = {slot: value for slot, w in found.items() if (value := self._value(slot, w))}
        return ({"object": objects.pop()} if len(objects) == 1 else {}) | named

    def reasoning(self, goal: str, kinematics: str) -> Command:
        """The way that two reasoning texts name, in its own words or in others.

        Raises:
            UnknownReasoning: the kinematics text is not complete, or the goal text names another
                object.
        """
        if found := self._written.get((plain(goal), plain(kinematics))):
            return found
        reading = self.read(kinematics)
        if not isinstance(reading, Understood):
            example = self.nearest(f"{goal} {kinematics}").kinematics
            raise UnknownReasoning(
                f'the kinematics text "{shortened(kinematics)}" {problem_of(reading)}; '
                f'write for example "{example}"'
            )
        wanted, named = self.slots(goal).get("object"), reading.command.object
        if wanted != named:
            raise UnknownReasoning(
                f'the goal text "{shortened(goal)}" names {wanted or "no object"}, but the '
                f"kinematics text names {named}: both must speak of the same object"
            )
        return reading.command

    def texts(self, slots: Mapping[str, str]) -> tuple[str, str]:
        """Goal and kinematics text of a way. Raises KeyError when there is none."""
        goal, way = self.tasks.way(slots)
        return goal.text, way.kinematics

    def nearest(self, text: str) -> Command:
        """The way that shares most slots with a text; where it forbids something, another way."""
        named, ways = self.slots(text).items(), self.tasks.commands
        if any(token.kind is Kind.NEGATION for token in self._lexicon.read(text, correct=False)):
            ways = tuple(way for way in ways if not named <= way.slots().items()) or ways
        return max(ways, key=lambda way: len(named & way.slots().items()))

    def _decide(self, readings: Sequence[Reading], text: str) -> Reading:
        """The one reading that all agree on that can be carried out."""
        understood = [r for r in readings if isinstance(r, Understood)]
        if any(other != understood[0] for other in understood):
            reason = "can be read in several ways, since a word in it is not spelt well"
            return Refused(reason, self.nearest(text).say)
        asked = [r for r in readings if isinstance(r, Question)]
        return (understood or asked or list(readings))[0]

    def _read(self, tokens: Sequence[Token], text: str) -> Reading:
        try:
            check_words(tokens, self._lexicon.past)
            check_spelling(tokens, self._lexicon.may_be_a_slot)
            return self._complete(tokens, text)
        except Unreadable as problem:
            return Refused(str(problem), self.nearest(text).say)

    def _complete(self, tokens: Sequence[Token], text: str) -> Reading:
        """The slots that are named, or a question for those that are not."""
        objects = sorted({token.name for token in tokens if token.kind is Kind.OBJECT})
        if len(objects) > 1:
            raise Unreadable(f"names {' and '.join(objects)}, and one thing is done at a time")
        mentions = find_mentions(tokens)
        if not objects:
            return self._without_object(tokens, mentions, text)
        goal = self._goal_of(objects[0])
        named = self._named(goal, tokens, mentions)
        if _ANSWER not in tokens:
            named = {slot: v for slot, v in named.items() if not self._half_named(slot, v, text)}
        missing = [slot for slot in goal.slots if slot not in named]
        slots = {"object": goal.key, **named}
        if missing:
            return self._question(text, slots, missing)
        try:
            return Understood(self.tasks.command(slots))
        except ValueError as problem:
            raise Unreadable(f"joins what no task joins ({_both(named.values())})") from problem

    def _half_named(self, name: str, value: str, text: str) -> bool:
        """Whether another value may be meant that says more, as the left front by the front."""
        slot = self.tasks.slots[name]
        own = set(slot.values[value].words)
        if not any(own < set(other.words) for other in slot.values.values()):
            return False
        return speaks_of_more(
            text, {"hand", "either", "neither", *itertools.chain(*slot.words.values())}
        )

    def _goal_of(self, name: str) -> Goal:
        for goal in self.tasks.goals:
            if goal.object == name:
                return goal
        raise Unreadable(f"names the {name}, with which no task does anything")

    def _without_object(
        self, tokens: Sequence[Token], mentions: Sequence[Mention], text: str
    ) -> Reading:
        """Ask for the object where all else fits to one."""
        choices = " or ".join(f"the {goal.object}" for goal in self.tasks.goals)
        if not mentions and all(token.kind is not Kind.VERB for token in tokens):
            raise Unreadable(f"names no known object ({choices})")
        fitting = []
        problem: Unreadable | None = None
        for goal in self.tasks.goals:
            try:
                self._named(goal, tokens, mentions)
                fitting.append(str(goal.object))
            except Unreadable as error:
                problem = error
        if not fitting:
            raise Unreadable(f"names no known object ({choices})") from problem
        names = tuple(f"the {name}" for name in fitting)
        ask = f"What is to be moved: {_either(names)}?"
        return Question(text, {}, {"object": names}, ask, self.nearest(text).say)

    def _question(self, text: str, slots: Mapping[str, str], missing: Sequence[str]) -> Question:
        choices = {
            name: tuple(value.name for value in self.tasks.slots[name].values.values())
            for name in missing
        }
        asks = [
            f"{self.tasks.slots[name].question.rstrip('?')}: {_either(names)}?"
            for name, names in choices.items()
        ]
        return Question(text, slots, choices, " ".join(asks), self.nearest(text).say)

    def _named(
        self, goal: Goal, tokens: Sequence[Token], mentions: Sequence[Mention]
    ) -> dict[str, str]:
        """Slot to value for one goal. Raises Unreadable for what does not belong to it."""
        check_verbs(goal, tokens)
        check_whole(goal, self.tasks, tokens)
        belongs = {self.tasks.slots[name].of for name in goal.slots}
        for token in tokens:
            if token.kind is Kind.LANDMARK and token.name not in belongs:
                raise Unreadable(f"names a {token.name}, which no {goal.object} task has")
        found: dict[str, list[tuple[Mention, set[str]]]] = {}
        for mention in mentions:
            parts = self._slots_of(goal, mention)
            for slot, atoms in parts.items():
                check_role(goal, self.tasks.slots[slot], slot, mention, tokens)
                found.setdefault(slot, []).append((mention, atoms))
        named = {slot: self._decided(slot, said) for slot, said in found.items()}
        return {slot: value for slot in goal.slots if (value := named.get(slot)) is not None}

    def _slots_of(self, goal: Goal, mention: Mention) -> dict[str, set[str]]:
        """Slot to words of its values in one mention."""
        if mention.names_object:
            raise Unreadable(f"tells things apart ({mention.text}), and there is one of each")
        parts: dict[str, set[str]] = {}
        for word in mention.words:
            fitting = {s: a for s in goal.slots if (a := self._atom(mention, word, s))}
            if not fitting:
                raise Unreadable(self._stranger(goal, mention, word))
            if len(fitting) > 1:
                raise Unreadable(f"can be read in two ways ({mention.text})")
            ((slot, atom),) = fitting.items()
            parts.setdefault(slot, set()).add(atom)
        if len(parts) > 1 and not mention.in_answer:
            raise Unreadable(f"can be read in two ways ({mention.text}): name {_both(parts)} apart")
        return parts

    def _stranger(self, goal: Goal, mention: Mention, word: str) -> str:
        """Why a word names nothing that the goal has."""
        if mention.owner:
            return f'names "{mention.text}", which the {mention.owner} does not have here'
        others = [name for name in self.tasks.slots if self._atom(mention, word, name)]
        if others and others[0] not in goal.slots:
            return f"names a {others[0]}, which no {goal.object} task has"
        return f'names "{mention.text}", which no {goal.object} task has'

    def _atom(self, mention: Mention, word: str, name: str) -> str | None:
        """The part of a value of this slot that a word names, if it can be one here."""
        slot = self.tasks.slots[name]
        if mention.owner in self.tasks.objects or mention.owner in self.tasks.landmarks:
            if mention.owner != slot.of:
                return None
        elif mention.owner and slot.of is not None:
            return None
        if any(head not in slot.heads for head in mention.heads):
            return None
        return next((atom for atom, words in slot.words.items() if word in words), None)

    def _decided(self, name: str, said: Sequence[tuple[Mention, set[str]]]) -> str | None:
        """The value that all mentions of a slot make; None where something is missing."""
        legs: dict[int, set[str]] = {}
        for mention, atoms in said:
            legs.setdefault(mention.leg, set()).update(atoms)
        answered = [legs[m.leg] for m, _ in said if m.in_answer]
        before = [legs[m.leg] for m, _ in said if not m.in_answer]
        if answered and before:
            # "right", and then "front": the right front, or the front after all?
            values = {self._value(name, answered[0]), self._value(name, answered[0] | before[0])}
            values.discard(None)
            return values.pop() if len(values) == 1 else None
        every = list(legs.values())
        if any(atoms != every[0] for atoms in every[1:]):
            raise Unreadable(f"contradicts itself in the {name}: {_both(set().union(*every))}")
        slot = self.tasks.slots[name]
        if value := self._value(name, every[0]):
            return value
        if any(set(v.words) > every[0] for v in slot.values.values()):
            return None
        if len(every[0]) > 1:
            raise Unreadable(f"contradicts itself in the {name}: {_both(every[0])}")
        known = ", ".join(value.name for value in slot.values.values())
        raise Unreadable(f"names a {name} that is not known ({every[0].pop()}; known: {known})")

    def _value(self, name: str, atoms: set[str]) -> str | None:
        values = self.tasks.slots[name].values
        return next((n for n, value in values.items() if set(value.words) == atoms), None)


_ANSWER = Token("answer", Kind.BREAK)


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _both(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
