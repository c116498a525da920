"""Opens an ONNX file where it runs fastest: on the GPU if that works and pays, else on the CPU."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import onnxruntime
from numpy.typing import NDArray

LOG = logging.getLogger(__name__)

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

HIDDEN = (
    "onnxruntime-gpu is installed and onnxruntime lies over it: pip uninstall -y onnxruntime, then "
    "pip install --force-reinstall --no-deps onnxruntime-gpu"
)
"""Both write the same folder, and pip does not mind."""

WARM_UP, RUNS = 3, 10
"""Runs before and while the time is taken: a GPU's first ones choose and compile kernels."""


def open_session(
    path: Path,
    options: onnxruntime.SessionOptions,
    trial: Callable[[onnxruntime.InferenceSession], Mapping[str, NDArray[Any]]],
) -> onnxruntime.InferenceSession:
    """Return a session over a file; of CPU and CUDA the faster, if onnxruntime has both.

    A CUDA installation that does not work is reported as a warning, and the CPU runs the file.

    Args:
        path: the file.
        options: of the session.
        trial: gives inputs like those to come, with which both are timed.

    Raises:
        Exception: onnxruntime's own, which share no base class; the file cannot be opened.
    """
    on_cpu = _session(path, options, [CPU])
    if CUDA not in onnxruntime.get_available_providers():
        if _is_installed("onnxruntime-gpu"):
            LOG.warning("%s runs on the CPU: %s", path.name, HIDDEN)
        return on_cpu
    try:
        on_gpu = _session(path, options, [CUDA, CPU])
        if on_gpu.get_providers()[0] != CUDA:
            raise RuntimeError("onnxruntime cannot load CUDA or cuDNN")
        times = [_milliseconds(session, trial(session)) for session in (on_cpu, on_gpu)]
    except Exception as problem:
        reason = str(problem).strip().partition("\n")[0]
        LOG.warning("%s runs on the CPU, since the GPU does not work: %s", path.name, reason)
        return on_cpu
    chosen, where = (on_gpu, "GPU") if times[1] < times[0] else (on_cpu, "CPU")
    LOG.info("%s runs on the %s: CPU %.2f ms, GPU %.2f ms", path.name, where, *times)
    return chosen


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _session(
    path: Path, options: onnxruntime.SessionOptions, providers: list[str]
) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), options, providers=providers, enable_fallback=0)


def _milliseconds(
    session: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]]
) -> float:
    """Median of several runs."""
    times = []
    for _ in range(WARM_UP + RUNS):
        began = time.perf_counter()
        session.run(None, dict(inputs))
        times.append(1000 * (time.perf_counter() - began))
    return median(times[WARM_UP:])
