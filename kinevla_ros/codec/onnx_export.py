"""Export of a trained codec's decoder as ONNX: integer codes in, physical units out."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.files.atomic import replacing
from kinevla_ros.codec.bilevel import BilevelCodec
from kinevla_ros.codec.checkpoint import contract_of
from kinevla_ros.codec.contract import Contract
from kinevla_ros.codec.onnx_decoder import CONTRACT_KEY, INPUT, OUTPUT
from kinevla_ros.codec.statistics import ActionStatistics


class PhysicalDecoder(nn.Module):
    """Codes, int64 (B, levels), to chunks in physical units, shape (B, H, D)."""

    _half_range: Tensor
    _middle: Tensor

    def __init__(self, codec: BilevelCodec, statistics: ActionStatistics) -> None:
        super().__init__()
        self._codec = copy.deepcopy(codec)
        half_range = (statistics.upper - statistics.lower) / np.float32(2)
        self.register_buffer("_half_range", torch.from_numpy(half_range))
        self.register_buffer("_middle", torch.from_numpy(statistics.lower + half_range))

    def forward(self, codes: Tensor) -> Tensor:
        """Decode codes that were checked before: out of range they are undefined here."""
        return self._codec.reconstruct(self._codec.fuse(codes)) * self._half_range + self._middle


def export_onnx(
    codec: BilevelCodec, statistics: ActionStatistics, path: Path, space: ActionSpace = RM75
) -> None:
    """Write the decoder to one file, statistics in the graph, the contract in its metadata.

    The batch axis is dynamic. Needs the packages onnx and onnxscript (extra `train`).
    """
    export_decoder(PhysicalDecoder(codec, statistics), contract_of(codec, statistics, space), path)


def export_decoder(decoder: nn.Module, contract: Contract, path: Path) -> None:
    """Write any module that takes codes to physical chunks, with its contract; as `export_onnx`."""
    program = torch.onnx.export(
        decoder.cpu().eval(),
        (torch.zeros(2, contract.levels, dtype=torch.int64),),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # only without dynamo
    model = program.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = CONTRACT_KEY, contract.to_json()
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_bytes(model.SerializeToString())
