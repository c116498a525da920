"""A trained codec in a folder: codec.safetensors (weights) and codec.json (everything else)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.manifest import checked, write_manifest
from kinevla_ros.base.files.state_dict import load_state
from kinevla_ros.base.files.tensor_file import save_tensors
from kinevla_ros.codec.bilevel import BilevelCodec, CodecConfig
from kinevla_ros.codec.contract import Contract, ContractError
from kinevla_ros.codec.statistics import ActionStatistics

WEIGHTS, DESCRIPTION = "codec.safetensors", "codec.json"
_BATCH = 8192


@dataclass(frozen=True)
class Codec:
    """A codec with its statistics: physical chunks to codes and back, on the codec's device.

    `space` says what the numbers of the chunks mean.
    """

    codec: BilevelCodec
    statistics: ActionStatistics
    space: ActionSpace = RM75

    @classmethod
    def load(cls, folder: Path) -> Codec:
        """Read a trained codec; see `load_codec`."""
        return load_codec(folder)

    @cached_property
    def contract(self) -> Contract:
        """The contract that this codec and its exported decoder keep."""
        return contract_of(self.codec, self.statistics, self.space)

    def encode(
        self,
        chunks: NDArray[np.float32],
        common: NDArray[np.float32] | None = None,
        disturbance: float = 0.0,
    ) -> NDArray[np.int64]:
        """Return the codes, int64 (N, levels), of physical chunks, shape (N, H, D).

        Absolute actions count from the measured state, see `ActionSpace.start`. Values beyond
        the statistics' bounds are encoded as they are, as well as the codebooks allow.
        `common`, alike, is what each chunk shares with the other ways to its goal; for the
        disturbance see `BilevelCodec.encode`.

        Raises:
            ValueError: The shape is wrong or a number is not finite.
        """
        self.codec.eval()
        pairs = zip(
            self._normalised(chunks),
            self._normalised(chunks if common is None else common),
            strict=True,
        )
        return torch.cat([self.codec.encode(*pair, disturbance) for pair in pairs]).cpu().numpy()

    def _normalised(self, chunks: NDArray[np.float32]) -> Iterator[torch.Tensor]:
        """Batches of physical chunks, normalised."""
        config = self.codec.config
        if chunks.ndim != 3 or chunks.shape[1:] != (config.horizon, config.action_dim):
            raise ValueError(
                f"chunks have shape {chunks.shape}, not (N, {config.horizon}, {config.action_dim})"
            )
        if not np.isfinite(chunks).all():
            raise ValueError("chunks hold NaN or infinity; there is no code for such a motion")
        for first in range(0, len(chunks), _BATCH):
            part = self.statistics.normalise(chunks[first : first + _BATCH])
            yield torch.from_numpy(part).to(self._device)

    @torch.no_grad()
    def decode(self, codes: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return physical chunks, shape (N, H, D), of codes, shape (N, levels) or (N, M_goal).

        Raises:
            InvalidCodeError: See `BilevelCodec.decode`.
        """
        chunks = self.codec.eval().decode(torch.as_tensor(codes, device=self._device))
        return self.statistics.denormalise(chunks.cpu().numpy())

    @property
    def _device(self) -> torch.device:
        return self.codec.goal_stack.codebooks.device


def contract_of(
    codec: BilevelCodec, statistics: ActionStatistics, space: ActionSpace = RM75
) -> Contract:
    """Return the contract of a codec, with the checksum of its weights and statistics.

    Raises:
        ValueError: The codec is of chunks of another shape.
    """
    codec.config.require(space)
    digest = hashlib.sha256()
    for name, tensor in sorted(codec.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    digest.update(statistics.lower.tobytes() + statistics.upper.tobytes())
    config = codec.config
    return Contract(
        space,
        goal_levels=config.goal_levels,
        kinematics_levels=config.kinematics_levels,
        codes_per_level=config.codes_per_level,
        checksum=digest.hexdigest(),
    )


def save_codec(trained: Codec, folder: Path) -> None:
    """Write weights, description and manifest into the folder, which is made if absent."""
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "config": asdict(trained.codec.config),
        "statistics": {
            "lower": trained.statistics.lower.tolist(),
            "upper": trained.statistics.upper.tolist(),
        },
        "contract": trained.contract.to_dict(),
    }
    save_tensors(folder / WEIGHTS, trained.codec.state_dict())
    write_json(folder / DESCRIPTION, description)
    write_manifest(folder)


def load_codec(folder: Path) -> Codec:
    """Read a codec that `save_codec` wrote, in evaluation mode.

    Raises:
        FileNotFoundError: The folder holds no codec.
        ContractError: Weights and description do not belong together, or are damaged.
    """
    cure = "copy the codec again, or train it"
    for name in (WEIGHTS, DESCRIPTION):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing; train a codec into {folder}")
    with naming(folder / DESCRIPTION, cure, ContractError):
        description = read_object(checked(folder, DESCRIPTION), cure)
        with torch.device("meta"):
            codec = BilevelCodec(CodecConfig(**description["config"]))
        statistics = ActionStatistics(**description["statistics"])
        if len(statistics.lower) != codec.config.action_dim:
            raise ValueError("the statistics are not of each action dimension")
        expected = Contract.from_dict(description["contract"])
    with naming(folder / WEIGHTS, cure, ContractError):
        load_state(codec, checked(folder, WEIGHTS))
        trained = Codec(codec.eval(), statistics, expected.space)
    trained.contract.require(expected)
    return trained
