"""What a CUDA graph's capture runs again and again changes nothing; imitated on any machine."""

import gc
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from engine_cases import case

from kinevla_ros.generator.decoding.decode import BilevelDecoder
from kinevla_ros.generator.engine import graph
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.graph import CaptureError, Pass


@pytest.fixture
def imitated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pass is warmed up before it counts, as on a GPU; then it runs as it stands."""

    @contextmanager
    def here(device: torch.device):
        yield

    monkeypatch.setattr(graph, "captures", lambda device: True)
    monkeypatch.setattr(graph, "side_stream", here)
    monkeypatch.setattr(graph, "recorded", lambda work: work)


def test_passes_that_are_run_to_be_captured_write_what_plain_decoding_writes(
    imitated: None, parts
) -> None:
    model, vocabulary = parts
    for seed in range(4):
        said, images, state, words = case(model, vocabulary, seed)
        wanted = BilevelDecoder(model, vocabulary).generate(said, images, state)
        for drafts in ((None, words), (words, words)):
            fast = FastDecoder(model, vocabulary)
            for draft in drafts:
                found = fast.generate(said, images, state, draft)
                assert found.words == wanted.words == words
                assert found.goal_codes == wanted.goal_codes
                assert found.kinematics_codes == wanted.kinematics_codes


@torch.inference_mode()
def left_by_each_pass(parts) -> list[list[int]]:
    """Where a first call of every pass leaves cursor, token and what was chosen."""
    fast, found = FastDecoder(*parts), []
    for level in (fast._goal, fast._kinematics):
        for run in level.passes():
            fast._cursor.fill_(fast._kept)
            fast._token.fill_(20)
            level.codes.zero_()
            level._written.zero_()
            run()
            left = fast._cursor, fast._token, level.codes, level._written
            found.append([int(number) for tensor in left for number in tensor])
    return found


def test_each_pass_three_times_leaves_what_one_leaves(
    imitated: None, parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_times = left_by_each_pass(parts)
    monkeypatch.setattr(graph, "captures", lambda device: False)
    assert left_by_each_pass(parts) == three_times


def test_a_failed_capture_names_the_pass_puts_back_what_moved_and_is_tried_again(
    imitated: None,
) -> None:
    place, failing = torch.zeros(1), [True]

    def work() -> None:
        place.add_(1)
        if failing:
            raise RuntimeError("operation not permitted when stream is capturing")

    run = Pass("next goal code", work, [place])
    with pytest.raises(CaptureError, match=r"next goal code.*not permitted"):
        run()
    assert place == 0
    failing.clear()
    run()
    run()
    assert place == 2


def test_while_a_pass_is_captured_nothing_is_freed_that_a_collector_would_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An older engine's graphs refer to themselves; freeing them in a capture ends the capture."""
    collecting = []

    @contextmanager
    def captured(recording: object):
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay=lambda: None))
    monkeypatch.setattr(torch.cuda, "graph", captured)
    graph.recorded(lambda: collecting.append(gc.isenabled()))
    with pytest.raises(RuntimeError):
        graph.recorded(lambda: (_ for _ in ()).throw(RuntimeError("spoilt")))
    assert collecting == [False]
    assert gc.isenabled()
