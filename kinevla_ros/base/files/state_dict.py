"""Tensors of a file held against a module's before any of them is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.tensor_file import TensorFile


class WeightsError(FileError):
    """The weights do not belong to the configuration."""


def check_names(module: nn.Module, given: Mapping[str, Tensor]) -> None:
    """Hold names, shapes and kinds of numbers against a module's; raises WeightsError."""
    wanted = module.state_dict()
    problems = [
        *(f"{name} is missing" for name in wanted.keys() - given.keys()),
        *(f"{name[:100]} is unknown" for name in given.keys() - wanted.keys()),
        *(
            problem
            for name, like in wanted.items()
            if name in given and (problem := _unlike(name, given[name], like))
        ),
    ]
    if problems:
        shown = "; ".join(sorted(problems)[:3])
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        text = f"the weights do not belong to the configuration: {shown}{more}"
        raise WeightsError(one_line(text, 600))


def load_state(module: nn.Module, path: Path) -> None:
    """Read a file into a module, which may be without memory (`meta`) and keeps its dtypes.

    Raises:
        TensorFileError: the file is damaged.
        WeightsError: it is of another module.
    """
    with TensorFile(path) as file:
        check_names(module, file.tensors)
        wanted = module.state_dict()
        state = {name: file.read(name).to(like.dtype) for name, like in wanted.items()}
    module.load_state_dict(state, assign=any(like.is_meta for like in wanted.values()))


def _unlike(name: str, given: Tensor, wanted: Tensor) -> str:
    if given.shape != wanted.shape:
        return f"{name} has shape {list(given.shape)} and should have {list(wanted.shape)}"
    if given.is_floating_point() != wanted.is_floating_point():
        return f"{name} is {given.dtype} and should be like {wanted.dtype}"
    return ""
