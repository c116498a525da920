"""Instructions that name none of the tasks: what a policy must refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from kinevla_ros.language.grammar import Split, grammar_words, instruction
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import Understood
from kinevla_ros.language.task_set import TaskSet

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


class OutOfScope:
    """Draws instructions that name no task of a set."""

    def __init__(self, tasks: TaskSet) -> None:
        self._tasks, self._reader = tasks, reader_of(tasks)
        self._words = sorted(grammar_words(tasks))
        names = (n for words in (*tasks.objects.values(), *tasks.landmarks.values()) for n in words)
        self._things = tuple(names)
        self._kinds = [
            self._other_request,
            self._chatter,
            self._cut_short,
            self._mixed,
            self._salad,
        ]
        if self._things:
            self._kinds.append(self._other_object)

    def draw(self, rng: np.random.Generator, split: Split = "train") -> str:
        """Nonsense, too little, too much, or another world."""
        while True:
            text = self._kinds[int(rng.integers(len(self._kinds)))](rng, split)
            if not isinstance(self._reader.read(text), Understood):
                return text

    def _phrasing(self, rng: np.random.Generator, split: Split) -> str:
        commands = self._tasks.commands
        return instruction(commands[int(rng.integers(len(commands)))], rng, split)

    def _other_object(self, rng: np.random.Generator, split: Split) -> str:
        """A task's phrasing with a thing that is not there."""
        thing = str(rng.choice(OBJECTS[split]))
        said = self._phrasing(rng, split)
        for name in (name for words in self._tasks.objects.values() for name in words):
            said = re.sub(rf"\b{re.escape(name)}\b", thing, said)
        return said

    def _other_request(self, rng: np.random.Generator, split: Split) -> str:
        """A thing that is there, and nothing, or something else, to do with it."""
        things = (*self._things, *OBJECTS[split][:5])
        return str(rng.choice(REQUESTS[split])).format(it=f"the {rng.choice(things)}")

    def _chatter(self, rng: np.random.Generator, split: Split) -> str:
        return str(rng.choice(CHATTER[split]))

    def _cut_short(self, rng: np.random.Generator, split: Split) -> str:
        """A phrasing without its end: a slot is missing."""
        words = self._phrasing(rng, split).split()
        return " ".join(words[: int(rng.integers(1, max(2, len(words))))])

    def _mixed(self, rng: np.random.Generator, split: Split) -> str:
        """Two phrasings in one: slots that contradict each other or do not belong together."""
        first, second = (self._phrasing(rng, split).split() for _ in range(2))
        cut = int(rng.integers(1, max(2, min(len(first), len(second)))))
        return " ".join([*first[:cut], *second[cut:]])

    def _salad(self, rng: np.random.Generator, split: Split) -> str:
        """The set's own words in no order."""
        return " ".join(rng.choice(self._words, int(rng.integers(3, 12))))
