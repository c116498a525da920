"""Reads the slots of a command back out of an instruction or of the two reasoning texts.

The reader fails closed: a word it does not know, a missing slot or two readings of one slot
are refused, because a guess would move the arm.
"""

from __future__ import annotations

import re

from kinevla_ros.language.grammar import (
    TASKS,
    Command,
    grammar_words,
    kinematics_text,
    phrasings,
)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("\u2019", "'"))


VERBS = frozenset(
    _words(
        "pick grab take lift grasp grip get hold move carry bring shift transfer transport "
        "place put set lay release leave position deliver"
    )
)
# Words beyond the grammar's own that change neither the goal nor the motion.
TOLERATED_WORDS = frozenset(
    _words(
        "a an at gently i into kindly like loaf me of onto robot section so table that this "
        "toward via want would down grasping gripping holding after afterwards stem using with "
        "diagonally forwards frontward frontwards leftward leftwards rightward rightwards"
    )
)
KNOWN_WORDS = grammar_words() | VERBS | TOLERATED_WORDS

# Phrases whose words look like slots and mean something else.
MISLEADING = re.compile(r"\bon top of\b|\bin front of\b|\bto the (?:left|right) of\b")
_OF_THE_CARROT = r"(?: \w+)? of (?:the )?carrot\b"
_OF_THE_PLATE = r"(?: \w+)? of (?:the )?plate\b"
_NOT_GRASPED = rf"(?<!by the )(?<!by its )\b(?:{{}})\b(?!{_OF_THE_CARROT})"
_NOT_ON_PLATE = rf"(?<!plate's )\b(?:{{}})\b(?! left\b| right\b|{_OF_THE_PLATE})"
READERS: dict[str, dict[str, re.Pattern[str]]] = {
    "object": {
        "bread": re.compile(r"\b(?:bread|loaf)\b"),
        "carrot": re.compile(r"\bcarrot\b"),
    },
    "side": {
        "left": re.compile(_NOT_GRASPED.format("left|leftwards?")),
        "right": re.compile(_NOT_GRASPED.format("right|rightwards?")),
    },
    "front": {"front": re.compile(r"\b(?:front|frontwards?|forwards?|ahead)\b")},
    "part": {
        "upper": re.compile(_NOT_ON_PLATE.format("upper|top|thick|leafy|stem")),
        "lower": re.compile(_NOT_ON_PLATE.format("lower|bottom|thin|pointed")),
    },
    "plate": {"plate": re.compile(r"\bplate\b")},
}
CHOICES = {
    "object": "the bread or the carrot",
    "direction": "left front, right front or front",
    "part": "upper or lower part",
    "side": "left or right side of the plate",
}
SLOTS = {"bread": ("object", "direction"), "carrot": ("object", "part", "side")}


class UnknownInstruction(ValueError):
    """The instruction is none of the seven tasks; the message says what is missing."""


class UnknownReasoning(ValueError):
    """The goal and kinematics texts do not name one and the same command."""


def slots(text: str) -> dict[str, str]:
    """Slots (object, direction, part, side) that the text names clearly; never raises.

    A slot with two readings is left out, so a contradictory text scores as missing it.
    """
    found = _readings(_words(text))
    return {
        name: next(iter(values))
        for name, values in found.items()
        if len(values) == 1 and name in CHOICES
    }


def parse_instruction(text: str) -> Command:
    """Read an operator's instruction. Raises UnknownInstruction when it is not one task."""
    try:
        words = _words(text)
        unknown = [word for word in words if word not in KNOWN_WORDS]
        if unknown:
            raise ValueError(f"has words outside its scope ({', '.join(unknown[:5])})")
        command = _read_command(words)
        if not VERBS.intersection(words):
            raise ValueError("names no motion (pick up, move, hold, place, ...)")
        return command
    except ValueError as problem:
        example = next(phrasings(_nearest_task(text)))
        message = f'the instruction "{_shorten(text)}" {problem}; say for example "{example}"'
        raise UnknownInstruction(message) from None


def parse_reasoning(goal: str, kinematics: str) -> Command:
    """Read a command out of the two reasoning texts.

    The kinematics text must be complete and the goal text must name the same object, else
    UnknownReasoning is raised.
    """
    try:
        command = _read_command(_words(kinematics))
    except ValueError as problem:
        example = kinematics_text(_nearest_task(f"{goal} {kinematics}"))
        raise UnknownReasoning(
            f'the kinematics text "{_shorten(kinematics)}" {problem}; write for example "{example}"'
        ) from None
    wanted = slots(goal).get("object")
    if wanted != command.object:
        raise UnknownReasoning(
            f'the goal text "{_shorten(goal)}" names {wanted or "no object"}, but the kinematics '
            f"text names {command.object}: both must speak of the same object"
        )
    return command


def _readings(words: list[str]) -> dict[str, set[str]]:
    """All values found per slot; left and right make a direction or a side by the object."""
    plain = MISLEADING.sub(" ", " ".join(words))
    found = {
        slot: {value for value, pattern in values.items() if pattern.search(plain)}
        for slot, values in READERS.items()
    }
    front, plate = found.pop("front"), found.pop("plate")
    if found["object"] == {"bread"} or (front and not found["object"] and not plate):
        aside = {f"{side}_front" for side in found.pop("side")} if front else set()
        found["direction"] = aside or front
        if plate:
            found["plate"] = plate
    elif front:
        found["direction"] = {"front"}
    return {slot: values for slot, values in found.items() if values}


def _read_command(words: list[str]) -> Command:
    found = _readings(words)
    for slot, values in found.items():
        if len(values) > 1:
            raise ValueError(f"contradicts itself in the {slot}: {' and '.join(sorted(values))}")
    if "object" not in found:
        raise ValueError(f"names no known object ({CHOICES['object']})")
    (target,) = found["object"]
    missing = [slot for slot in SLOTS[target] if slot not in found]
    if missing:
        wanted = " and no ".join(f"{slot} ({CHOICES[slot]})" for slot in missing)
        raise ValueError(f"names no {wanted}")
    surplus = [slot for slot in found if slot not in SLOTS[target]]
    if surplus:
        raise ValueError(f"names a {surplus[0]}, which no {target} task has")
    return Command(**{slot: values.pop() for slot, values in found.items()})


def _nearest_task(text: str) -> Command:
    """The task that shares most slots with the text: an example close to what was meant."""
    named = slots(text).items()
    return max(TASKS, key=lambda task: len(named & task.slots().items()))


def _shorten(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
