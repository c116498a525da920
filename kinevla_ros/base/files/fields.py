"""Checks of the values in a configuration; each raises ValueError that names the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def integer(name: str, value: object, low: int, high: int) -> int:
    """An int in [low, high]; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {_shown(value)} and should be a whole number, {low} to {high}")
    return value


def number(name: str, value: object, low: float, high: float) -> float:
    """A finite number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} is {_shown(value)} and should be a number, {low} to {high}")
    return float(value)


def numbers(name: str, value: object, count: int, low: float, high: float) -> list[float]:
    """A list or tuple of so many finite numbers in [low, high]."""
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError(f"{name} is {_shown(value)} and should be {count} numbers")
    return [number(name, entry, low, high) for entry in value]


def integers(name: str, value: object, longest: int, low: int, high: int) -> list[int]:
    """A list or tuple of one to `longest` ints in [low, high]."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= longest:
        raise ValueError(f"{name} is {_shown(value)} and should be 1 to {longest} whole numbers")
    return [integer(name, entry, low, high) for entry in value]


def one_of(name: str, value: object, known: Collection[Any]) -> Any:
    """One of the known values."""
    if not any(value == one and type(value) is type(one) for one in known):
        shown = " or ".join(map(repr, known))
        raise ValueError(f"{name} is {_shown(value)} and should be {shown}")
    return value


def only_keys(name: str, value: object, known: Collection[str]) -> Mapping[str, Any]:
    """A mapping without a key that is not known."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {_shown(value)} and should be an object")
    unknown = [key for key in value if key not in known]
    if unknown:
        raise ValueError(f"{name} has {_shown(unknown[0])}, which is not known; leave it out")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
