"""Definitions of message types, as MCAP files carry them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kinevla_ros.base.resources import resource_path

SEPARATOR = "=" * 80


def message_class(name: str) -> Any | None:
    """The class of a type such as `sensor_msgs/msg/Image`; None where its package is not there."""
    package, _, kind = name.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), kind)
    except (ModuleNotFoundError, AttributeError):
        return None


def definition_of(name: str) -> str:
    """Definition of a type such as `sensor_msgs/msg/Image`, with those that it uses.

    Raises:
        FileNotFoundError: one of them is not installed.
    """
    package, _, kind = name.split("/")
    parts, waiting, seen = list[str](), [(package, kind)], {(package, kind)}
    for own_package, own_kind in waiting:
        text = _file(own_package, own_kind).read_text(encoding="utf-8")
        head = f"{SEPARATOR}\nMSG: {own_package}/{own_kind}\n" if parts else ""
        parts.append(head + text)
        for used in _used(own_package, text):
            if used not in seen:
                seen.add(used)
                waiting.append(used)
    return "\n".join(parts)


def _used(package: str, text: str) -> Iterator[tuple[str, str]]:
    """Types other than the built-in ones that a definition's fields have."""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        used = words[0].split("[")[0].split("<")[0]
        if "/" in used:
            parts = used.split("/")
            yield parts[0], parts[-1]
        elif used[0].isupper():
            yield package, used


def _file(package: str, kind: str) -> Path:
    """Where a definition is installed: the share folder belongs to the Python package's prefix."""
    if package == "kinevla_ros":
        return resource_path("msg", f"{kind}.msg")
    place = importlib.import_module(package).__file__
    name = Path("share", package, "msg", f"{kind}.msg")
    for folder in Path(place or "").parents:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"the definition of {package}/{kind} is missing: install {package} again"
    )
