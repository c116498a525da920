"""Both towers see the same pictures, one after the other or as branches of a graph."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from kinevla_ros.generator.network.vision import side_by_side


def test_captured_towers_are_branches_that_begin_and_end_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def stream(name: str) -> SimpleNamespace:
        waits = SimpleNamespace(name=name)
        waits.wait_stream = lambda other: done.append(f"{name} waits for {other.name}")
        return waits

    main, side = stream("main"), stream("side")

    @contextmanager
    def on(chosen: SimpleNamespace):
        done.append(f"on {chosen.name}")
        yield
        done.append("on main")

    monkeypatch.setattr(torch.cuda, "current_stream", lambda: main)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: side)
    monkeypatch.setattr(torch.cuda, "stream", on)

    def tower(name: str) -> torch.Tensor:
        done.append(name)
        return torch.tensor(len(name))

    towers = (lambda: tower("first")), (lambda: tower("second"))
    assert side_by_side(*towers, captured=True) == side_by_side(*towers, captured=False)
    assert done == [
        "side waits for main", "on side", "second", "on main", "first", "main waits for side",
        "first", "second",
    ]  # fmt: skip
