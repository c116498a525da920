"""Flips are counted place by place, and float32 has none."""

import pytest
import torch
from engine_cases import DEVICE, case
from shipped_tasks import shipped_vocabulary
from small_generator import small_config

from kinevla_ros.evaluation.bench.flips import Case, Flips, flips, table
from kinevla_ros.generator.decoding.decode import Draft, Generation
from kinevla_ros.generator.decoding.depth_head import DepthHead
from kinevla_ros.generator.network.model import Generator


def written(words: tuple[int, ...], codes: tuple[int, ...]) -> Generation:
    return Generation(Draft(words, (9,)), codes, (3, 4), True, 4)


@pytest.mark.parametrize(
    ("found", "wanted", "words", "codes", "chunks"),
    [
        (written((7, 8), (1, 2)), written((7, 8), (1, 2)), [0, 0, 0], [0, 0, 0, 0], [0]),
        (written((7, 5), (1, 2)), written((7, 8), (1, 2)), [0, 1, 0], [0, 0, 0, 0], [1]),
        (written((7,), (1, 0)), written((7, 8), (1, 2)), [0, 1, 0], [0, 1, 0, 0], [1]),
        (None, written((7,), (1, 2)), [], [], [1]),
        (None, None, [], [], []),
    ],
)
def test_words_and_codes_are_compared_place_by_place(found, wanted, words, codes, chunks) -> None:
    counted = Flips()
    counted.add(found, wanted)
    assert (counted.words, counted.codes, counted.chunks) == (words, codes, chunks)


def test_every_way_of_decoding_is_compared_and_drafts_change_nothing_in_float32() -> None:
    vocabulary = shipped_vocabulary()
    torch.manual_seed(0)
    model = Generator(small_config(vocabulary)).eval().to(DEVICE)
    said, images, state, words = case(model, vocabulary, 0)
    head = DepthHead(model.config).eval().to(DEVICE)
    found = flips(model, vocabulary, [Case(said, images, state)], "int8", head)
    assert found["float32, drafted, from float32"].chunks == [False]
    names = ("bfloat16, drafted, from bfloat16", "int8 weights from without")
    assert all(len(found[name].words) >= len(words.goal) for name in names)
    # A head at random chooses other codes, but not the first.
    assert found["depth head from without"].codes[:2] == [False, True]
    assert table(found, 1).row_count == len(found)
