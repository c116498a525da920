"""A generator whose encoder and passes run as ONNX graphs, for the small model on a CPU.

Seven eighths of a pass over one token are dispatch and Python when torch runs it. The graphs hold
no weights: they point into the checkpoint's model.safetensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.manifest import checked
from kinevla_ros.base.files.onnx_file import check_onnx
from kinevla_ros.base.onnx_session import open_session
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment, attention_allowed, may_look
from kinevla_ros.generator.weights import MODEL_FILE

ENCODER_FILE, PASS_FILE = "eye.onnx", "pass.onnx"
CHECKSUM_KEY = "kinevla.weights"
ENCODER_INPUTS, ENCODER_OUTPUTS = ("images", "state"), ("observation",)

OPERATORS = {
    *("Add", "Attention", "Cast", "CastLike", "Concat", "Constant", "Conv", "Cos", "Div", "Equal"),
    *("Expand", "Gather", "Gelu", "Gemm", "Less", "MatMul", "MaxPool", "Mul", "Pow", "Range"),
    *("RMSNormalization", "Relu", "Reshape", "Resize", "RotaryEmbedding", "Shape", "Sigmoid"),
    *("Sin", "Slice", "Softmax", "Sqrt", "Sub", "Tile", "Transpose", "Unsqueeze", "Where"),
}
"""What the graphs may use."""
LARGEST = 16 << 20
CHOOSING = (Segment.WORDS, Segment.CODES)
"""Positions that choose a word or a code; the others are read for their keys and values."""

Arrays = dict[str, NDArray]


class GraphsError(ValueError):
    """The graphs are missing, damaged or those of other weights."""


PROMPT = 100
"""Positions that are read before a word is written, about."""


class PassCache:
    """Keys and values of the positions read, block by block, each (1, H, P, d)."""

    def __init__(self, values: Sequence[NDArray[np.float32]]) -> None:
        self.values = values

    def crop(self, count: int) -> None:
        """Keep the first positions, or forget the last where the count is negative."""
        self.values = [np.ascontiguousarray(each[:, :, :count]) for each in self.values]


class OnnxGenerator:
    """Stands in for a `Generator` where a decoder or `Consistency` reads with it.

    Args:
        model: the same weights in torch, for what no graph does.
        folder: the checkpoint with both graphs.
        threads: of arithmetic.

    Raises:
        GraphsError: see there; the message says what to do.
    """

    def __init__(self, model: Generator, folder: Path, threads: int = 1) -> None:
        self.config, self.observation_tokens = model.config, model.observation_tokens
        self.device = torch.device("cpu")
        table: Any = model.language.get_input_embeddings()
        self._table: Tensor = table.weight.detach()
        llama = model.language.config
        heads = llama.num_attention_heads
        empty = np.zeros((1, heads, 0, llama.hidden_size // heads), np.float32)
        self._empty = [empty] * (2 * llama.num_hidden_layers)
        self._inputs, _ = pass_names(len(self._empty))
        try:
            # The model was loaded from it, so it is known to be whole.
            weights = (folder / MODEL_FILE).read_bytes()
            self._encoder = _open(checked(folder, ENCODER_FILE), weights, threads, _one_observation)
            self._pass = _open(checked(folder, PASS_FILE), weights, threads, _one_word)
        except (GraphsError, FileError, OSError) as problem:
            raise GraphsError(
                f"{problem}; `kinevla export-graphs {folder}` writes {ENCODER_FILE} and {PASS_FILE}"
            ) from problem

    def new_cache(self) -> PassCache:
        """A cache without positions."""
        return PassCache(self._empty)

    def cached(self, cache: PassCache, places: list[int]) -> PassCache:
        """What a cache holds of some positions, as a cache of its own."""
        return PassCache([np.ascontiguousarray(each[:, :, places]) for each in cache.values])

    def embed(self, ids: Tensor) -> Tensor:
        """See `Generator.embed`."""
        return F.embedding(ids, self._table)

    def context(
        self, prompt: Tensor, prompt_segments: Tensor, observation: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Generator.context`; no model with graphs reads images first."""
        seen = prompt_segments.new_full(observation.shape[:2], int(Segment.OBSERVATION))
        return (
            torch.cat([self.embed(prompt), observation], dim=1),
            torch.cat([prompt_segments, seen], dim=1),
        )

    def observe(self, images: Tensor, state: Tensor) -> Tensor:
        """See `Generator.observe`; one observation, B = 1."""
        given = dict(zip(ENCODER_INPUTS, (images[0].numpy(), state[0].numpy()), strict=True))
        (seen,) = _run(self._encoder, given)
        return torch.from_numpy(seen)[None]

    def __call__(
        self, embeddings: Tensor, segments: Tensor, cache: PassCache
    ) -> tuple[Tensor, Tensor]:
        """See `Generator.forward`; one sequence, B = 1, and no hidden states.

        Returns:
            Logits (1, Q, V), those of positions that choose nothing left at zero.
        """
        new, kinds = embeddings.shape[1], tuple(segments[0].tolist())
        allowed, wanted = _layout(kinds, new, not self.config.images_first)
        positions = np.arange(len(kinds) - new, len(kinds))
        chosen, cache.values = self._read(embeddings, allowed, positions, cache, wanted)
        logits = np.zeros((1, new, self.config.vocabulary_size), np.float32)
        logits[:, wanted] = chosen
        return torch.from_numpy(logits), embeddings.new_empty(0)

    def look(
        self,
        embeddings: Tensor,
        allowed: Tensor,
        positions: Tensor,
        cache: PassCache,
        wanted: Tensor,
    ) -> Tensor:
        """See `Generator.look`."""
        logits, _ = self._read(
            embeddings, allowed.numpy(), positions.numpy(), cache, wanted.numpy()
        )
        return torch.from_numpy(logits[0])

    def _read(
        self,
        embeddings: Tensor,
        allowed: NDArray[np.bool_],
        positions: NDArray[np.int64],
        cache: PassCache,
        wanted: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """Logits (1, N, V), and keys and values of all positions, old and new."""
        given = embeddings.numpy(), positions[None], allowed, wanted, *cache.values
        logits, *present = _run(self._pass, dict(zip(self._inputs, given, strict=True)))
        return logits, present


@lru_cache(maxsize=64)
def _layout(
    segments: tuple[int, ...], new: int, whole: bool
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """`attention_allowed` of new positions and which of them choose; each chunk has the same."""
    keys, first = torch.tensor([segments]), len(segments) - new
    places = torch.arange(first, len(segments))
    allowed = attention_allowed(keys[:, first:], keys, places, may_look(keys.device), whole)
    wanted = np.flatnonzero(np.isin(segments[first:], CHOOSING))
    return allowed[0, 0].numpy(), wanted if len(wanted) else np.array([new - 1])


def _open(
    path: Path,
    weights: bytes,
    threads: int,
    trial: Callable[[onnxruntime.InferenceSession], dict[str, NDArray[Any]]],
) -> onnxruntime.InferenceSession:
    """A session over a graph that was written for these weights."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # what is wrong is raised
    # A thread that waits must not take a core from the arm.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    check_onnx(path, OPERATORS, LARGEST, beside=MODEL_FILE)
    try:
        # What was checked is what runs, whatever becomes of the file.
        options.add_external_initializers_from_files_in_memory(
            [MODEL_FILE], [weights], [len(weights)]
        )
        session = open_session(path, options, trial)
    except Exception as problem:  # onnxruntime's errors share no base class of their own
        raise GraphsError(
            f"onnxruntime {onnxruntime.__version__} cannot open {path} ({one_line(problem)}): "
            "update it if it is old"
        ) from problem
    wanted = session.get_modelmeta().custom_metadata_map.get(CHECKSUM_KEY)
    if wanted != checksum(weights):
        raise GraphsError(f"{path} belongs to other weights than {MODEL_FILE} beside it")
    return session


def _one_observation(session: onnxruntime.InferenceSession) -> dict[str, NDArray[Any]]:
    return {each.name: np.zeros(each.shape, np.float32) for each in session.get_inputs()}


def _one_word(session: onnxruntime.InferenceSession) -> dict[str, NDArray[Any]]:
    """A word after a usual prompt."""
    embeddings, *_, last = session.get_inputs()
    _, heads, _, size = last.shape
    past = np.zeros((1, heads, PROMPT, size), np.float32)
    names, _ = pass_names(len(session.get_inputs()) - 4)
    first = (
        np.zeros((1, 1, embeddings.shape[2]), np.float32),
        np.full((1, 1), PROMPT),
        np.ones((1, PROMPT + 1), np.bool_),
        np.zeros(1, np.int64),
    )
    return dict(zip(names, (*first, *[past] * (len(names) - 4)), strict=True))


def pass_names(count: int) -> tuple[list[str], list[str]]:
    """Inputs and outputs of a pass with so many keys and values."""
    return (
        ["embeddings", "positions", "allowed", "wanted", *(f"past{i}" for i in range(count))],
        ["logits", *(f"present{i}" for i in range(count))],
    )


def has_graphs(config: GeneratorConfig) -> bool:
    """Whether a model of this shape can be exported: a ResNet of basic blocks, and a state."""
    vision = config.vision
    basic = vision["model_type"] == "resnet" and vision.get("layer_type") == "basic"
    return basic and config.state_dim > 0 and not config.images_first


def checksum(weights: bytes) -> str:
    """What a graph carries of the weights that it points to."""
    return hashlib.sha256(weights).hexdigest()


def _run(session: onnxruntime.InferenceSession, given: Arrays) -> list[NDArray[np.float32]]:
    # What attention must not see leaves denormal weights, which cost a fifth of a long pass.
    torch.set_flush_denormal(True)
    try:
        return list(session.run(None, given))
    finally:
        torch.set_flush_denormal(False)
