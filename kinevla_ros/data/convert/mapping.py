"""`--map` and `--unit`: which of a dataset's features are ours, and in which units they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.data.checks.features import MOTION, names_of, plain
from kinevla_ros.data.checks.units import ANGLE_UNITS, OPENING_UNITS
from kinevla_ros.data.episode import STATE_NAMES
from kinevla_ros.data.lerobot.schema import camera_key

JOINTS = len(JOINT_NAMES)
DELTA = "delta"
SCOPES = {"state": MOTION[0], "action": MOTION[1]}
UNITS: Mapping[str, Mapping[str, float]] = {
    "joints": {"rad": 1.0, **ANGLE_UNITS},
    "gripper": {"m": 1.0, **OPENING_UNITS},
}


class MappingError(ValueError):
    """What `--map` or `--unit` says does not fit the dataset; the message names what would."""


@dataclass(frozen=True)
class FeatureNames:
    """Our name of a feature, camera or component to the dataset's; where none is given, the same.

    Raises:
        MappingError: a name on the left is none of ours, or two of them would be the same.
    """

    given: Mapping[str, str]

    def __post_init__(self) -> None:
        known = (*CAMERAS, *MOTION, *STATE_NAMES)
        for name in self.given:
            if name not in known:
                raise MappingError(f"--map {name}=…: {name} is none of {', '.join(known)}")
        for group in (CAMERAS, STATE_NAMES):
            others = [self.of(name) for name in group]
            for name, other in zip(group, others, strict=True):
                if name in self.given and others.count(other) > 1:
                    twice = next(n for n in group if n != name and self.of(n) == other)
                    raise MappingError(
                        f"--map {name}={other}: {twice} would be {other} as well; say which of "
                        f"the dataset's is {twice}: --map {twice}=…"
                    )

    def of(self, name: str) -> str:
        """The dataset's name of something of ours."""
        return self.given.get(name, name)

    def camera(self, camera: str, present: Sequence[str]) -> str:
        """The dataset's name of a camera.

        Raises:
            MappingError: there is none of that name.
        """
        found = self.of(camera).removeprefix(camera_key(""))
        if found not in present:
            raise MappingError(
                f"there is no camera {found}; say which of {', '.join(present) or 'none'} it is: "
                f"--map {camera}=…"
            )
        return found

    def columns(self, name: str, feature: Mapping[str, Any]) -> list[int]:
        """Where in a vector our joints and gripper stand, in our order.

        Raises:
            MappingError: one of them is not there.
        """
        names = names_of(feature)
        if names is None:
            if feature["shape"] == [len(STATE_NAMES)] or tuple(feature["shape"]) == (8,):
                return list(range(len(STATE_NAMES)))
            raise MappingError(
                f"{name} is {feature['shape']} wide and names no components: write names into "
                "meta/info.json"
            )
        wanted = [plain(self.of(own)) for own in STATE_NAMES]
        missing = [
            own for own, other in zip(STATE_NAMES, wanted, strict=True) if other not in names
        ]
        if missing:
            raise MappingError(
                f"{name} has no {', '.join(missing)}; its components are {', '.join(names)}: "
                f"--map {missing[0]}=…"
            )
        return [names.index(other) for other in wanted]


@dataclass(frozen=True)
class FeatureUnits:
    """What to multiply a vector with, and whether actions are differences from the state."""

    scale: Mapping[str, NDArray[np.float64]]
    delta: bool

    @classmethod
    def read(cls, given: Iterable[str]) -> FeatureUnits:
        """Read `joints=deg`, `state.gripper=percent`, `action=delta` and the like.

        Raises:
            MappingError: a quantity or a unit is not known.
        """
        scale = {name: np.ones(len(STATE_NAMES)) for name in MOTION}
        delta = False
        for text in given:
            key, _, unit = text.partition("=")
            if (key, unit) == ("action", DELTA):
                delta = True
                continue
            scope, _, quantity = key.rpartition(".")
            features = [SCOPES[scope]] if scope in SCOPES else list(MOTION) if not scope else []
            units = UNITS.get(quantity, {})
            if not features or unit not in units:
                known = "; ".join(f"{name}={'|'.join(known)}" for name, known in UNITS.items())
                raise MappingError(
                    f"--unit {text}: give {known}, before it state. or action. where only one is "
                    "so, or action=delta"
                )
            part = slice(0, JOINTS) if quantity == "joints" else slice(JOINTS, None)
            for feature in features:
                scale[feature][part] = units[unit]
        return cls(scale, delta)

    def apply(
        self, state: NDArray[np.float64], action: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """State and action, shape (n, 8) each, in rad and m, the action absolute."""
        state, action = state * self.scale[MOTION[0]], action * self.scale[MOTION[1]]
        if self.delta:
            action = action.copy()
            action[:, :JOINTS] += state[:, :JOINTS]
        return state, action


def read_pairs(given: Iterable[str]) -> dict[str, str]:
    """Read `ours=theirs` of the command line. Raises MappingError for anything else."""
    pairs = {}
    for text in given:
        name, sign, other = text.partition("=")
        if not (name and sign and other):
            raise MappingError(f"--map {text}: write our name, = and the dataset's")
        pairs[name] = other
    return pairs
