"""Which extra of the package brings a library that is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

EXTRAS: Mapping[str, str] = {
    "accelerate": "train",
    "aiohttp": "console",
    "av": "sim",
    "coal": "ros",
    "evdev": "teleop",
    "matplotlib": "evaluate",
    "mcap": "record",
    "mcap_ros2": "record",
    "msgpack": "serve",
    "mujoco": "sim",
    "onnx": "train",
    "onnxscript": "train",
    "peft": "train",
    "pinocchio": "ros",
    "pyarrow": "sim",
    "rclpy": "ros",
    "rosidl_parser": "ros",
    "sacrebleu": "evaluate",
    "scipy": "sim",
    "sklearn": "skills",
    "tensorboard": "train",
    "websockets": "serve",
}
"""By the name under which a library is imported."""


@contextmanager
def naming_extra() -> Iterator[None]:
    """A library that comes with an extra and is missing is reported in a line; exit code 1."""
    try:
        yield
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        extra = "ros" if name.endswith(("_msgs", "_interfaces")) else EXTRAS.get(name)
        if extra is None:
            raise
        typer.secho(
            f"{name} is not installed: pip install 'kinevla_ros[{extra}]'. The extras and what "
            "each is for are in docs/library.md",
            fg="red",
            err=True,
        )
        raise SystemExit(1) from missing
