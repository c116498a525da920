"""The figures of `bench shapes` as tables, beside those of the paper."""

from __future__ import annotations

from typing import Any

from rich.table import Table

PAPER = {"KMP": (64.95, 0.4127), "TP-GMM": (84.89, 0.0911), "SemKMP (LFE-KMP)": (92.76, 0.0663)}
"""Table II of VL-MP: similarity in % and smoothness."""

NOT_REPRODUCED = "KMP"


def tables(figures: dict[str, Any]) -> list[Table]:
    """One for each displacement, the paper's, one of times."""
    kept = [_kept(figures, band, rows) for band, rows in figures["displacements"].items()]
    return [*kept, _paper(), _times(figures)]


def _kept(figures: dict[str, Any], band: str, rows: dict[str, Any]) -> Table:
    grid = Table(
        title=f"Shapes kept, end moved by {band} sixteenths of the shape",
        caption=f"{figures['data']}; {figures['demonstrations']} demonstrations, "
        f"{figures['trials']} trials, 95 % intervals by bootstrap",
    )
    grid.add_column("")
    for heading in ("c_s %", "smoothness", "longest step", "missed"):
        grid.add_column(heading, justify="right")
    for name, row in rows.items():
        missed = max(row["missed"][end]["mean"] for end in ("start", "end"))
        digits = {"similarity": 1, "smoothness": 3, "longest_step": 2}
        cells = [_ranged(row[figure], places) for figure, places in digits.items()]
        grid.add_row(name, *cells, f"{missed:.2f}")
    return grid


def _paper() -> Table:
    grid = Table(
        title="VL-MP, Table II",
        caption=f"Its displacement is not given. {NOT_REPRODUCED}'s row (*) is reproduced by no "
        "kernel that we tried.",
    )
    grid.add_column("")
    for heading in ("c_s %", "smoothness"):
        grid.add_column(heading, justify="right")
    for name, (similarity, smoothness) in PAPER.items():
        mark = " *" if name == NOT_REPRODUCED else ""
        grid.add_row(name + mark, f"{similarity:.2f}", f"{smoothness:.4f}")
    return grid


def _times(figures: dict[str, Any]) -> Table:
    where = figures["machine"]
    grid = Table(
        title="Time to generalise what is learnt, in ms",
        caption=f"{where['cores']} cores of {where['processor']}",
    )
    grid.add_column("")
    for heading in ("n", "p50", "p95", "p99", "max"):
        grid.add_column(heading, justify="right")
    for name, found in figures["times"].items():
        cells = (f"{found[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        grid.add_row(name, str(found["n"]), *cells)
    return grid


def _ranged(found: dict[str, Any], digits: int) -> str:
    """A mean, and how far its interval reaches to the farther side."""
    mean, interval = found["mean"], found["interval"]
    if interval is None:
        return f"{mean:.{digits}f}"
    reach = max(mean - interval[0], interval[1] - mean)
    return f"{mean:.{digits}f} ± {reach:.{digits}f}"
