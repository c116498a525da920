"""Names and units of the numbers of an action or a state, and how much of each counts alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from kinevla_ros.base.files.fields import one_of

MOST_DIMENSIONS = 100


class Unit(NamedTuple):
    """Half range of a measured value, and how much of it counts as much as a radian."""

    half_range: float
    radian: float


UNITS: Mapping[str, Unit] = {
    "rad": Unit(math.pi, 1.0),
    "deg": Unit(180.0, math.degrees(1.0)),
    "m": Unit(1.0, 0.25),
    "mm": Unit(1000.0, 250.0),
    "1": Unit(1.0, 1.0),
}
"""Units of an axis; `1` is a number without one, such as a controller's input."""


def read_axes(what: str, given: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of a mapping from name to unit. Raises ValueError where it is none."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{what} should be names with their units, such as joint1: rad")
    return tuple(given), tuple(str(unit) for unit in given.values())


def check_axes(what: str, names: tuple[str, ...], units: tuple[str, ...], least: int) -> None:
    """Raise ValueError unless there are at least so many different names, each with a unit."""
    check_names(what, names, MOST_DIMENSIONS)
    if len(names) < least or len(units) != len(names):
        raise ValueError(f"{what} has {len(names)} names and {len(units)} units")
    for name, unit in zip(names, units, strict=True):
        one_of(f"unit of {name}", unit, tuple(UNITS))


def check_names(what: str, names: tuple[str, ...], most: int) -> None:
    """Raise ValueError unless these are at most so many different short texts."""
    fit = all(isinstance(name, str) and 0 < len(name) <= 64 for name in names)
    if not fit or len(names) > most or len(set(names)) < len(names):
        raise ValueError(f"{what} should be at most {most} different names, not {names!r:.200}")
