"""The engine's kernels give what plain torch gives; without a GPU by Triton's interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine_cases import DEVICE, case

pytest.importorskip("triton")

import compile_kernels

from kinevla_ros.evaluation.bench.engine.block_operations import SIZE, counted
from kinevla_ros.generator.decoding.decode import BilevelDecoder, Draft
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.fused_operations import FusedOperations, round_rows
from kinevla_ros.generator.engine.operations import PlainOperations, Rounded
from kinevla_ros.generator.engine.quantised import Fp8Linear
from kinevla_ros.generator.engine.trials import choice
from kinevla_ros.generator.engine.trials.choice import Chosen, choose_operations, largest_error

HERE = torch.device(DEVICE)
SHORT = 18
"""A case with few words on both levels."""
# The interpreter multiplies no matrices of bfloat16.
TYPES = (torch.float32, torch.bfloat16 if DEVICE == "cuda" else torch.float16)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("heads", "size"), [(3, 16), (4, 32), (2, 128)])
def test_every_kernel_gives_what_plain_torch_gives(dtype, whole: bool, heads, size) -> None:
    one, other = FusedOperations(whole, HERE, size), PlainOperations(whole, HERE)
    assert largest_error(one, other, HERE, dtype, heads, size) < choice.TOLERANCE[dtype]


def test_long_passes_over_a_long_cache_and_one_after_them_give_the_same(monkeypatch) -> None:
    """Several blocks of rows, several of columns, and a pass that all splits share."""
    monkeypatch.setattr(choice, "TRIED", 100)
    one, other = FusedOperations(False, HERE, 16), PlainOperations(False, HERE)
    assert largest_error(one, other, HERE, torch.float32, 2, 16) < choice.TOLERANCE[torch.float32]


@pytest.mark.parametrize("spoilt", ["add_norm", "turn", "attend", "gate"])
def test_a_kernel_that_is_wrong_is_seen(monkeypatch, spoilt: str) -> None:
    one, other = FusedOperations(True, HERE, 16), PlainOperations(True, HERE)
    right = getattr(one, spoilt)

    def wrong(*given):
        found = right(*given)
        (found[1] if spoilt == "add_norm" else found)[0] += 0.01
        return found

    monkeypatch.setattr(one, spoilt, wrong)
    assert largest_error(one, other, HERE, torch.float32, 2, 16) > choice.TOLERANCE[torch.float32]


def test_rows_are_rounded_as_they_would_be_apart() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(5, 48, device=HERE), torch.randn(48, 48, device=HERE)
    fused, plain = FusedOperations(True, HERE, 16), PlainOperations(True, HERE)
    into = Fp8Linear(weight, weight[0])
    rms = choice._Norm(torch.rand(48, device=HERE), 1e-6)
    both = torch.randn(5, 96, device=HERE)
    found = fused.add_norm(x, x, rms, into)[1], fused.gate(both, into), round_rows(x)
    wanted = plain.add_norm(x, x, rms, into)[1], plain.gate(both, into), x
    for rounded, exact in zip(found, wanted, strict=True):
        assert isinstance(rounded, Rounded)
        assert rounded.values.dtype == torch.float8_e4m3fn
        torch.testing.assert_close(rounded.scale, exact.abs().amax(1, keepdim=True) / 448)
        back = rounded.values.float() * rounded.scale
        # The interpreter loses the carry where a mantissa rounds up to the next power of two.
        sound = torch.frexp(exact / rounded.scale).mantissa.abs() < 15 / 16
        assert DEVICE == "cuda" or sound.float().mean() > 0.8
        right = torch.ones_like(sound) if DEVICE == "cuda" else sound
        torch.testing.assert_close(
            back[right], exact[right], rtol=1 / 16, atol=float(rounded.scale.max()) / 256
        )


def test_the_engine_with_kernels_writes_what_plain_decoding_writes(parts, monkeypatch) -> None:
    model, vocabulary = parts
    config = model.config
    if DEVICE == "cpu" and config.images_first:
        pytest.skip("minutes in the interpreter; every kernel is compared for this layout too")
    size = model.language.config.hidden_size // model.language.config.num_attention_heads
    fused = FusedOperations(not config.images_first, HERE, size)
    fast = FastDecoder(model, vocabulary, operations=Chosen(fused, "a test"))
    if DEVICE == "cpu":
        # The interpreter takes a second for a pass, and there is nothing to capture.
        monkeypatch.setattr(fast, "warm_up", lambda: None)
    said, images, state, words = case(model, vocabulary, SHORT)
    wanted = BilevelDecoder(model, vocabulary).generate(said, images, state)
    found = fast.generate(said, images, state, Draft(words.goal, words.kinematics[:-1]))
    assert found.words == wanted.words == words
    assert found.goal_codes == wanted.goal_codes
    assert found.kinematics_codes == wanted.kinematics_codes


def test_without_a_gpu_plain_torch_is_chosen_and_says_so() -> None:
    chosen = choose_operations(True, torch.device("cpu"), torch.float32, 4, 16)
    assert isinstance(chosen.operations, PlainOperations)
    assert "GPU" in chosen.why


def test_with_kernels_a_block_costs_a_quarter_of_the_operations() -> None:
    plain, fused = (
        counted(run, 1, HERE)
        for run in (PlainOperations(False, HERE), FusedOperations(False, HERE, SIZE))
    )
    assert plain["mm"] == fused["mm"] == 4
    assert sum(fused.values()) == 10
    assert sum(plain.values()) >= 36


@pytest.mark.parametrize("capability", [90])
def test_the_kernels_compile_for_gpus_that_are_not_there(capability: int, tmp_path: Path) -> None:
    settings = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    ran = subprocess.run(
        [sys.executable, compile_kernels.__file__, str(capability)],
        env=settings | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
