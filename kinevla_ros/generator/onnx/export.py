"""Writes a checkpoint's ONNX graphs, which `OnnxGenerator` runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from kinevla_ros.base.files.atomic import replacing
from kinevla_ros.base.files.manifest import add_to_manifest
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.generator.onnx.generator import (
    CHECKSUM_KEY,
    ENCODER_FILE,
    ENCODER_INPUTS,
    ENCODER_OUTPUTS,
    PASS_FILE,
    OnnxGenerator,
    checksum,
    has_graphs,
    pass_names,
)
from kinevla_ros.generator.onnx.network import AnyPass, ObservationEncoder
from kinevla_ros.generator.weights import MODEL_FILE, read_generator

TOLERANCE = 1e-3
"""Largest difference of a logit, relative to the largest logit."""

READ_LAST = [Segment.WORDS, Segment.WORDS, Segment.READING, Segment.CODES]

OPSET = 23
"""The first with rotary embedding and attention as operators."""


def export_graphs(folder: Path) -> None:
    """Write eye.onnx and pass.onnx into a checkpoint folder and its manifest.

    Needs the packages onnx and onnxscript (extra `train`). Takes about ten seconds.

    Raises:
        FileNotFoundError: the folder has no configuration or no weights.
        ValueError: they are damaged, the model is of a size or shape that has no graphs, or the
            graphs do not give what it gives, and are not left there.
    """
    config = GeneratorConfig.load(folder)
    if not has_graphs(config):
        raise ValueError(f"{folder}: only a model with a ResNet of basic blocks has ONNX graphs")
    model = read_generator(folder, config)
    weights = (folder / MODEL_FILE).read_bytes()
    llama: Any = model.language.config
    new, before = 5, 7
    past = (1, llama.num_attention_heads, before, llama.head_dim)
    count = 2 * llama.num_hidden_layers
    encoder_given = (
        torch.zeros(config.cameras, 3, config.image_size, config.image_size),
        torch.zeros(config.state_dim),
    )
    pass_given = (
        torch.zeros(1, new, llama.hidden_size),
        torch.arange(new)[None],
        torch.ones(new, before + new, dtype=torch.bool),
        torch.arange(3),
        [torch.zeros(past) for _ in range(count)],
    )
    free = torch.export.Dim.AUTO
    sizes = ({1: free}, {1: free}, {0: free, 1: free}, {0: free}, [{2: free}] * count)
    graphs = {
        ENCODER_FILE: _exported(
            ObservationEncoder(model), encoder_given, ENCODER_INPUTS, ENCODER_OUTPUTS, None
        ),
        PASS_FILE: _exported(AnyPass(model), pass_given, *pass_names(count), sizes),
    }
    for name, graph in graphs.items():
        _point_into(graph, weights)
        entry = graph.metadata_props.add()
        entry.key, entry.value = CHECKSUM_KEY, checksum(weights)
        with replacing(folder / name) as file:
            file.write_bytes(graph.SerializeToString())
        add_to_manifest(folder, name)
    check_graphs(model, folder)


def _exported(
    network: nn.Module,
    given: tuple[Any, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    sizes: tuple[Any, ...] | None,
) -> onnx.ModelProto:
    with torch.no_grad():
        program = torch.onnx.export(
            network.eval(),
            given,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=sizes,
            dynamo=True,
            opset_version=OPSET,
            # Its optimiser would put weights of its own making into the file.
            optimize=False,
            verbose=False,
        )
    assert program is not None  # only without dynamo
    graph = program.model_proto
    for node in graph.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return graph


def _point_into(graph: onnx.ModelProto, weights: bytes) -> None:
    """Take the weights out of a graph and say where in model.safetensors they are."""
    length = int.from_bytes(weights[:8], "little")
    entries, start = json.loads(weights[8 : 8 + length]), 8 + length
    for tensor in graph.graph.initializer:
        entry = entries.get(tensor.name.removeprefix("model."))
        if entry is None:
            continue
        begin, end = entry["data_offsets"]
        if tensor.raw_data != weights[start + begin : start + end]:
            raise ValueError(f"{MODEL_FILE} does not hold {tensor.name} as float32")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        place = {"location": MODEL_FILE, "offset": start + begin, "length": end - begin}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))


@torch.inference_mode()
def check_graphs(model: Generator, folder: Path) -> None:
    """Hold the graphs against their model on numbers at random; what differs is removed.

    Raises:
        ValueError: they differ.
    """
    graphs, config = OnnxGenerator(model, folder), model.config
    source = torch.Generator().manual_seed(0)
    shape = (1, config.cameras, 3, config.image_size, config.image_size)
    images = torch.randn(shape, generator=source)
    state = torch.randn(1, config.state_dim, generator=source)
    segments = torch.tensor([[Segment.OBSERVATION] * model.observation_tokens + READ_LAST])
    ends: list[Tensor] = []
    for reader in (model, graphs):
        cache: Any = reader.new_cache()
        seen = reader.observe(images, state)
        reader(seen, segments[:, : seen.shape[1]], cache)
        words = reader.embed(torch.arange(len(READ_LAST))[None])
        ends.append(reader(words, segments, cache)[0][0, -1])
    if not torch.allclose(ends[0], ends[1], atol=TOLERANCE * float(ends[0].abs().max())):
        for name in (ENCODER_FILE, PASS_FILE):
            (folder / name).unlink()
        raise ValueError(
            f"the exported graphs differ from the model by {float((ends[0] - ends[1]).abs().max())}"
            "; update torch, onnx and onnxscript"
        )
