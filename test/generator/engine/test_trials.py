"""Trials at the engine's start take what is right and faster, and only that."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from engine_cases import DEVICE
from torch import Tensor

pytest.importorskip("triton")

from kinevla_ros.generator.engine.fused_operations import FEW, SOME, FusedOperations, Sharing
from kinevla_ros.generator.engine.trials import chain as chain_trial
from kinevla_ros.generator.engine.trials import sharing as sharing_trial
from kinevla_ros.generator.engine.trials.chain import chain
from kinevla_ros.generator.engine.trials.sharing import OTHERS, share_out

HERE = torch.device(DEVICE)
DTYPE = torch.bfloat16 if DEVICE == "cuda" else torch.float16
Work = Callable[[], object]


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(sharing_trial, "FILLED", 144)
    monkeypatch.setattr(sharing_trial, "NEW", {FEW: 1, SOME: 70, math.inf: 140})
    monkeypatch.setattr(sharing_trial, "CACHES", 2)


def test_the_fastest_sharing_of_each_kind_of_pass_is_taken(small) -> None:
    """All of them are right, or none of the others could be."""
    operations = FusedOperations(False, HERE, 16)
    own = dict(operations.sharings)
    tried = []

    def timer(works: Sequence[Work]) -> float:
        tried.append(dict(operations.sharings))
        return 1e-5 / len(tried) if len(tried) <= 1 + len(OTHERS[FEW]) else 1e-5

    said = share_out(operations, HERE, DTYPE, 2, 16, timer)
    assert len(tried) == sum(1 + len(others) for others in OTHERS.values())
    assert operations.sharings == own | {FEW: OTHERS[FEW][-1]}
    assert said.startswith("attention in µs: 1 new 3.3 (16×128×8×4×2), 70 new 10.0 (64×64×1×4×2)")


def test_a_sharing_that_is_wrong_or_fails_is_never_taken(small, monkeypatch) -> None:
    operations = FusedOperations(True, HERE, 16)
    own, right = dict(operations.sharings), operations.attend

    def attend(query: Tensor, *rest) -> Tensor:
        found = right(query, *rest)
        if operations.sharings[SOME] != own[SOME]:
            raise RuntimeError("out of shared memory")
        return found + (operations.sharings[FEW] != own[FEW])

    monkeypatch.setattr(sharing_trial, "OTHERS", {FEW: (Sharing(16, 32, 4),), SOME: OTHERS[SOME]})
    monkeypatch.setattr(operations, "attend", attend)
    times = iter((1e-5, 1e-5))
    share_out(operations, HERE, DTYPE, 2, 16, lambda works: next(times))
    assert operations.sharings == own


class Part:
    """Something with kernels."""

    chained = False


@pytest.mark.parametrize(
    ("times", "wrong", "said"),
    [
        ((2e-3, 1e-3), 0.0, "kernels chained: 1.00 ms chained, 2.00 ms not, for two passes"),
        ((1e-3, 2e-3), 0.0, "kernels one after the other: 2.00 ms chained, 1.00 ms not"),
        ((2e-3, 1e-3), 0.5, "kernels one after the other: chained ones are wrong by"),
    ],
)
def test_kernels_are_chained_where_that_is_right_and_faster(
    monkeypatch, times: tuple[float, float], wrong: float, said: str
) -> None:
    parts, coming = (Part(), Part()), iter(times)

    def run(given: Tensor, segments: Tensor, start: Tensor) -> Tensor:
        return 2.0 * given + wrong * parts[1].chained

    def timer(works: Sequence[Work]) -> float:
        for work in works:
            work()
        return next(coming)

    monkeypatch.setattr(chain_trial, "captures", lambda device: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    found = chain(run, parts, torch.zeros(1, 8, device=HERE), timer)
    assert found.startswith(said)
    assert all(part.chained is found.startswith("kernels chained") for part in parts)


def test_where_a_chained_pass_fails_and_where_no_card_can_kernels_follow_one_another(
    monkeypatch,
) -> None:
    def failing(*given: Tensor) -> Tensor:
        raise RuntimeError("no such instruction")

    part, like = Part(), torch.zeros(1, 8)
    assert chain(failing, (part,), like) == "kernels one after the other"
    monkeypatch.setattr(chain_trial, "captures", lambda device: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert "no such instruction" in chain(failing, (part,), like, lambda works: works[0]() or 1.0)
    assert part.chained is False
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    assert chain(failing, (part,), like) == "kernels one after the other"
