"""A kernel for one position gives what its layer gives, and a trial decides which multiplies."""

from collections.abc import Callable, Sequence

import pytest
import torch
from engine_cases import DEVICE
from torch import Tensor, nn

pytest.importorskip("triton")

from kinevla_ros.evaluation.bench.engine.block_operations import LENGTH, _Blocks
from kinevla_ros.generator.engine import fused_llama, products, row_product
from kinevla_ros.generator.engine.fused_llama import FusedLlama
from kinevla_ros.generator.engine.operations import Rounded
from kinevla_ros.generator.engine.products import Products, SumsTrial, choose_products, tried
from kinevla_ros.generator.engine.quantised import Fp8Linear, Int8Linear, rounded_rows
from kinevla_ros.generator.engine.row_product import TILINGS
from kinevla_ros.generator.engine.trials.timing import relative_error

HERE = torch.device(DEVICE)
DTYPE = torch.bfloat16
KINDS = ("float", "int8", "fp8")


def layer_of(kind: str, height: int = 48, width: int = 1040) -> nn.Module:
    """With weights that no number of rows or columns divides, but those of fp8."""
    torch.manual_seed(0)
    weight = torch.randn(height, width).to(HERE, torch.bfloat16)
    if kind == "float":
        layer = nn.Linear(width, height, bias=False, device=HERE, dtype=torch.bfloat16)
        layer.weight.data.copy_(weight)
        return layer
    return (Int8Linear if kind == "int8" else Fp8Linear).of(weight)


def rows_for(layer: nn.Module, count: int = 1) -> Tensor | Rounded:
    x = torch.randn(count, layer.weight.shape[1], device=HERE).to(torch.bfloat16)
    return rounded_rows(x) if isinstance(layer, Fp8Linear) else x


def timer_of(*times: float) -> Callable[[Sequence[Callable[[], object]]], float]:
    """Says these times one after the other, and runs nothing."""
    left = iter(times)
    return lambda works: next(left)


@pytest.mark.parametrize("way", TILINGS)
@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_the_kernel_for_one_position_gives_what_the_layer_gives(kind: str, way) -> None:
    layer = layer_of(kind)
    x = rows_for(layer)
    found, wanted = row_product.row_product(way, layer, x), layer(x)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    assert relative_error(found, wanted) < products.TOLERANCE


@torch.inference_mode()
def test_rows_of_the_weight_that_do_not_fill_a_program_are_multiplied_too() -> None:
    layer = layer_of("float", height=7, width=20)
    x = rows_for(layer)
    for way in TILINGS:
        found = row_product.row_product(way, layer, x)
        assert relative_error(found, layer(x)) < products.TOLERANCE


@torch.inference_mode()
def test_a_kernel_is_taken_for_one_position_where_it_is_faster_and_only_there(monkeypatch) -> None:
    called = []
    right = row_product.row_product
    monkeypatch.setattr(row_product, "TILINGS", TILINGS[:1])
    monkeypatch.setattr(row_product, "row_product", lambda *g: called.append(g) or right(*g))
    near, far = layer_of("float", 7, 20), layer_of("float", 9, 20)
    multiply = tried({"near": [near], "far": [far]}, DTYPE, timer_of(8e-6, 1e-5, 1e-5, 1e-5))
    assert multiply.why == (
        "products of one row in µs: near kernel 8.0, own 10.0: kernel; "
        "far kernel 10.0, own 10.0: own"
    )
    called.clear()
    for layer, count, kernels in ((near, 1, 1), (near, 2, 1), (far, 1, 1)):
        x = rows_for(layer, count)
        assert relative_error(multiply(layer, x), layer(x)) < products.TOLERANCE
        assert len(called) == kernels


def test_a_kernel_that_is_wrong_is_never_taken_however_fast(monkeypatch) -> None:
    wrong = lambda way, layer, x: layer(x) + 1  # noqa: E731
    monkeypatch.setattr(row_product, "row_product", wrong)
    multiply = tried({"qkv": [layer_of("float", 7, 20)]}, DTYPE, timer_of(1e-5))
    assert multiply.why == "products of one row in µs: qkv own 10.0: own"


