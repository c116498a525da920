"""Actions as bins: every number of a chunk is a code of its own, as in RT-2 and OpenVLA.

A baseline for the bi-level codec, with a decoder of the same form. OpenVLA's bins end at the 1st
and 99th percentile; these end at the least and greatest value, as the codec's statistics do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kinevla_ros.base.chunk import ACTION_DIM, HORIZON
from kinevla_ros.codec.contract import Contract
from kinevla_ros.codec.onnx_export import export_decoder
from kinevla_ros.codec.statistics import ActionStatistics

BINS = 256


@dataclass(frozen=True)
class BinCodec:
    """Physical chunks to bins, step by step and within a step joints, then gripper."""

    statistics: ActionStatistics

    @property
    def contract(self) -> Contract:
        """All codes stand in the kinematics span."""
        digest = hashlib.sha256(f"{BINS} bins".encode())
        digest.update(self.statistics.lower.tobytes() + self.statistics.upper.tobytes())
        return Contract(
            goal_levels=0,
            kinematics_levels=HORIZON * ACTION_DIM,
            codes_per_level=BINS,
            checksum=digest.hexdigest(),
        )

    def encode(
        self,
        chunks: NDArray[np.float32],
        common: NDArray[np.float32] | None = None,
        disturbance: float = 0.0,
    ) -> NDArray[np.int64]:
        """Return the bins, int64 (N, H D), of physical chunks, shape (N, H, D).

        What lies beyond the bounds is in the outermost bin. The other arguments are those of
        `Codec.encode` and concern goal codes, of which there are none.
        """
        shares = (self.statistics.normalise(chunks).reshape(len(chunks), -1) + 1) / 2
        return np.clip(np.floor(shares * BINS), 0, BINS - 1).astype(np.int64)

    def export(self, path: Path) -> None:
        """Write the decoder as `export_onnx` does."""
        export_decoder(_BinDecoder(self.statistics), self.contract, path)


class _BinDecoder(nn.Module):
    """Bins, int64 (B, H D), to chunks, shape (B, H, D): the middle of each bin."""

    _lower: Tensor
    _width: Tensor

    def __init__(self, statistics: ActionStatistics) -> None:
        super().__init__()
        self.register_buffer("_lower", torch.tensor(statistics.lower))
        self.register_buffer("_width", torch.tensor((statistics.upper - statistics.lower) / BINS))

    def forward(self, codes: Tensor) -> Tensor:
        return self._lower + (codes.view(-1, HORIZON, ACTION_DIM) + 0.5) * self._width
