"""Verbs that run the robot: nodes, instruction, demonstration, emulated controller."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

from kinevla_ros.base.arm import ARM_PORT
from kinevla_ros.base.resources import resource_path
from kinevla_ros.cli.options import (
    ArmDiscovery,
    Discovery,
    Model,
    Namespace,
    NodeDiscovery,
    ParameterFile,
    Port,
    named,
    plain_errors,
)

app = typer.Typer()

EPISODES = 9
"""From which a camera's reference is made."""


class Half(str, Enum):
    """What one of two machines runs."""

    policy = "policy"
    robot = "robot"


@app.command()
def up(
    sim: Annotated[bool, typer.Option(help="Simulated cell instead of the arm at arm_ip.")] = True,
    arm_ip: Annotated[
        str | None,
        typer.Option(help="Address of a real arm, with --no-sim; default: parameter file."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Checkpoint folder; default: parameter file.")
    ] = None,
    skills: Annotated[
        Path | None,
        typer.Option(help="Folder of skills that move the arm; the model finds the objects."),
    ] = None,
    keypoints: Annotated[
        Path | None,
        typer.Option(help="File that finds the objects for the skills, in the model's place."),
    ] = None,
    policy_url: Annotated[
        str | None, typer.Option(help="Somebody else's policy instead (docs/library.md).")
    ] = None,
    config: ParameterFile = None,
    only: Annotated[
        Half | None, typer.Option(help="Half of the nodes, for two machines (docs/remote.md).")
    ] = None,
    discovery: Annotated[
        Discovery | None,
        typer.Option(
            help="Who finds the nodes: this computer alone, or its subnet; default: "
            "ROS_AUTOMATIC_DISCOVERY_RANGE, else local."
        ),
    ] = None,
    console: Annotated[
        bool, typer.Option("--console", help="With the page to run the arm from.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(help="With a recorder: folder for its episodes (docs/how-to/record.md)."),
    ] = None,
    shadow: Annotated[
        bool,
        typer.Option("--shadow", help="The arm follows no chunk: the policy is only watched."),
    ] = False,
    namespace: Namespace = "",
    front_serial: Annotated[
        str, typer.Option(help="Read the front RealSense of this serial number, with --no-sim.")
    ] = "",
    wrist_serial: Annotated[str, typer.Option(help="Likewise the wrist's.")] = "",
) -> None:
    """Start the nodes and keep them until Ctrl-C.

    Without serial numbers the cameras' drivers are started elsewhere.
    """
    from kinevla_ros.stack.up import StackSetup
    from kinevla_ros.stack.up import up as start

    given = {"front": front_serial, "wrist": wrist_serial}
    serials = {name: serial for name, serial in given.items() if serial}
    setup = StackSetup(
        sim,
        arm_ip,
        model,
        skills,
        policy_url,
        console,
        namespace,
        serials,
        record,
        shadow,
        keypoints,
    )
    raise typer.Exit(start(setup, config, named(only), named(discovery)))


@app.command()
def say(
    instruction: Annotated[str, typer.Argument(help='What to do and how; "stop" ends it.')],
    timeout: Annotated[float, typer.Option(help="How long to wait for the policy (s).")] = 10.0,
    namespace: Namespace = "",
) -> None:
    """Say an instruction to the policy; shows what it understands and what keeps the arm."""
    from kinevla_ros.stack.say import say as publish

    raise typer.Exit(publish(instruction, timeout, namespace))


@app.command()
def replay(
    recording: Annotated[
        Path, typer.Argument(help="Folder of a LeRobotDataset at 10 Hz, of a bag, or of bags.")
    ],
    episode: Annotated[int, typer.Option(min=0, help="Number of the episode.")] = 0,
    speed: Annotated[float, typer.Option(min=5, max=100, help="Of the recorded one (%).")] = 100.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the gate of every chunk; nothing is sent.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="With --dry-run: the real arm's parameter file; default: the cell's."),
    ] = None,
    discovery: ArmDiscovery = None,
    namespace: Namespace = "",
) -> None:
    """Send a recorded episode to the arm again, through the same gate, and report how it followed.

    First all of it is rehearsed with the arm's own limits, from where the arm is; then it goes
    slowly to the start. Without an arm node a simulated cell is started for it.
    """
    from kinevla_ros.evaluation.replay.recorded_motion import read_motion

    with plain_errors():
        if config and not dry_run:
            raise ValueError("--config is for --dry-run; an arm node says itself what it goes by")
        motion = read_motion(recording, episode).slower(speed / 100)
        if dry_run:
            from kinevla_ros.evaluation.replay.dry_run import dry_run as ask_gate

            raise typer.Exit(ask_gate(motion, config))
    from kinevla_ros.stack.replay import replay as send

    raise typer.Exit(send(motion, namespace, named(discovery)))


