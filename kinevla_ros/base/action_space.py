"""What the numbers of an action mean, so that dataset, codec, decoder and arm can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.axes import UNITS, check_axes, check_names, read_axes
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, JOINT_NAMES
from kinevla_ros.base.files.fields import integer, number, one_of, only_keys

MOST_STEPS, MOST_CAMERAS = 100, 8
ABSOLUTE, RELATIVE = "absolute", "relative"


SLACK = 1e-5
"""Share of its range by which a gripper's value may lie beyond, as rounding to float32 leaves it.
"""


class ActionSpaceError(ValueError):
    """Two action spaces differ, or one cannot be executed; names both sides and the cure."""


@dataclass(frozen=True)
class GripperAxis:
    """The axis that opens and closes the gripper, and its values when closed and when open."""

    name: str
    closed: float
    open: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value."""
        return min(self.closed, self.open), max(self.closed, self.open)


@dataclass(frozen=True)
class ActionSpace:
    """Names, units, reference, rate and cameras behind the numbers of a chunk.

    Attributes:
        names, units: of each dimension of an action, D; for the units see `UNITS`.
        reference: of all dimensions but the gripper. `absolute`: targets, each in the unit and
            under the name of a measured value in the state. `relative`: differences from step to
            step, such as of an end effector.
        gripper: its dimension, always absolute; None where an arm has none.
        state_names, state_units: of the measured state, S.
        rate: steps a second (Hz).
        horizon: steps of a chunk, H.
        cameras: whose pictures the model sees, in this order.

    Raises:
        ValueError: a value cannot be of an action space; it is named.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    reference: str
    gripper: GripperAxis | None
    state_names: tuple[str, ...]
    state_units: tuple[str, ...]
    rate: float = 1 / CHUNK_DT
    horizon: int = HORIZON
    cameras: tuple[str, ...] = CAMERAS

    def __post_init__(self) -> None:
        check_axes("actions", self.names, self.units, least=1)
        check_axes("state", self.state_names, self.state_units, least=0)
        one_of("reference", self.reference, (ABSOLUTE, RELATIVE))
        number("rate", self.rate, 0.1, 1000.0)
        integer("horizon", self.horizon, 1, MOST_STEPS)
        check_names("cameras", self.cameras, MOST_CAMERAS)
        if self.gripper is not None:
            if self.gripper.name not in self.names:
                raise ValueError(f"gripper {self.gripper.name} is none of the actions {self.names}")
            for end in ("closed", "open"):
                number(f"gripper {end}", getattr(self.gripper, end), -1e6, 1e6)
            if self.gripper.closed == self.gripper.open:
                raise ValueError(f"the gripper is {self.gripper.open} both closed and open")
        if len(self.names) == (self.gripper is not None):
            raise ValueError("the gripper is the only action: an arm moves too")
        self._check_measured()

    def _check_measured(self) -> None:
        """An absolute target is learnt as its offset from the measured value."""
        measured = dict(zip(self.state_names, self.state_units, strict=True))
        for index in self._offset:
            name, unit = self.names[index], self.units[index]
            if measured.get(name) != unit:
                raise ValueError(
                    f"the action {name} is absolute in {unit} and the state has "
                    f"{f'it in {measured[name]}' if name in measured else f'no {name}'}: give both "
                    "the same name and unit"
                )

    @property
    def width(self) -> int:
        """Numbers of an action, D."""
        return len(self.names)

    @property
    def dt(self) -> float:
        """Time between steps, s."""
        return 1 / self.rate

    @property
    def gripper_index(self) -> int | None:
        """Dimension of the gripper."""
        return None if self.gripper is None else self.names.index(self.gripper.name)

    @cached_property
    def moving(self) -> list[int]:
        """Dimensions other than the gripper."""
        return [i for i in range(self.width) if i != self.gripper_index]

    @cached_property
    def _offset(self) -> list[int]:
        """Dimensions that are learnt as offsets from the measured state."""
        return self.moving if self.reference == ABSOLUTE else []

    @cached_property
    def _measured(self) -> list[int]:
        """Where the state holds them."""
        return [self.state_names.index(self.names[i]) for i in self._offset]

    @cached_property
    def radians(self) -> NDArray[np.float32]:
        """How much of each dimension counts as much as a radian, shape (D,)."""
        return np.array([UNITS[unit].radian for unit in self.units], np.float32)

    @cached_property
    def motion_scale(self) -> NDArray[np.float32]:
        """Usual size of each dimension within a chunk, shape (D,)."""
        return self._with_gripper(0.1 * self.radians.astype(float), self.names)

    @cached_property
    def state_scale(self) -> NDArray[np.float32]:
        """Half range of each measured value, shape (S,)."""
        scale = np.array([UNITS[unit].half_range for unit in self.state_units])
        return self._with_gripper(scale, self.state_names)

    def _with_gripper(
        self, scale: NDArray[np.float64], names: tuple[str, ...]
    ) -> NDArray[np.float32]:
        """The scale with the gripper's largest value in its place."""
        if self.gripper is not None and self.gripper.name in names:
            scale[names.index(self.gripper.name)] = max(abs(end) for end in self.gripper.bounds)
        return scale.astype(np.float32)

    def start(self, state: NDArray[Any]) -> NDArray[Any]:
        """What a chunk counts from in each dimension, shape (..., D), of states, shape (..., S)."""
        start = np.zeros((*state.shape[:-1], self.width), state.dtype)
        start[..., self._offset] = state[..., self._measured]
        return start

    def opened(self, actions: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the gripper is nearer to open than to closed; never without one.

        Args:
            actions: shape (..., D), gives (...).
        """
        if self.gripper is None:
            return np.zeros(actions.shape[:-1], bool)
        half = (self.gripper.closed + self.gripper.open) / 2
        beyond = np.asarray(actions[..., self.gripper_index] > half)
        return beyond if self.gripper.open > half else ~beyond

    def differences(self, other: ActionSpace, cameras: bool = True) -> list[str]:
        """What differs, as `unit of joint1: deg and rad`; this side first."""
        found = []
        for what, unit in (("action", "units"), ("state", "state_units")):
            ours, theirs = (_named(space, what) for space in (self, other))
            if ours != theirs:
                found.append(f"names of {what}: {', '.join(ours)} and {', '.join(theirs)}")
                continue
            pairs = zip(ours, getattr(self, unit), getattr(other, unit), strict=True)
            found += [f"unit of {what} {n}: {a} and {b}" for n, a, b in pairs if a != b]
        if self.gripper != other.gripper and _named(self, "action") == _named(other, "action"):
            found.append(f"gripper: {_shown(self.gripper)} and {_shown(other.gripper)}")
        for name, unit in (("reference", ""), ("rate", " Hz"), ("horizon", " steps")):
            mine, its = getattr(self, name), getattr(other, name)
            if mine != its:
                found.append(f"{name}: {mine}{unit} and {its}{unit}")
        if cameras and self.cameras != other.cameras:
            found.append(f"cameras: {_listed(self.cameras)} and {_listed(other.cameras)}")
        return found

    def require(
        self, expected: ActionSpace, ours: str, theirs: str, cure: str, cameras: bool = True
    ) -> None:
        """Raise ActionSpaceError, naming both sides and what differs, unless they are the same."""
        if found := self.differences(expected, cameras):
            raise ActionSpaceError(
                f"{ours} and {theirs} have different actions: {'; '.join(found)}. {cure}"
            )

    def with_cameras(self, cameras: Sequence[str]) -> ActionSpace:
        """The same seen by other cameras."""
        return replace(self, cameras=tuple(cameras))

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads; names map to units."""
        gripper = self.gripper
        return {
            "actions": dict(zip(self.names, self.units, strict=True)),
            "reference": self.reference,
            "gripper": None
            if gripper is None
            else {"name": gripper.name, "closed": gripper.closed, "open": gripper.open},
            "state": dict(zip(self.state_names, self.state_units, strict=True)),
            "rate": self.rate,
            "horizon": self.horizon,
            "cameras": list(self.cameras),
        }

    @classmethod
    def from_dict(cls, given: object) -> ActionSpace:
        """Read `to_dict`'s mapping; without `horizon` it is five. Raises ValueError."""
        known = ("actions", "reference", "gripper", "state", "rate", "horizon", "cameras")
        fields = only_keys("an action space", given, known)
        if missing := [key for key in known if key not in fields and key != "horizon"]:
            raise ValueError(f"an action space needs {', '.join(missing)}")
        names, units = read_axes("actions", fields["actions"])
        state_names, state_units = read_axes("state", fields["state"])
        if not isinstance(fields["cameras"], list | tuple):
            raise ValueError("cameras should be a list of names")
        return cls(
            names,
            units,
            fields["reference"],
            _gripper(fields["gripper"]),
            state_names,
            state_units,
            number("rate", fields["rate"], 0.1, 1000.0),
            fields.get("horizon", HORIZON),
            tuple(fields["cameras"]),
        )


def _named(space: ActionSpace, what: str) -> tuple[str, ...]:
    return space.names if what == "action" else space.state_names


def _gripper(given: object) -> GripperAxis | None:
    if given is None:
        return None
    fields = only_keys("gripper", given, ("name", "closed", "open"))
    if missing := {"name", "closed", "open"} - set(fields):
        raise ValueError(f"gripper needs {', '.join(sorted(missing))}")
    ends = [number(f"gripper {end}", fields[end], -1e6, 1e6) for end in ("closed", "open")]
    return GripperAxis(str(fields["name"]), *ends)


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _shown(gripper: GripperAxis | None) -> str:
    if gripper is None:
        return "none"
    return f"{gripper.name} closed at {gripper.closed:g}, open at {gripper.open:g}"


_UNITS = ("rad",) * len(JOINT_NAMES) + ("m",)
RM75 = ActionSpace(
    names=(*JOINT_NAMES, "gripper"),
    units=_UNITS,
    reference=ABSOLUTE,
    gripper=GripperAxis("gripper", closed=0.0, open=GRIPPER_STROKE),
    state_names=(*JOINT_NAMES, "gripper"),
    state_units=_UNITS,
)
"""The RM75 with its gripper: what files mean that do not say it."""
