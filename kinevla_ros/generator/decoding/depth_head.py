"""An option for speed: the codes of a level after the first without the language model.

A small recurrent network starts from the language model's state where a level's first code is
chosen, reads the codes chosen so far, and chooses the next. A level then costs one pass.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.manifest import add_to_manifest, checked
from kinevla_ros.base.files.state_dict import load_state
from kinevla_ros.base.files.tensor_file import save_tensors
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.language.tokenizer.vocabulary import Level

DEPTH_HEAD_FILE = "depth_head.safetensors"
WIDEST = 1024


class DepthHead(nn.Module):
    """Belongs to one generator, whose states and embeddings it reads."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.language["hidden_size"]
        inner = min(2 * width, WIDEST)
        self.start = nn.Linear(width, inner)
        self.cell = nn.GRUCell(width, inner)
        self.out = nn.ModuleDict(
            {level: nn.Linear(inner, config.codes_per_level) for level in ("goal", "kinematics")}
        )

    def begin(self, hidden: Tensor) -> Tensor:
        """The network's state before the first code.

        Args:
            hidden: last hidden state of the generator where it chooses a level's first code,
                shape (B, width).
        """
        return torch.as_tensor(self.start(hidden).tanh())

    def step(self, embedded: Tensor, state: Tensor) -> Tensor:
        """Read a code, embedded by the generator (B, width); the network's next state."""
        return torch.as_tensor(self.cell(embedded, state))

    def logits(self, level: Level, state: Tensor) -> Tensor:
        """Scores of a level's codes, (B, codes_per_level)."""
        return torch.as_tensor(self.out[level](state))

    def save(self, folder: Path) -> None:
        """Write the weights beside those of the generator, and list them in the manifest."""
        save_tensors(folder / DEPTH_HEAD_FILE, self.state_dict())
        add_to_manifest(folder, DEPTH_HEAD_FILE)


def load_depth_head(
    folder: Path, config: GeneratorConfig, dtype: torch.dtype, device: str | torch.device
) -> DepthHead:
    """Read the depth head of a checkpoint.

    Raises:
        CheckpointError: it has none, or one that is damaged or belongs to another generator.
    """
    path = folder / DEPTH_HEAD_FILE
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing; make it with `kinevla train depth-head --model {folder}`, "
            "or leave the depth head off"
        )
    head = DepthHead(config)
    try:
        load_state(head, checked(folder, DEPTH_HEAD_FILE))
    except (ValueError, RuntimeError, OSError) as problem:
        raise CheckpointError(
            f"{path} does not belong to this generator: {one_line(problem)}"
        ) from problem
    return head.to(device, dtype).eval()
