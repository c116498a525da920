"""Weights of a generator into memory, one copy and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from kinevla_ros.base.files.manifest import checked
from kinevla_ros.base.files.state_dict import check_names
from kinevla_ros.base.files.tensor_file import TensorFile
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.model import Generator

MODEL_FILE = "model.safetensors"


@contextmanager
def unallocated() -> Iterator[None]:
    """Modules built inside have parameters without memory and real buffers."""
    register = nn.Module.register_parameter

    def without_memory(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        if param is not None:
            param = nn.Parameter(param.to("meta"), requires_grad=param.requires_grad)
        register(self, name, param)

    nn.Module.register_parameter = without_memory  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.register_parameter = register  # type: ignore[method-assign]


def skeleton(config: GeneratorConfig) -> Generator:
    """A generator whose parameters have shapes and no memory."""
    with unallocated():
        return Generator(config)


def load_weights(
    config: GeneratorConfig,
    plan: Mapping[str, Tensor],
    tensors: Iterable[tuple[str, Tensor]],
    dtype: torch.dtype | None = None,
    device: str | torch.device = "cpu",
) -> Generator:
    """Build a generator around tensors that come one by one.

    Args:
        config: its shape.
        plan: name of the state dict and `meta` tensor of all that will come; nothing is read
            before they fit.
        tensors: the same with values.
        dtype: of the floating point weights; as they come without it.
        device: where they are put.

    Raises:
        WeightsError: one is missing, unknown or of another shape.
    """
    model = skeleton(config)
    check_names(model, plan)
    state = {
        name: tensor.to(device, dtype if tensor.is_floating_point() else None)
        for name, tensor in tensors
    }
    model.load_state_dict(state, assign=True)
    return model.to(device).eval()


def read_generator(
    folder: Path,
    config: GeneratorConfig,
    dtype: torch.dtype | None = None,
    device: str | torch.device = "cpu",
) -> Generator:
    """Load `model.safetensors` of a checkpoint folder; arguments as of `load_weights`.

    Raises:
        FileNotFoundError: there is none.
        ManifestError: it is not the one of the checkpoint.
        TensorFileError: it is damaged.
        WeightsError: it is of another configuration.
    """
    with TensorFile(checked(folder, MODEL_FILE)) as file:
        values = ((name, file.read(name)) for name in file.tensors)
        return load_weights(config, file.tensors, values, dtype, device)
