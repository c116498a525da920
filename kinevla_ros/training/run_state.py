"""The state of a training in one file, so that a killed run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.tensor_file import TensorFile, read_tensors, save_tensors

OPTIMISER = "optimiser"
CURE = "train into another folder, or without resuming"


def as_json(made_of: Mapping[str, Any]) -> dict[str, str]:
    """Each thing that a run is made of, as JSON, by name."""
    return {name: json.dumps(value) for name, value in made_of.items()}


def require_own(
    folder: Path, begun: Mapping[str, str] | None, made_of: Mapping[str, str], resume: bool
) -> None:
    """Hold what a run is made of against the run that its folder holds.

    Args:
        folder: of the run.
        begun: what the run in the folder was made of, as of `as_json`; None if it holds none.
        made_of: the same of this run.
        resume: whether the run is to go on.

    Raises:
        FileNotFoundError: there is nothing to resume.
        ValueError: there is a run and it is not to be resumed, or it was made of something else.
    """
    if not resume:
        if begun is not None:
            raise ValueError(f"{folder} holds a run; go on with --resume, or give another --out")
        return
    if begun is None:
        raise FileNotFoundError(f"nothing to resume in {folder}; start without --resume")
    for name, value in made_of.items():
        if begun.get(name) != value:
            raise ValueError(f"{folder} holds a run with other {name}; {CURE}")


class RunState:
    """A run's file. It is replaced as a whole: the old state stays until the new one is written.

    Args:
        path: the file.
        made_of: what must be the same for the run to go on, such as `settings`; plain JSON types.
        resume: whether the run is to go on.

    Raises:
        FileNotFoundError, ValueError: as of `require_own`.
    """

    def __init__(self, path: Path, made_of: Mapping[str, Any], resume: bool) -> None:
        self.path = path
        self._made_of = as_json(made_of)
        require_own(path.parent, self._begun(resume), self._made_of, resume)

    def _begun(self, resume: bool) -> Mapping[str, str] | None:
        """What the run in the file was made of; None without one."""
        if not resume:  # a damaged file is in the way, too
            return {} if self.path.exists() else None
        if not self.path.is_file():
            return None
        with TensorFile(self.path) as file:
            return file.metadata

    def save(
        self,
        step: int,
        parts: Mapping[str, Mapping[str, Tensor]],
        optimiser: torch.optim.Optimizer,
    ) -> None:
        """Write the state after so many steps.

        Args:
            step: steps done.
            parts: name, without a dot, to state dict.
            optimiser: of the run.
        """
        tensors = {
            f"{part}.{name}": t for part, state in parts.items() for name, t in state.items()
        }
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"{OPTIMISER}.{index}.{name}": t for name, t in moments.items()}
        save_tensors(self.path, tensors, {"step": str(step), **self._made_of})

    def load(self, device: torch.device | str) -> tuple[int, dict[str, dict[str, Tensor]]]:
        """Return the steps done, and what `save` was given with the moments under `OPTIMISER`.

        Raises:
            ValueError: the file is damaged.
        """
        with naming(self.path, "train into another folder", ValueError):
            with TensorFile(self.path) as file:
                step = int(file.metadata["step"])
            parts: dict[str, dict[str, Tensor]] = {}
            for key, tensor in read_tensors(self.path, device).items():
                part, name = key.split(".", 1)
                parts.setdefault(part, {})[name] = tensor
            return step, parts


def load_moments(optimiser: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    """Give an optimiser the moments that `RunState.load` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
