"""Where a model runs, and names for the two ways in which a GPU fails it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class NoGpu(RuntimeError):
    """A GPU is asked for and torch finds none."""


class GpuOutOfMemory(RuntimeError):
    """The GPU's memory does not hold the model and its work."""


def find_device(wanted: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`; `auto` is the GPU if there is one.

    Several GPUs: CUDA_VISIBLE_DEVICES says which is the one.

    Raises:
        NoGpu: see there.
    """
    if wanted != "cpu" and torch.cuda.is_available():
        return torch.device("cuda")
    if wanted != "cuda":
        return torch.device("cpu")
    raise NoGpu(
        f"device is cuda, and torch {torch.__version__} finds no GPU: see whether `nvidia-smi` "
        "lists one, CUDA_VISIBLE_DEVICES hides it or torch is a build for CPUs; "
        "or set device to cpu"
    )


def wants_engine(device: torch.device) -> bool:
    """Whether the engine decodes there, or the plain decoder.

    On a GPU the engine's graphs spare the launch of thousands of kernels. On a CPU it is no
    faster, and the plain decoder reads no padding.
    """
    return device.type == "cuda"


@contextmanager
def naming_full_memory() -> Iterator[None]:
    """Turn the ways in which CUDA says that its memory is full into one.

    Raises:
        GpuOutOfMemory: see there.
    """
    try:
        yield
    except RuntimeError as problem:
        # CUDA's own calls, such as those of a graph's capture, raise no OutOfMemoryError.
        full = isinstance(problem, torch.OutOfMemoryError) or "CUDA error: out of memory" in str(
            problem
        )
        if not full:
            raise
        raise GpuOutOfMemory(
            f"the GPU's memory is full ({str(problem).splitlines()[0]}): end other programs that "
            "use it (`nvidia-smi` lists them), or take a smaller model"
        ) from problem


def free_memory() -> None:
    """Give what nothing refers to any more back to other programs on the GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
