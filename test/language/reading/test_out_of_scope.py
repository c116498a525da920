"""Instructions that a policy must refuse."""

import numpy as np
import pytest
from shipped_tasks import parse_instruction

from kinevla_ros.language.grammar import grammar_words
from kinevla_ros.language.parse import UnknownInstruction
from kinevla_ros.language.reading.out_of_scope import CHATTER, OBJECTS, REQUESTS, OutOfScope
from kinevla_ros.language.task_file import kine_realman

NONSENSE = OutOfScope(kine_realman())


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_what_is_out_of_scope_is_none_of_the_tasks(split) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        with pytest.raises(UnknownInstruction):
            parse_instruction(NONSENSE.draw(rng, split))


@pytest.mark.parametrize("texts", [OBJECTS, REQUESTS, CHATTER])
def test_held_out_things_and_requests_are_none_of_training(texts) -> None:
    assert not set(texts["train"]) & set(texts["held_out"])


def test_some_nonsense_is_made_of_the_grammars_own_words() -> None:
    rng = np.random.default_rng(0)
    drawn = [NONSENSE.draw(rng).replace(",", "").split() for _ in range(300)]
    familiar = [words for words in drawn if grammar_words(kine_realman()).issuperset(words)]
    assert 0.2 < len(familiar) / len(drawn) < 0.9
