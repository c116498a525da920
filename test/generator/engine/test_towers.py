"""Vision is compiled only where a trial finds that right and faster, and else is as it was."""

import pytest
import torch
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from kinevla_ros.generator.engine import towers
from kinevla_ros.generator.engine.towers import compile_towers


class Block(GradientCheckpointingLayer):
    """Adds a number."""

    def __init__(self) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.number


class Towers(nn.Module):
    """One tower of two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.blocks(x), []


class Pixels:
    """Of a GPU, for all that is asked of it."""

    device = torch.device("cuda")


@pytest.mark.parametrize(
    ("compiled", "off", "stays"), [(2e-3, 0.0, True), (3e-3, 0.0, False), (2e-3, 0.2, False)]
)
def test_towers_stay_compiled_where_they_are_right_and_faster(
    monkeypatch, compiled: float, off: float, stays: bool
) -> None:
    vision, times = Towers(), iter((3e-3, compiled, compiled))
    monkeypatch.setattr(towers, "LARGE", 1)
    monkeypatch.setattr(Towers, "forward", lambda self, x: (self.blocks(torch.zeros(3)), []))
    monkeypatch.setattr(torch, "compile", lambda call, dynamic: lambda x: (1 + off) * call(x))
    said = compile_towers(vision, Pixels(), lambda works: next(times))
    joined = "vision compiled, query, key and value in one product: 2.00 ms"
    assert said.startswith(joined if stays else "vision as it is (3.00 ms): ")
    assert all((b._compiled_call_impl is not None) is stays for b in vision.blocks)
    assert torch.equal(vision(None)[0], torch.full((3,), 2.0))


def test_without_a_compiler_or_a_gpu_vision_is_as_it_was(monkeypatch) -> None:
    def failing(call, dynamic):
        raise RuntimeError("no compiler")

    vision = Towers()
    monkeypatch.setattr(towers, "LARGE", 1)
    monkeypatch.setattr(Towers, "forward", lambda self, x: (self.blocks(torch.zeros(3)), []))
    monkeypatch.setattr(torch, "compile", failing)
    said = compile_towers(vision, Pixels(), lambda works: 1e-3)
    assert said == "vision as it is (1.00 ms): no compiler"
    assert compile_towers(vision, torch.zeros(3)) == "vision as it is"
    assert torch.equal(vision(None)[0], torch.full((3,), 2.0))
