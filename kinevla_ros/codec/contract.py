"""What a decoder promises about the motion it gives, and what it asks of the codes it gets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.files.fields import integer
from kinevla_ros.base.files.json_file import parse_object
from kinevla_ros.codec.amount import CODES_PER_LEVEL

MOST_LEVELS, LARGEST_CODEBOOK = 256, 65_536
_OLD = ("horizon", "action_dim", "dt", "joint_order", "units")


class ContractError(ValueError):
    """A decoder does not keep the contract that its user expects."""


class InvalidCodeError(ValueError):
    """Codes that no codebook holds; they mean no motion and are never clipped."""


@dataclass(frozen=True)
class Contract:
    """Shape and meaning of codes and actions; the defaults are those of Kine-Realman.

    Attributes:
        space: What the numbers of a chunk mean.
        goal_levels, kinematics_levels: Codes of each stack, M_goal and M_kin, in this order.
        codes_per_level: Entries of each codebook, K.
        checksum: SHA-256 of codebooks, networks and statistics; None accepts any.

    Raises:
        ValueError: A value cannot be of a decoder.
    """

    space: ActionSpace = RM75
    goal_levels: int = 2
    kinematics_levels: int = 2
    codes_per_level: int = CODES_PER_LEVEL
    checksum: str | None = None

    def __post_init__(self) -> None:
        integer("goal_levels", self.goal_levels, 0, MOST_LEVELS)
        integer("kinematics_levels", self.kinematics_levels, 0, MOST_LEVELS)
        integer("codes_per_level", self.codes_per_level, 1, LARGEST_CODEBOOK)
        if self.checksum is not None and not isinstance(self.checksum, str):
            raise ValueError("checksum must be a text")

    @property
    def levels(self) -> int:
        """Codes of a chunk, M_goal + M_kin."""
        return self.goal_levels + self.kinematics_levels

    def require(self, expected: Contract) -> None:
        """Raise ContractError, naming everything that differs from the expected contract."""
        ours, theirs = self._codes(), expected._codes()
        if expected.checksum is None:
            theirs["checksum"] = self.checksum
        differing = [f"{k} is {ours[k]}, not {theirs[k]}" for k in ours if ours[k] != theirs[k]]
        if others := self.space.differences(expected.space):
            differing.append(f"of its actions and the expected ones differ {'; '.join(others)}")
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

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as `from_dict` reads it."""
        return {"actions": self.space.to_dict(), **self._codes()}

    def to_json(self) -> str:
        """Return the contract as one line of JSON."""
        return json.dumps(self.to_dict())

    def _codes(self) -> dict[str, Any]:
        names = ("goal_levels", "kinematics_levels", "codes_per_level", "checksum")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Contract:
        """Read `to_dict`'s mapping. Raises ContractError when it is not a contract."""
        try:
            own = dict(fields)
            actions = own.pop("actions", None)
            if actions is None:
                return cls(_old_space({name: own.pop(name) for name in _OLD}), **own)
            return cls(ActionSpace.from_dict(actions), **own)
        except (ValueError, KeyError, TypeError) as problem:
            raise ContractError(f"not a codec contract: {problem!r}") from problem

    @classmethod
    def from_json(cls, text: str) -> Contract:
        """Read `to_json`'s line. Raises ContractError when it is not a contract."""
        try:
            fields = parse_object(text.encode())
        except ValueError as problem:
            raise ContractError(f"not a codec contract: {problem!r}") from problem
        return cls.from_dict(fields)


def _old_space(fields: dict[str, Any]) -> ActionSpace:
    """The RM75's actions, of which alone a contract without `actions` can be."""
    known = (RM75.horizon, RM75.width, RM75.dt, list(RM75.names[:-1]), list(RM75.units))
    if tuple(fields[name] for name in _OLD) != known:
        raise ValueError("it does not say what its actions mean and they are not an RM75's")
    return RM75
