"""Instructions that name none of the tasks: what a policy must refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kinevla_ros.language.grammar import TASKS, Split, grammar_words, instruction
from kinevla_ros.language.parse import UnknownInstruction, parse_instruction
from kinevla_ros.language.task_set import kine_realman

# Nouns, requests and chatter of the held-out split occur in no training sample.
OBJECTS: Mapping[Split, tuple[str, ...]] = {
    "train": (
        "apple", "banana", "cup", "bottle", "box", "ball", "spoon", "knife", "cube", "tomato",
        "potato", "orange", "book", "pen", "phone", "bowl", "towel", "sponge", "screw", "onion",
    ),
    "held_out": (
        "cucumber", "lemon", "hammer", "mug", "egg", "fork", "block", "pear", "cheese", "battery",
    ),
}  # fmt: skip
REQUESTS: Mapping[Split, tuple[str, ...]] = {
    "train": (
        "cut {it}", "paint {it} blue", "throw {it} away", "eat {it}", "wash {it} first",
        "push {it} off the table", "turn {it} over", "look at {it}", "count {it}", "smash {it}",
        "pick up {it}", "hold {it}", "take {it} and wait", "move {it}", "put {it} down",
    ),
    "held_out": (
        "cook {it}", "roll {it} around", "hide {it}", "weigh {it}", "shake {it}", "grab {it}",
        "lift {it}", "point at {it}",
    ),
}  # fmt: skip
CHATTER: Mapping[Split, tuple[str, ...]] = {
    "train": (
        "what time is it", "hello", "how are you", "do something", "go home", "help me",
        "who are you", "sing a song", "open the door", "turn on the light", "i am hungry",
        "thank you", "what do you see", "dance", "wait here", "make a coffee",
    ),
    "held_out": (
        "what is your name", "good morning", "tell me a joke", "close the window", "come here",
        "where is my key", "read the news", "be careful",
    ),
}  # fmt: skip


def out_of_scope(rng: np.random.Generator, split: Split = "train") -> str:
    """Draw an instruction that names no task: nonsense, too little, too much, or another world."""
    while True:
        text = KINDS[int(rng.integers(len(KINDS)))](rng, split)
        try:
            parse_instruction(text)
        except UnknownInstruction:
            return text


def _phrasing(rng: np.random.Generator, split: Split) -> str:
    return instruction(TASKS[int(rng.integers(len(TASKS)))], rng, split)


def _other_object(rng: np.random.Generator, split: Split) -> str:
    """A task's phrasing with a thing that is not there."""
    thing = str(rng.choice(OBJECTS[split]))
    said = _phrasing(rng, split)
    for name in kine_realman().objects:
        said = said.replace(name, thing)
    return said


def _other_request(rng: np.random.Generator, split: Split) -> str:
    """A thing that is there, and nothing, or something else, to do with it."""
    tasks = kine_realman()
    things = (*tasks.objects, *tasks.landmarks, *OBJECTS[split][:5])
    return str(rng.choice(REQUESTS[split])).format(it=f"the {rng.choice(things)}")


def _chatter(rng: np.random.Generator, split: Split) -> str:
    return str(rng.choice(CHATTER[split]))


def _cut_short(rng: np.random.Generator, split: Split) -> str:
    """A phrasing without its end: a slot is missing."""
    words = _phrasing(rng, split).split()
    return " ".join(words[: int(rng.integers(1, len(words)))])


def _mixed(rng: np.random.Generator, split: Split) -> str:
    """Two phrasings in one: slots that contradict each other or do not belong together."""
    first, second = (_phrasing(rng, split).split() for _ in range(2))
    cut = int(rng.integers(1, min(len(first), len(second))))
    return " ".join([*first[:cut], *second[cut:]])


def _salad(rng: np.random.Generator, split: Split) -> str:
    """The grammar's own words in no order."""
    words = sorted(grammar_words())
    return " ".join(rng.choice(words, int(rng.integers(3, 12))))


KINDS: tuple[Callable[[np.random.Generator, Split], str], ...] = (
    _other_object, _other_request, _chatter, _cut_short, _mixed, _salad,
)  # fmt: skip
