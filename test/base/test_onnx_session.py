"""Where an ONNX file runs: the CPU, unless the GPU works and is faster."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from kinevla_ros.base import onnx_session
from kinevla_ros.base.onnx_session import CPU, CUDA, open_session
from kinevla_ros.base.resources import resource_path

DECODER = resource_path("models") / "kinevla-tiny" / "decoder.onnx"


def codes(_: object) -> dict[str, np.ndarray]:
    return {"codes": np.zeros((1, 6), np.int64)}


def opened() -> onnxruntime.InferenceSession:
    return open_session(DECODER, onnxruntime.SessionOptions(), codes)


class Gpu:
    """A session that says it runs on CUDA, with the CPU's results after a while."""

    def __init__(self, session: Any, pause: float, broken: str = "") -> None:
        self.session, self.pause, self.broken = session, pause, broken

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]

    def run(self, *arguments: Any) -> Any:
        if self.broken:
            raise RuntimeError(f"{self.broken}\na second line")
        return self.session.run(*arguments)


def with_cuda(monkeypatch: pytest.MonkeyPatch, times: dict[str, float], broken: str = "") -> None:
    """Onnxruntime as if CUDA were there; a run takes the time given for its provider, ms."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    real = onnx_session._session

    def session(path: Path, options: Any, providers: list[str]) -> Any:
        made = real(path, options, [CPU])
        return Gpu(made, 0.0, broken) if providers[0] == CUDA else made

    monkeypatch.setattr(onnx_session, "_session", session)
    if not broken:
        measured = lambda session, _: times[session.get_providers()[0]]  # noqa: E731
        monkeypatch.setattr(onnx_session, "_milliseconds", measured)


def test_without_cuda_the_cpu_runs_the_file() -> None:
    assert opened().get_providers() == [CPU]


@pytest.mark.parametrize(("gpu", "wins"), [(0.5, CUDA), (2.0, CPU)])
def test_the_faster_one_runs_the_file_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gpu: float, wins: str
) -> None:
    with_cuda(monkeypatch, {CPU: 1.0, CUDA: gpu})
    with caplog.at_level(logging.INFO):
        assert opened().get_providers()[0] == wins
    name = "GPU" if wins == CUDA else "CPU"
    assert f"decoder.onnx runs on the {name}: CPU 1.00 ms, GPU {gpu:.2f} ms" in caplog.text


def test_a_gpu_that_fails_leaves_the_work_to_the_cpu_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_cuda(monkeypatch, {}, broken="CUDA failure 35")
    session = opened()
    assert session.get_providers() == [CPU]
    assert "decoder.onnx runs on the CPU, since the GPU does not work: CUDA failure 35" in (
        caplog.text
    )
    assert session.run(None, codes(session))[0].shape == (1, 5, 8)


def test_cuda_that_cannot_be_loaded_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # As onnxruntime-gpu behaves without a driver: it offers CUDA, and gives a session without it.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    real = onnx_session._session
    monkeypatch.setattr(
        onnx_session, "_session", lambda path, options, _: real(path, options, [CPU])
    )
    assert opened().get_providers() == [CPU]
    assert "cannot load CUDA or cuDNN" in caplog.text


def test_a_gpu_package_that_the_other_one_hides_is_a_warning_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened()
    assert caplog.text == ""
    monkeypatch.setattr(onnx_session, "version", lambda name: "1.31.1")
    assert opened().get_providers() == [CPU]
    assert "onnxruntime-gpu is installed and onnxruntime lies over it: pip uninstall" in caplog.text
