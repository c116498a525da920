"""How every measurement gives its figures away: a table to read, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.evaluation.bench.machine import machine, versions


def publish(
    figures: Mapping[str, Any],
    table: Callable[[dict[str, Any]], RenderableType],
    report: Path | None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Print figures and write them, with the machine and the versions that they belong to.

    Args:
        figures: plain JSON types.
        table: makes of them, and of `machine` and `versions`, what is printed.
        report: file for the JSON; None for none.
        console: where to print; a new one without it.

    Returns:
        The figures with machine and versions.
    """
    complete = with_machine(figures)
    (console or Console()).print(table(complete), highlight=False)
    if report:
        write_figures(complete, report)
    return complete


def with_machine(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the machine and the versions that they belong to."""
    return {**figures, "machine": machine(), "versions": versions()}


def write_figures(complete: Mapping[str, Any], report: Path) -> None:
    """Write what `with_machine` gave; numbers that JSON does not have become null."""
    write_json(report, json.loads(json.dumps(complete), parse_constant=lambda _: None))
