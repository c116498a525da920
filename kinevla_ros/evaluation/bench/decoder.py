"""How long the chunk decoder takes."""

from __future__ import annotations

import time

import numpy as np

from kinevla_ros.codec.onnx_decoder import OnnxDecoder


def decoder_times(decoder: OnnxDecoder, calls: int) -> list[float]:
    """Times of single calls of the decoder on random codes (s)."""
    contract = decoder.contract
    codes = np.random.default_rng(0).integers(
        contract.codes_per_level, size=(calls, contract.levels)
    )
    times = []
    for row in codes:
        started = time.perf_counter()
        decoder(row)
        times.append(time.perf_counter() - started)
    return times
