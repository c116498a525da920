"""What is said around a request changes nothing, and hides nothing of it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentences import FIXTURES, kind, sentences
from shipped_tasks import READER

from kinevla_ros.language.reading.asides.word_classes import can_be, classes_of, is_mostly
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.readings import Refused, Understood
from kinevla_ros.language.task_file import load_tasks

UNDERSTOOD = [
    sentence
    for name in ("open", "closed", "spoken")
    for sentence, meaning in sentences(name)
    if kind(meaning) == "way" and isinstance(READER.read(sentence), Understood)
]

ASIDES = (
    "I am hungry",
    "my back hurts",
    "the soup is getting cold",
    "as agreed",
    "thank you so much, old friend",
    "because my arms are too short",
    "so that I can reach it",
    "Linda, who loves tea, is coming",
)
ORDERS = (
    "then cut it",
    "and turn it over",
    "and water the plants",
    "bring me a knife",
    "but not now",
    "actually, wait",
    "if it rains",
    "unless I cry",
    "into the bowl",
    "with the tongs",
    "and then back",
    "twice",
    "just kidding",
    "I do not want that",
    "my wife does not want that",
    "it should be toasted",
    "you will peel it",
    "until noon",
    "said the king",
)
OPENINGS = (
    "If it rains",
    "When the bell rings",
    "Nobody should do this",
    "Tomorrow",
    "The sentence is",
    "He said",
    "Tell Bob this",
    "Forget what I said",
    "Wipe the table",
)


def values(sentence: str, reader: Reader = READER) -> dict[str, str]:
    reading = reader.read(sentence)
    return reading.command.slots() if isinstance(reading, Understood) else {}


@given(st.sampled_from(UNDERSTOOD), st.sampled_from(ASIDES))
def test_an_aside_behind_a_request_changes_nothing(sentence: str, aside: str) -> None:
    assert values(f"{sentence.rstrip('.!? ')}. {aside}.") == values(sentence)


@given(st.sampled_from(UNDERSTOOD), st.sampled_from(ORDERS))
def test_nothing_that_asks_for_more_or_takes_back_is_an_aside(sentence: str, order: str) -> None:
    assert not isinstance(READER.read(f"{sentence.rstrip('.!? ')}, {order}."), Understood)


@given(st.sampled_from(UNDERSTOOD), st.sampled_from(OPENINGS))
def test_no_condition_or_quotation_in_front_is_an_aside(sentence: str, opening: str) -> None:
    assert not isinstance(READER.read(f"{opening}: {sentence}"), Understood)


@pytest.mark.parametrize(
    "said",
    [
        "since my wife wants soup, put the mug by its handle on the left half of the shelf",
        "my brother, a cook, is thirsty: take the cup by the ear and put it left on the shelf",
        "Take the cup by the handle, would you, and set it on the shelf's left end for Grandma?",
    ],
)
def test_asides_are_known_by_their_class_in_every_task_set(said: str) -> None:
    reader = Reader(load_tasks(FIXTURES / "cup.yaml"))
    assert values(said, reader) == {"object": "cup", "hold": "handle", "end": "left"}


@pytest.mark.parametrize("object", ["knife", "bottle", "drawer", "sandwich", "grandma"])
@pytest.mark.parametrize("command", UNDERSTOOD[:10])
def test_another_thing_in_the_place_of_the_object_is_refused(object: str, command: str) -> None:
    other = re.sub(r"\b(bread|loaf|carrot)\b", object, command, flags=re.IGNORECASE)
    assert isinstance(READER.read(other), Refused)


def test_words_have_the_classes_that_wordnet_gives_them() -> None:
    assert is_mostly("knife", "t") and is_mostly("brother", "p") and is_mostly("hungry", "j")
    assert can_be("water", "V") and not can_be("water", "v")
    assert can_be("baked", "d") and can_be("waiting", "g") and not classes_of("asdfgh")


@pytest.mark.parametrize("unit", ["and i am ", "i would ", "with the ", "as if ", "a b c d ", ", "])
def test_the_longest_instruction_is_read_in_time_whatever_it_repeats(unit: str) -> None:
    start = time.process_time()
    READER.read((unit * 2000)[:4000])
    assert time.process_time() - start < 10
