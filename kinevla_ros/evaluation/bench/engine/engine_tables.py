"""The figures of the full-size model's bench as tables."""

from __future__ import annotations

from typing import Any

from rich.table import Table

KINDS = {
    "warm": "warm",
    "cold_drafted": "cold, its words drafted",
    "cold": "cold, written word by word",
}


def tables(figures: dict[str, Any]) -> list[Table]:
    """One table of whole chunks, one of the stages."""
    where = f"{figures['device']}, {figures['dtype']}, {figures['memory_gb']} GB"
    where += f", weights: {figures['weights']}"
    where += ", depth head" if figures["depth_head"] else ""
    where += f"\nblocks by {figures['path']}"
    whole = Table(title=f"Time of a chunk in ms: {figures['model']}", caption=where)
    for heading in ("kind", "n", "p50", "p95", "p99", "max"):
        whole.add_column(heading, justify="left" if heading == "kind" else "right")
    rows = {name: figures[key] for key, name in KINDS.items()} | figures.get("generate", {})
    for name, found in rows.items():
        if found["n"]:
            cells = (f"{found[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
            whole.add_row(name, str(found["n"]), *cells)
        else:
            whole.add_row(f"{name}: not measured, {found['not_measured']}")
    whole.add_row("floor of warm", "", f"{figures['floor_ms']['total']:.2f}")
    if faster := figures.get("faster"):
        whole.add_row(f"warm, faster than {faster['than']}", "", f"{faster['times']}×")
    parts = Table(
        title="Stages of a warm chunk",
        caption=f"{figures['bandwidth_gb_s']} GB/s, {figures['matmul_tflops']} TFLOP/s measured",
    )
    for heading in ("stage", "p50 ms", "floor ms", "GFLOP", "GB"):
        parts.add_column(heading, justify="left" if heading == "stage" else "right")
    for name, found in figures["stages"].items():
        if found["n"]:
            extra = [figures[k].get(name) for k in ("floor_ms", "operations_gflop", "bytes_gb")]
            cells = ("" if value is None else f"{value}" for value in extra)
            parts.add_row(name, f"{found['p50_ms']:.2f}", *cells)
    return [whole, parts]
