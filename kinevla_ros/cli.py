"""The `kinevla` command: one function for each verb, which imports what it needs when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Say what, and how, and the arm does it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

DEMO_INSTRUCTION = "hold the carrot by the upper part and place it on the right side of the plate"


def main() -> None:
    """Run the command line; ends the process."""
    app()


@app.command()
def up(
    sim: Annotated[bool, typer.Option(help="Simulated cell instead of the arm at arm_ip.")] = True,
    arm_ip: Annotated[
        str | None,
        typer.Option(help="Address of the arm's controller; default: parameter file."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Checkpoint folder; default: parameter file.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Parameter file; default: config/realman.yaml.")
    ] = None,
) -> None:
    """Start the nodes and keep them until Ctrl-C."""
    from kinevla_ros.nodes.launcher import up as start

    raise typer.Exit(start(sim=sim, arm_ip=arm_ip, model=model, config=config))


@app.command()
def say(
    instruction: Annotated[str, typer.Argument(help='What to do and how; "stop" ends it.')],
    timeout: Annotated[float, typer.Option(help="Longest wait for the policy (s).")] = 10.0,
) -> None:
    """Publish an instruction on /instruction."""
    from kinevla_ros.nodes.say import say as publish

    raise typer.Exit(publish(instruction, timeout))


@app.command()
def demo(
    instruction: Annotated[str, typer.Option(help="What to do and how.")] = DEMO_INSTRUCTION,
    video: Annotated[Path, typer.Option(help="Where the video goes.")] = Path("demo.mp4"),
    timeout: Annotated[float, typer.Option(help="Longest time for the task (s).")] = 40.0,
    seed: Annotated[int, typer.Option(help="Random scene.")] = 0,
) -> None:
    """Let the simulated arm carry out an instruction and judge what it did."""
    from kinevla_ros.nodes.demo import demo as run

    raise typer.Exit(run(instruction, video, timeout, seed))


if __name__ == "__main__":
    main()
