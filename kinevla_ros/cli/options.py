"""What several verbs share: options, and how an error is reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

Model = Annotated[Path | None, typer.Option(help="Checkpoint folder; default: the shipped one.")]
Datasets = Annotated[
    list[Path], typer.Option(help="Folder of a dataset; several are sampled equally often.")
]

Namespace = Annotated[str, typer.Option(help="Of the nodes of one of several arms, such as left.")]


class Discovery(str, Enum):
    """Where nodes find each other."""

    local = "local"
    subnet = "subnet"


ArmDiscovery = Annotated[
    Discovery | None, typer.Option(help="Where the arm node is; as for `kinevla up`.")
]
NodeDiscovery = Annotated[
    Discovery | None, typer.Option(help="Who finds the node; as for `kinevla up`.")
]


def named(choice: Enum | None) -> str:
    """The word that was chosen, or empty where none was."""
    return choice.value if choice else ""


ParameterFile = Annotated[
    Path | None, typer.Option(help="Parameter file; default: config/realman.yaml.")
]
Port = Annotated[int, typer.Option(min=0, help="TCP port; 0 takes a free one.")]

Cameras = Annotated[
    list[str] | None,
    typer.Option(
        "--camera",
        help="A camera as the policy calls it and as the datasets do, such as "
        "front=observation.images.top; once for each. Default: all cameras of the datasets.",
    ),
]


def camera_map(given: list[str] | None) -> dict[str, str]:
    """Name that training uses to that in the datasets. Raises ValueError where that is not said."""
    from kinevla_ros.data.lerobot.schema import camera_key

    found: dict[str, str] = {}
    for entry in given or ():
        name, _, own = entry.partition("=")
        if not name or not own or name in found:
            raise ValueError(f"--camera {entry}: give each camera once, as front=top")
        found[name] = own.removeprefix(camera_key(""))
    return found


def _writable(path: Path | None) -> Path | None:
    """Find out before a measurement, not after it."""
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            there = path.exists()
            path.open("a").close()
            if not there:
                path.unlink()  # an empty file is no JSON, and the measurement may fail
    except OSError as problem:
        raise typer.BadParameter(str(problem)) from problem
    return path


Report = Annotated[
    Path | None, typer.Option("--json", help="File for the figures.", callback=_writable)
]
Profile = Annotated[
    Path | None,
    typer.Option(help="File for where the time goes, kernel by kernel.", callback=_writable),
]
Rate = Annotated[float, typer.Option(min=20, max=200, help="Targets sent a second (Hz).")]

EightBit = Annotated[
    Literal["int8", "fp8"] | None,
    typer.Option(help="Round the language model's weights to 8 bits; fp8 needs a GPU that has it."),
]
DepthHead = Annotated[
    bool,
    typer.Option(
        "--depth-head", help="Choose later codes with the head that `train depth-head` made."
    ),
]


@contextmanager
def plain_errors() -> Iterator[None]:
    """What a user can put right is reported in a line, not in a traceback; exit code 1."""
    from kinevla_ros.base.files.damage import for_user
    from kinevla_ros.data.lerobot.schema import DatasetError

    try:
        yield
    except (DatasetError, ValueError, OSError) as problem:
        typer.secho(for_user(problem), fg="red", err=True)
        raise typer.Exit(1) from problem
