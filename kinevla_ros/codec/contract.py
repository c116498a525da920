"""What a decoder promises about the motion it gives, and what it asks of the codes it gets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ACTION_DIM, CHUNK_DT, HORIZON, JOINT_NAMES
from kinevla_ros.base.files.fields import integer, number
from kinevla_ros.base.files.json_file import parse_object

MOST_STEPS, MOST_DIMENSIONS, MOST_LEVELS, LARGEST_CODEBOOK = 100, 100, 256, 65_536


class ContractError(ValueError):
    """A decoder does not keep the contract that its user expects."""


class InvalidCodeError(ValueError):
    """Codes that no codebook holds; they mean no motion and are never clipped."""


@dataclass(frozen=True)
class Contract:
    """Shape and meaning of codes and actions; the defaults are those of Kine-Realman.

    Attributes:
        horizon: Steps of a chunk, H.
        action_dim: Numbers of a step, D.
        dt: Time between steps, s.
        joint_order: Names of the joints, in the order of the action's first numbers.
        units: Unit of each action dimension.
        goal_levels, kinematics_levels: Codes of each stack, M_goal and M_kin, in this order.
        codes_per_level: Entries of each codebook, K.
        checksum: SHA-256 of codebooks, networks and statistics; None accepts any.

    Raises:
        ValueError: A value cannot be of a decoder.
    """

    horizon: int = HORIZON
    action_dim: int = ACTION_DIM
    dt: float = CHUNK_DT
    joint_order: tuple[str, ...] = JOINT_NAMES
    units: tuple[str, ...] = ("rad",) * len(JOINT_NAMES) + ("m",)
    goal_levels: int = 2
    kinematics_levels: int = 2
    codes_per_level: int = 128
    checksum: str | None = None

    def __post_init__(self) -> None:
        integer("horizon", self.horizon, 1, MOST_STEPS)
        integer("action_dim", self.action_dim, 1, MOST_DIMENSIONS)
        number("dt", self.dt, 1e-3, 10.0)
        integer("goal_levels", self.goal_levels, 0, MOST_LEVELS)
        integer("kinematics_levels", self.kinematics_levels, 0, MOST_LEVELS)
        integer("codes_per_level", self.codes_per_level, 1, LARGEST_CODEBOOK)
        for name in ("joint_order", "units"):
            texts = getattr(self, name)
            if len(texts) > MOST_DIMENSIONS or not all(isinstance(t, str) for t in texts):
                raise ValueError(f"{name} must be at most {MOST_DIMENSIONS} texts")
        if self.checksum is not None and not isinstance(self.checksum, str):
            raise ValueError("checksum must be a text")

    @property
    def levels(self) -> int:
        """Codes of a chunk, M_goal + M_kin."""
        return self.goal_levels + self.kinematics_levels

    def require(self, expected: Contract) -> None:
        """Raise ContractError, naming every field that differs from the expected contract."""
        if expected.checksum is None:
            expected = replace(expected, checksum=self.checksum)
        ours, theirs = asdict(self), asdict(expected)
        differing = [f"{k} is {ours[k]}, not {theirs[k]}" for k in ours if ours[k] != theirs[k]]
        if differing:
            raise ContractError(
                f"decoder breaks its contract: {'; '.join(differing)}. "
                "Use the decoder that was exported with this checkpoint's codec."
            )

    def check_codes(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return codes as int64, shape (B, levels); one chunk's codes may come as (levels,).

        Raises:
            InvalidCodeError: The type is not integer, the shape is wrong, or a code is outside
                [0, codes_per_level).
        """
        array = np.asarray(codes)
        if array.dtype.kind not in "iu":
            raise InvalidCodeError(f"codes are {array.dtype}; they must be integers")
        array = np.atleast_2d(array)
        if array.ndim != 2 or array.shape[1] != self.levels or not len(array):
            raise InvalidCodeError(f"codes have shape {array.shape}, not (B, {self.levels})")
        outside = (array < 0) | (array >= self.codes_per_level)
        if outside.any():
            raise InvalidCodeError(
                f"codes {np.unique(array[outside]).tolist()} are not in [0, {self.codes_per_level})"
            )
        return array.astype(np.int64)

    def to_json(self) -> str:
        """Return the contract as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Contract:
        """Read `to_json`'s line. Raises ContractError when it is not a contract."""
        try:
            fields = parse_object(text.encode())
            for name in ("joint_order", "units"):
                fields[name] = tuple(fields[name])
            return cls(**fields)
        except (ValueError, KeyError, TypeError) as problem:
            raise ContractError(f"not a codec contract: {problem!r}") from problem
