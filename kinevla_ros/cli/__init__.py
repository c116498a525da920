"""The `kinevla` command: one function for each verb, which imports what it needs when called."""

from __future__ import annotations

import signal

import typer

from kinevla_ros.cli import (
    bench,
    checkpoints,
    data,
    evaluate,
    record,
    run,
    simulate,
    skill,
    tasks,
    teleop,
    train,
)  # fmt: skip
from kinevla_ros.cli.extras import naming_extra

app = typer.Typer(
    help="Say what to do and how, and the arm does it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for verbs in (run, record, evaluate, simulate, data, checkpoints):
    app.add_typer(verbs.app)
app.add_typer(tasks.app, name="tasks")
app.add_typer(skill.app, name="skill")
app.add_typer(teleop.app, name="teleop")
app.add_typer(train.app, name="train")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line; ends the process."""
    # What a batch queue sends stops a command as Ctrl-C does: what is done is kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with naming_extra():
        app()
