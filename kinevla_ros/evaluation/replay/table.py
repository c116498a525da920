"""What a replay found, for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table

from kinevla_ros.evaluation.replay.rehearsal import Rehearsal
from kinevla_ros.evaluation.replay.tracking_report import TrackingReport

COLUMNS = ("", "rms", "largest", "rms without lag", "largest without lag")


def rehearsal_lines(found: Rehearsal) -> list[str]:
    """What the gate says of each chunk that it would refuse."""
    refused = sum(found.refused.values())
    lines = [f"{found.chunks - refused} of {found.chunks} chunks pass the gate"]
    lines += refusal_lines(found.refused)
    return [*lines, f"and the arm would stop: {found.fault}"] if found.fault else lines


def refusal_lines(refused: Mapping[str, int]) -> list[str]:
    """A line for each reason, the most frequent first."""
    return [f"refused {n} x: {why}" for why, n in sorted(refused.items(), key=lambda e: -e[1])]


def report_table(report: TrackingReport, chunks: int, refused: Mapping[str, int]) -> RenderableType:
    """Tracking errors by joint, lag, and what was refused."""
    table = Table(*COLUMNS)
    for row in report.lines():
        table.add_row(*row)
    followed = f"{chunks - sum(refused.values())} of {chunks} chunks followed"
    lag = f"the arm trails by {report.lag:.2f} s"
    return Group(table, f"{followed}; {lag}", *refusal_lines(refused))
