"""The state of a codec's training in one file, so that a killed run goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.tensor_file import TensorFile, read_tensors, save_tensors


@dataclass(frozen=True)
class Progress:
    """State after a number of steps.

    Attributes:
        step: Steps done.
        model: State dict of the codec.
        moments: State of the optimiser, by the index of the parameter.
        stage_one_codes: Goal codes of the held-out chunks at the end of stage I, int64
            (N, M_goal); N is 0 before.
    """

    step: int
    model: dict[str, Tensor]
    moments: dict[int, dict[str, Tensor]]
    stage_one_codes: Tensor

    def write(self, path: Path, run: str) -> None:
        """Replace the file; `run` says what must be the same for the run to resume."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.items()}
        for index, moments in self.moments.items():
            tensors |= {f"moments/{index}/{name}": tensor for name, tensor in moments.items()}
        tensors["stage_one_codes"] = self.stage_one_codes
        save_tensors(path, tensors, {"step": str(self.step), "run": run})

    @classmethod
    def read(cls, path: Path, run: str, device: str) -> Progress:
        """Read what `write` wrote. Raises ValueError when the file is another run's."""
        with TensorFile(path) as file:
            metadata = file.metadata
        if metadata.get("run") != run:
            raise ValueError(
                f"{path} is of a run with other settings or chunks; "
                "train into another folder, or without resuming"
            )
        model: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        with naming(path, "train into another folder", ValueError):
            tensors = read_tensors(path, device)
            stage_one_codes = tensors.pop("stage_one_codes").cpu()
            for key, tensor in tensors.items():
                part, name = key.split("/", 1)
                if part == "model":
                    model[name] = tensor
                else:
                    index, moment = name.split("/")
                    moments.setdefault(int(index), {})[moment] = tensor
            return cls(int(metadata["step"]), model, moments, stage_one_codes)