@pytest.mark.parametrize(
    ("fast", "error", "taken"), [(1e-4, 1e-3, True), (1e-4, 0.1, False), (2e-4, 1e-3, False)]
)
def test_fast_sums_are_taken_where_they_are_right_and_faster(
    monkeypatch, fast: float, error: float, taken: bool
) -> None:
    layer = layer_of("fp8")
    monkeypatch.setattr(row_product, "TILINGS", ())
    monkeypatch.setattr(products, "try_sums", lambda *_: SumsTrial(2e-4, fast, error))
    multiply = tried({"qkv": [layer]}, DTYPE, timer_of(1e-5))
    assert f"products: {'fast' if taken else 'exact'} (" in multiply.why
    seen = []
    monkeypatch.setattr(layer, "forward", lambda x, fast_sums=False: seen.append(fast_sums))
    multiply(layer, rows_for(layer, 2))
    assert seen == [taken]


def test_only_widths_that_save_time_get_a_pass_of_their_own() -> None:
    """From the widest down: 128 rows, 96 a hair faster, 64 much faster, 32 no faster than 64."""
    layer, given = layer_of("float", 7, 20), []
    times = iter((1e-4, 0.99e-4, 0.7e-4, 0.7e-4))

    def timer(works: Sequence[Callable[[], object]]) -> float:
        given.append([len(work()) for work in works])
        return next(times)

    rows = [32, 64, 96, 128]
    kept = products.worth_their_own([layer, layer], Products(), rows, DTYPE, timer)
    assert kept == [64, 128]
    assert given == [2 * [count] for count in reversed(rows)]


def test_a_trial_that_fails_leaves_the_layers_own_products_and_says_why(monkeypatch) -> None:
    def failing(*given: object) -> Products:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(products, "tried", failing)
    multiply = choose_products({}, torch.device("cuda"), DTYPE)
    assert multiply.why == "products are the layers' own: a trial of others failed (no compiler)"
    layer = layer_of("int8")
    assert torch.equal(multiply(layer, rows := rows_for(layer)), layer(rows))
    assert choose_products({}, torch.device("cpu"), DTYPE).why == "products are the layers' own"


@torch.inference_mode()
def test_blocks_that_multiply_by_the_kernel_give_what_they_gave_without(monkeypatch) -> None:
    torch.manual_seed(0)
    blocks, called = _Blocks(2, HERE, torch.float32), []

    def always(layers, *_) -> Products:
        def kernel(layer, x, chained):
            called.append(len(x))
            return row_product.row_product(TILINGS[0], layer, x)

        return Products({alike[0].weight.shape: kernel for alike in layers.values()})

    plain = FusedLlama(blocks, LENGTH)
    monkeypatch.setattr(fused_llama, "choose_products", always)
    other = FusedLlama(blocks, LENGTH)
    called.clear()  # where there is a GPU, by trials
    for first, count in ((0, 3), (3, 1)):
        given = torch.randn(count, blocks.language.config.hidden_size, device=HERE)
        segments = torch.ones(count, dtype=torch.int64, device=HERE)
        start = torch.full((1,), first, device=HERE)
        found, wanted = (llama(given, segments, start) for llama in (other, plain))
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert called == 8 * [1]


@pytest.mark.skipif(DEVICE == "cpu", reason="there is no GPU to time")
@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_a_trial_on_a_gpu_times_all_and_leaves_right_products(kind: str) -> None:
    alike = [layer_of(kind, 4096, 4096) for _ in range(4)]
    multiply = choose_products({"out": alike}, HERE, DTYPE)
    assert multiply.why.startswith("products of one row in µs: out kernel ")
    assert ("fp8" in multiply.why) is (kind == "fp8")
    for count in (1, 64):
        x = rows_for(alike[0], count)
        assert relative_error(multiply(alike[0], x), alike[0](x)) < products.TOLERANCE
