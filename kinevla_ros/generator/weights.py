"""Weights of a generator into memory, one copy and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.model import Generator
from kinevla_ros.generator.tensor_file import TensorFile

MODEL_FILE = "model.safetensors"


class WeightsError(ValueError):
    """The weights do not belong to the configuration."""


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
    tensors: Iterable[tuple[str, Tensor]],
    dtype: torch.dtype | None = None,
    device: str | torch.device = "cpu",
) -> Generator:
    """Build a generator around tensors that come one by one.

    Args:
        config: its shape.
        tensors: name of the state dict and value.
        dtype: of the floating point weights; as they come without it.
        device: where they shall be.

    Raises:
        WeightsError: one is missing, unknown or of another shape.
    """
    model = skeleton(config)
    state = {
        name: tensor.to(device, dtype if tensor.is_floating_point() else None)
        for name, tensor in tensors
    }
    check_names(model, state)
    model.load_state_dict(state, assign=True)
    return model.to(device).eval()


def check_names(model: Generator, given: dict[str, Tensor]) -> None:
    """Hold names and shapes against those of a generator; raises WeightsError."""
    wanted = model.state_dict()
    problems = [
        *(f"{name} is missing" for name in wanted.keys() - given.keys()),
        *(f"{name} is unknown" for name in given.keys() - wanted.keys()),
        *(
            f"{name} has shape {list(given[name].shape)} and should have {list(like.shape)}"
            for name, like in wanted.items()
            if name in given and given[name].shape != like.shape
        ),
    ]
    if problems:
        shown = "; ".join(sorted(problems)[:3])
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(f"the weights do not belong to the configuration: {shown}{more}")


def read_generator(
    folder: Path,
    config: GeneratorConfig,
    dtype: torch.dtype | None = None,
    device: str | torch.device = "cpu",
) -> Generator:
    """Load `model.safetensors` of a checkpoint folder; arguments as of `load_weights`.

    Raises:
        FileNotFoundError: there is none.
        TensorFileError: it is damaged.
        WeightsError: it is of another configuration.
    """
    with TensorFile(folder / MODEL_FILE) as file:
        return load_weights(
            config, ((name, file.read(name)) for name in file.tensors), dtype, device
        )
