"""The package stays easy to find one's way in."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import kinevla_ros

PACKAGE = Path(kinevla_ros.__file__).parent
GENERATED = ("action", "msg", "srv")
OURS = [p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] not in GENERATED]

MOST_ENTRIES = 14
"""Modules and sub-rooms of a room."""


def test_no_room_has_more_entries_than_one_can_take_in() -> None:
    entries = {p.parent if p.name == "__init__.py" else p for p in OURS} - {PACKAGE}
    counts = Counter(entry.parent for entry in entries if entry.parent != PACKAGE)
    assert {str(folder): n for folder, n in counts.items() if n > MOST_ENTRIES} == {}


def test_a_class_name_stands_for_one_thing() -> None:
    names = Counter(
        node.name
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []
