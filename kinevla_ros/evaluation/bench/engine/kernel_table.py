"""Where the time of a warm chunk goes: from stage to stage, and kernel by kernel."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from kinevla_ros.base.files.atomic import write_text
from kinevla_ros.generator.engine.engine import FastDecoder

PROFILED = 3
"""Chunks."""
ROWS, NAME = 60, 120
"""Kernels of the table, and characters of a name."""


def write_kernel_table(
    engine: FastDecoder, run: Callable[[], object], device: torch.device, file: Path
) -> None:
    """Write the table as text.

    Args:
        run: queues a warm chunk and reads it back.
    """
    cuda = device.type == "cuda"
    lines = stage_lines(engine, run) if cuda else []
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as seen:
        for _ in range(PROFILED):
            run()
    spent: dict[str, list[float]] = {}
    for each in seen.events() or ():
        time = each.self_device_time_total if cuda else each.self_cpu_time_total
        spent.setdefault(each.name, []).append(time)
    total, count = sum(map(sum, spent.values())), sum(map(len, spent.values()))
    said = f"{total / PROFILED / 1e3:.2f} ms in {count / PROFILED:.0f}"
    lines += ["", f"{said} kernels or operations a chunk", ""]
    lines += [f"{'ms a chunk':>12}{'times':>9}{'µs each':>10}{'least':>9}{'most':>9}  what"]
    for name in sorted(spent, key=lambda each: -sum(spent[each]))[:ROWS]:
        times, whole = spent[name], sum(spent[name])
        figures = f"{whole / PROFILED / 1e3:12.3f}{len(times) / PROFILED:9.1f}"
        figures += f"{whole / len(times):10.2f}{min(times):9.2f}{max(times):9.2f}"
        lines.append(f"{figures}  {name[:NAME]}")
    write_text(file, "\n".join(lines).lstrip() + "\n")


def stage_lines(engine: FastDecoder, run: Callable[[], object]) -> list[str]:
    """What the GPU's own clock says of the stages of chunks that nothing waits for in between."""
    lines = []
    for _ in range(PROFILED):
        began = torch.cuda.Event(enable_timing=True)
        marks: list[tuple[str, torch.cuda.Event]] = [("", began)]

        def mark(stage: str, marks: list[tuple[str, torch.cuda.Event]] = marks) -> None:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            marks.append((stage, event))

        engine.on_stage = mark
        began.record()
        run()
        torch.cuda.synchronize()
        spent = (
            f"{stage} {before.elapsed_time(event):.2f}"
            for (_, before), (stage, event) in itertools.pairwise(marks)
        )
        lines.append(f"stages in ms: {', '.join(spent)}")
    engine.on_stage = lambda stage: None
    return lines
