"""Weights of 8 bits: half the memory, nearly the same output, the same in both decoders."""

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import pytest
import torch
from shipped_tasks import TASKS, goal_text, kinematics_text, shipped_vocabulary
from small_generator import small_config
from torch import Tensor, nn

from kinevla_ros.generator.decoding.decode import BilevelDecoder, Given
from kinevla_ros.generator.engine import quantised
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.operations import Rounded
from kinevla_ros.generator.engine.quantised import Fp8Linear, Int8Linear, quantise
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CASES = 50


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return shipped_vocabulary()


@pytest.fixture
def model(vocabulary: Vocabulary) -> Generator:
    torch.manual_seed(0)
    return Generator(small_config(vocabulary)).eval().to(DEVICE)


def cases(vocabulary: Vocabulary) -> Iterator[tuple[str, Tensor, Tensor, None, Given]]:
    """Random pictures, with words given: what a random model writes need not end."""
    source = torch.Generator().manual_seed(0)
    for index in range(CASES):
        command = TASKS[index % len(TASKS)]
        words = (vocabulary.encode_text(f(command)) for f in (goal_text, kinematics_text))
        images = torch.randn((2, 3, 32, 32), generator=source)
        state = torch.randn(8, generator=source)
        yield (
            instruction(command, np.random.default_rng(index)),
            images.to(DEVICE),
            state.to(DEVICE),
            None,
            Given(*map(tuple, words)),
        )


def block_bytes(model: Generator) -> int:
    """Memory of the linear layers of the blocks."""
    layers = [m for m in model.language.model.layers.modules() if hasattr(m, "weight")]
    tensors = [t for m in layers if m.weight.ndim == 2 for t in (*m.parameters(), *m.buffers())]
    return sum(t.nbytes for t in tensors)


@pytest.mark.parametrize(("kind", "error"), [(Int8Linear, 0.015), (Fp8Linear, 0.06)])
def test_a_rounded_layer_is_near_in_every_channel_however_large_another_is(kind, error) -> None:
    torch.manual_seed(0)
    weight = torch.randn(96, 256).to(DEVICE, torch.bfloat16)
    weight[3], weight[4] = 0.0, 100.0 * weight[4]
    layer, x = kind.of(weight), torch.randn(20, 10, 256).to(DEVICE, torch.bfloat16)
    wanted, found = (x @ weight.T).float(), layer(x).float()
    distance = (found - wanted).flatten(0, 1).norm(dim=0)
    assert (distance <= error * wanted.flatten(0, 1).norm(dim=0)).all()
    torch.testing.assert_close(layer(x[:1, 0]).float(), found[0, :1], rtol=0.02, atol=0.2)


def test_a_single_position_has_the_same_product_by_sums() -> None:
    layer, x = Int8Linear.of(torch.randn(48, 64)), torch.randn(1, 64)
    by_sums = quantised._one_row(x, layer.weight, layer.scale, torch.float32)
    torch.testing.assert_close(by_sums, layer(x))


def test_a_single_position_in_fp8_has_the_same_product_by_sums() -> None:
    torch.manual_seed(0)
    weight, x = (torch.randn(rows, 64).to(torch.bfloat16) for rows in (48, 1))
    layer = Fp8Linear.of(weight)
    rows, scale = quantised.rounded_rows(x)
    by_sums = quantised._one_row(rows, layer.weight, layer.scale * scale[0], torch.bfloat16)
    torch.testing.assert_close(by_sums, layer(x))
    torch.testing.assert_close(layer(Rounded(rows, scale)), layer(x))


def test_weights_take_half_the_memory_of_bfloat16(model) -> None:
    before = block_bytes(model.to(torch.bfloat16))
    quantise(model, "int8")
    assert 0.5 < block_bytes(model) / before < 0.55  # beside the weights, the scales


def test_codes_are_nearly_always_those_of_the_unrounded_model(model, vocabulary) -> None:
    plain = BilevelDecoder(model, vocabulary)
    rounded = FastDecoder(deepcopy(model), vocabulary, weights="int8")
    same = []
    for case in cases(vocabulary):
        wanted, found = plain.generate(*case), rounded.generate(*case)
        same += [
            a == b
            for a, b in zip(
                (*wanted.goal_codes, *wanted.kinematics_codes),
                (*found.goal_codes, *found.kinematics_codes),
                strict=True,
            )
        ]
    assert sum(same) / len(same) > 0.9


def test_the_engine_writes_what_plain_decoding_of_the_rounded_model_writes(
    model, vocabulary
) -> None:
    fast = FastDecoder(model, vocabulary, weights="int8")
    plain = BilevelDecoder(model, vocabulary)
    for case in cases(vocabulary):
        assert fast.generate(*case) == plain.generate(*case)


def test_fp8_on_a_device_without_it_is_refused_and_the_model_stays(model, vocabulary) -> None:
    if torch.cuda.is_available():
        pytest.skip("this device may have it")
    with pytest.raises(ValueError, match="take int8"):
        FastDecoder(model, vocabulary, weights="fp8")
    assert type(model.language.model.layers[0].mlp.up_proj) is nn.Linear


def test_what_is_rounded_already_is_not_rounded_again(model) -> None:
    quantise(model, "int8")
    with pytest.raises(ValueError, match="fold adapters"):
        quantise(model, "int8")


def test_without_a_compiler_the_wide_product_stays_and_the_log_says_so(monkeypatch, caplog) -> None:
    def failing(*given: object) -> None:
        raise RuntimeError("no C compiler")

    monkeypatch.setattr(torch, "compile", lambda work, dynamic: failing)
    assert quantised._compiled.__wrapped__(torch.device("cpu")) is None
    assert "cannot be compiled: no C compiler" in caplog.text
