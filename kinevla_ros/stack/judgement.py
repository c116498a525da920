"""What became of a demonstration, printed for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.robot.gate.chunk_checks import MAX_AGE

IN_WORDS = {
    "goal": "the goal is reached",
    "part": "grasped by the part that was said",
    "lay": "laid as it was said",
    "side": "released on the side that was said",
    "direction": "carried in the direction that was said",
    "order": "in the order that was said: grasped, then moved",
}
"""What the judge looks at, for people."""


def print_judgement(
    console: Console,
    judgement: dict[str, Any],
    model_time: Latency,
    latency: Latency,
    video: Path,
) -> None:
    """Print what the judge in the simulator saw, how fast it went, and whether it was a success.

    Args:
        judgement: as the cell gives it, with the `seconds` that it took.
        model_time, latency: of the inferences, and from picture to chunk.
        video: where it was filmed to.
    """
    table = Table(title="what the judge saw", title_justify="left", show_header=False)
    table.add_row(IN_WORDS["goal"], _mark(judgement["goal"]))
    for constraint, kept in judgement["constraints"].items():
        table.add_row(IN_WORDS.get(constraint, constraint), _mark(kept))
    console.print(table)
    stream = judgement["stream"]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in stream["shares"].items())
    console.print(
        f"stream: {stream['rate']:.1f} Hz, {stream['points']} targets, of limits: {shares}"
    )
    console.print(f"model time: {model_time.summary()}")
    console.print(f"picture to chunk: {latency.summary()}")
    console.print(f"video: {video}")
    if judgement.get("kinematic"):
        console.print(f"[bold green]SUCCESS[/] after {judgement['seconds']:.1f} s")
    else:
        console.print("[bold red]FAILURE[/]: the arm did not do what was said")
        if latency.tail() > MAX_AGE:
            console.print(
                f"This computer is too busy or too slow: chunks came up to {latency.tail():.1f} s "
                f"after their pictures, and none is followed after {MAX_AGE} s. End other work "
                "and try again."
            )


def _mark(kept: bool) -> str:
    return "[green]yes[/]" if kept else "[red]no[/]"
