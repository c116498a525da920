"""Which nodes a parameter file speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import yaml

from kinevla_ros.nodes.ros.logs.text import bounded


def files_without(node: str, arguments: Sequence[str]) -> Iterator[str]:
    """Yield a warning for each parameter file on a command line that has nothing for a node.

    A file may leave a node out, and may hold other nodes, so a misspelt name is no error.

    Args:
        node: fully qualified name.
        arguments: of the process; rcl has read them without complaint.
    """
    for option, file in pairwise(arguments):
        if option != "--params-file":
            continue
        sections = list(_sections(yaml.safe_load(Path(file).read_text()) or {}))
        if not any(_matches(section, node) for section in sections):
            names = bounded(", ".join(sections) or "no node")
            yield f"{file} has nothing for {node}, whose defaults hold; it speaks of {names}"


def _sections(tree: object, prefix: str = "") -> Iterator[str]:
    """Names of nodes; namespaces may be nested."""
    if not isinstance(tree, dict):
        return
    if "ros__parameters" in tree:
        yield prefix
    for name, below in tree.items():
        if name != "ros__parameters":
            yield from _sections(below, f"{prefix}/{str(name).strip('/')}")


def _matches(section: str, node: str) -> bool:
    """Whether a section, perhaps with wildcards as rcl knows them, is for a node."""
    parts = (re.escape(part) for part in section.strip("/").split("/"))
    wild = {r"\*": "[^/]+", r"\*\*": ".*"}
    pattern = "/".join(wild.get(part, part) for part in parts)
    # Two asterisks stand for no namespace as well.
    pattern = pattern.replace(".*/", "(?:.*/)?")
    return re.fullmatch(pattern, node.strip("/")) is not None
