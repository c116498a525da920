"""The verbs of `kinevla teleop`."""

from __future__ import annotations

from typing import Annotated

import typer

from kinevla_ros.base.arm import ARM_PORT
from kinevla_ros.cli.options import ArmDiscovery, Namespace, named, plain_errors

app = typer.Typer(
    help="Move the arm by hand, through the same gate. Ctrl-C brings it to rest.",
    no_args_is_help=True,
)


@app.command()
def leader(
    ip: Annotated[str, typer.Argument(help="Address of the leader arm's controller.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port of it.")] = ARM_PORT,
    udp_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this computer for its state.")
    ] = 8091,
    discovery: ArmDiscovery = None,
    namespace: Namespace = "",
) -> None:
    """Let a second RM75 lead the arm: it goes where the leader is. Space takes hold.

    The leader is only read; put it into its drag mode and hold it like the arm first.
    """
    from kinevla_ros.stack.teleop.drive import teleoperate
    from kinevla_ros.stack.teleop.leader import LeaderAddress

    where = LeaderAddress(ip, port, udp_port)
    raise typer.Exit(teleoperate(where.open, namespace, named(discovery)))


@app.command()
def gamepad(
    device: Annotated[
        str | None,
        typer.Argument(help="Such as /dev/input/event5; default: the first gamepad."),
    ] = None,
    discovery: ArmDiscovery = None,
    namespace: Namespace = "",
) -> None:
    """Move the tool with a gamepad, while its right shoulder button is held."""
    from kinevla_ros.stack.teleop.drive import teleoperate
    from kinevla_ros.stack.teleop.gamepad import open_gamepad

    raise typer.Exit(teleoperate(lambda _: open_gamepad(device), namespace, named(discovery)))


@app.command()
def keyboard(discovery: ArmDiscovery = None, namespace: Namespace = "") -> None:
    """Move the tool with the keys of this terminal; for a simulated arm only.

    A terminal does not tell when a key is let go, and a real arm needs to know.
    """
    from kinevla_ros.stack.teleop.drive import teleoperate
    from kinevla_ros.stack.teleop.keyboard import open_keyboard

    raise typer.Exit(teleoperate(open_keyboard, namespace, named(discovery)))


@app.command()
def hand(discovery: ArmDiscovery = None, namespace: Namespace = "") -> None:
    """Guide the arm itself by hand: it is disabled, and its joints give way until Ctrl-C.

    Nothing is sent to it meanwhile, so nothing is checked: the hand is responsible.
    """
    from kinevla_ros.stack.teleop.hand import guide

    raise typer.Exit(guide(namespace, named(discovery)))


@app.command()
def player(
    instruction: Annotated[str, typer.Argument(help="What to do and how.")],
    discovery: ArmDiscovery = None,
    namespace: Namespace = "",
) -> None:
    """Let the demonstrator of the simulated cell play the person, until the task is done."""
    with plain_errors():
        from kinevla_ros.sim.cell.tasks import command_of
        from kinevla_ros.stack.teleop.player import Player

        command = command_of(instruction)
    from kinevla_ros.stack.teleop.drive import teleoperate

    raise typer.Exit(
        teleoperate(lambda link: Player(link.node, command), namespace, named(discovery))
    )