@app.command()
def demo(
    instruction: Annotated[
        str | None, typer.Argument(help="What to do and how; default: the tasks' own example.")
    ] = None,
    model: Model = None,
    video: Annotated[Path, typer.Option(help="File of the video.")] = Path("demo.mp4"),
    timeout: Annotated[float, typer.Option(help="Time limit of the task (s).")] = 40.0,
    seed: Annotated[int, typer.Option(help="Random scene.")] = 0,
    console: Annotated[
        bool,
        typer.Option("--console", help="With the page to run the arm from; stays until Ctrl-C."),
    ] = False,
) -> None:
    """Let the simulated arm carry out an instruction and judge what it did."""
    from kinevla_ros.sim.cell.tasks import CELL_TASKS
    from kinevla_ros.stack.demo import demo as run

    with plain_errors():
        raise typer.Exit(
            run(instruction or CELL_TASKS.example, video, timeout, seed, console, model)
        )


@app.command()
def console(
    host: Annotated[
        str | None,
        typer.Option(help="Address to serve it on; default: parameter file, else this computer's."),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, help="TCP port; 0 takes a free one.")] = None,
    config: ParameterFile = None,
    discovery: NodeDiscovery = None,
    namespace: Namespace = "",
) -> None:
    """Serve the page to run the arm from, for nodes that run already, until Ctrl-C."""
    from kinevla_ros.stack.console import console as serve_page

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    raise typer.Exit(serve_page(given, config, named(discovery), namespace))


@app.command("camera-reference")
def camera_reference(
    out: Annotated[Path, typer.Argument(help="Picture file to write, such as front.png.")],
    dataset: Annotated[
        Path | None,
        typer.Option(help="Dataset that shows the view; default: the live camera."),
    ] = None,
    image_transport: Annotated[
        Literal["raw", "compressed"], typer.Option(help="Transport of the live pictures.")
    ] = "raw",
    timeout: Annotated[float, typer.Option(help="How long to wait for pictures (s).")] = 10.0,
) -> None:
    """Write the front camera's reference view, for the policy node's camera_reference.

    Take it when the camera is set up, or from the data that a model is trained on. From a dataset
    it is the median of the starts of several episodes, without what lay elsewhere in each.
    """
    if not dataset:
        from kinevla_ros.stack.camera_reference import write_live

        if code := write_live(out, image_transport, timeout):
            raise typer.Exit(code)
    else:
        from kinevla_ros.data.lerobot.reader import DatasetReader
        from kinevla_ros.generator.pictures.camera_shift import median, write_reference

        with plain_errors():
            pictures = DatasetReader(dataset).first_pictures("front", EPISODES)
            write_reference(out, median(pictures))
    typer.echo(f"{out}: set it as camera_reference of the policy node")


@app.command()
def emulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.2",
    port: Port = ARM_PORT,
    control_port: Annotated[
        int, typer.Option(min=0, help="Port of 127.0.0.1 for faults and records; 0: a free one.")
    ] = 0,
) -> None:
    """Emulate an RM75's controller, without cell and cameras, until Ctrl-C."""
    from kinevla_ros.sim.controller.emulate import emulate as run

    raise typer.Exit(run(host, port, control_port))


@app.command()
def serve(
    model: Model = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anybody who reaches it is served.")
    ] = "127.0.0.1",
    port: Port = 8000,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where the model runs.")
    ] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Of arithmetic on the CPU.")] = 1,
) -> None:
    """Offer the policy to any OpenPI client, until Ctrl-C (docs/library.md)."""
    with plain_errors():
        from kinevla_ros.base.action_space import RM75
        from kinevla_ros.generator.policy import Policy
        from kinevla_ros.robot.executable import require_executable
        from kinevla_ros.serving.server import PolicyServer

        policy = Policy(model or resource_path("models", "kinevla-tiny"), threads, device)
        require_executable(policy.space, f"the checkpoint {policy.folder}", RM75.cameras)
        policy.warm_up()
        server = PolicyServer(policy, host, port)
    typer.echo(f"serving {policy.folder} on {server.url}")
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    server.close()
