"""The package stays easy to find one's way in."""

from __future__ import annotations

import ast
import re
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


SQUARE = re.compile(r"(?<![\w`\])])\[(?![^]]*\b(?:low|-?[01]), )[A-Z][^][()]*, [^][()]*\](?!\()")
"""A shape in square brackets, such as [B, N]; an interval is none."""


def test_shapes_are_written_in_round_brackets() -> None:
    docstrings = (
        (path.name, node.value.value)
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    found = {name: match[0] for name, text in docstrings if (match := SQUARE.search(text))}
    assert found == {}


def test_every_folder_of_tests_is_a_room() -> None:
    tests = Path(__file__).parents[1]
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert sorted(f for f in folders if f != Path("package") and not (PACKAGE / f).is_dir()) == []


def test_a_class_name_stands_for_one_thing() -> None:
    names = Counter(
        node.name
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []
