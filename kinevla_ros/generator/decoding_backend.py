"""What a policy decodes by: the engine, ONNX graphs or plain torch."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from kinevla_ros.generator.decoding.consistency import Consistency
from kinevla_ros.generator.decoding.decode import BilevelDecoder
from kinevla_ros.generator.decoding.depth_head import load_depth_head
from kinevla_ros.generator.device import wants_engine
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.quantised import Weights
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.onnx.generator import GraphsError, OnnxGenerator, has_graphs
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

logger = logging.getLogger(__name__)
PLAIN = "plain torch"


@dataclass(frozen=True)
class DecodingOptions:
    """What a policy is asked to decode with.

    Attributes:
        threads: of arithmetic on the CPU.
        weights: whether to round the language model's weights; see `quantised`.
        depth_head: whether the checkpoint's depth head chooses later codes; see there.
        graphs: whether to use the checkpoint's ONNX graphs where there are any.

    Weights and depth head are options of the engine, which then decodes on a CPU too.
    """

    threads: int = 1
    weights: Weights | None = None
    depth_head: bool = False
    graphs: bool = True


@dataclass(frozen=True)
class DecodingBackend:
    """What writes words and codes, what measures them, and a name for a log."""

    writer: FastDecoder | BilevelDecoder
    consistency: Consistency
    name: str


def choose_backend(
    model: Generator, vocabulary: Vocabulary, tasks: TaskSet, folder: Path, options: DecodingOptions
) -> DecodingBackend:
    """The fastest backend that options and device permit; a missing faster one is logged.

    Args:
        model: loaded from the folder, where it is to run.

    Raises:
        CheckpointError: the depth head is missing or another model's.
        ValueError: the device or the model cannot have such weights.
    """
    device = model.device
    if options.weights or options.depth_head or wants_engine(device):
        head = None
        if options.depth_head:
            head = load_depth_head(folder, model.config, model.language.dtype, device)
        writer = FastDecoder(model, vocabulary, options.weights, head)
        name = f"the engine ({writer.path})"
        return DecodingBackend(writer, Consistency(model, vocabulary, tasks), name)
    reader = _graphs(model, folder, options) if options.graphs else None
    name = "ONNX graphs" if reader else PLAIN
    read_by = reader or model
    return DecodingBackend(
        BilevelDecoder(read_by, vocabulary), Consistency(read_by, vocabulary, tasks), name
    )


def _graphs(model: Generator, folder: Path, options: DecodingOptions) -> OnnxGenerator | None:
    """The checkpoint's graphs, if its size has any and they are in order."""
    if not has_graphs(model.config):
        return None
    try:
        return OnnxGenerator(model, folder, options.threads)
    except GraphsError as problem:
        logger.warning(f"a chunk takes about three times as long by plain torch: {problem}")
        return None
