"""Where a model runs, and what a GPU's failures are called."""

from pathlib import Path

import pytest
import torch

from kinevla_ros.base.resources import resource_path
from kinevla_ros.generator import checkpoint, policy
from kinevla_ros.generator.device import GpuOutOfMemory, NoGpu, find_device, naming_full_memory


def test_a_gpu_is_taken_where_there_is_one(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [find_device(d).type for d in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]


def test_without_a_gpu_only_an_explicit_wish_for_one_fails(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [find_device(d).type for d in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(NoGpu, match="nvidia-smi"):
        find_device("cuda")


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_full_memory_has_one_name_and_says_what_to_do(problem: RuntimeError) -> None:
    with pytest.raises(GpuOutOfMemory, match="nvidia-smi") as found, naming_full_memory():
        raise problem
    assert "more" not in str(found.value).split(":")[0]


def test_other_failures_keep_their_name() -> None:
    with pytest.raises(RuntimeError, match="illegal") as found, naming_full_memory():
        raise RuntimeError("CUDA error: an illegal memory access")
    assert not isinstance(found.value, GpuOutOfMemory)


def test_weights_that_do_not_fit_do_not_make_the_checkpoint_a_damaged_one(monkeypatch) -> None:
    def read(folder: Path, *_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(checkpoint, "read_generator", read)
    with pytest.raises(GpuOutOfMemory):
        policy.Policy(resource_path("models", "kinevla-tiny"))
