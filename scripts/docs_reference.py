"""Pages of the documentation that the code itself writes: messages, parameters, commands."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

from kinevla_ros.cli import app
from kinevla_ros.nodes.arm import parameters as arm_parameters
from kinevla_ros.nodes.cameras import node as cameras
from kinevla_ros.nodes.cell import node as cell
from kinevla_ros.nodes.console import parameters as console_parameters
from kinevla_ros.nodes.policy import parameters as policy_parameters
from kinevla_ros.nodes.recorder import parameters as recorder_parameters
from kinevla_ros.nodes.ros.parameters import Parameter

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the generated pages in the place of those for the repository; mkdocs calls this."""
    pages = {"messages": messages(), "parameters": parameters(), "cli": commands()}
    for name, text in pages.items():
        if in_repository := files.get_file_from_path(f"reference/{name}.md"):
            files.remove(in_repository)
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def messages() -> str:
    """Definitions as they are, comments included."""
    text = "# Messages\n\n`ros2 interface show kinevla_ros/msg/Reasoning` shows the same.\n"
    kinds = ("action", "msg", "srv")
    for path in sorted(path for kind in kinds for path in ROOT.glob(f"{kind}/*.{kind}")):
        text += f"\n## {path.stem}\n\n```text\n{path.read_text()}```\n"
    return text


def parameters() -> str:
    """One table for each node."""
    text = (
        "# Parameters\n\n"
        "Read once, at the start, from the parameter file: `config/realman.yaml`, or what "
        "`params_file:=…` or `--config` names. A name that a node does not have is refused. "
        "*Missing* has no safe default: without a value the node does not configure.\n"
    )
    nodes: dict[str, dict[str, Parameter]] = {
        "policy": policy_parameters.PARAMETERS,
        "arm": arm_parameters.PARAMETERS,
        "cell": cell.PARAMETERS,
        "cameras": cameras.PARAMETERS,
        "console": console_parameters.PARAMETERS,
        "recorder": recorder_parameters.PARAMETERS,
    }
    for node, table in nodes.items():
        text += f"\n## {node}\n\n| parameter | default | range | what |\n"
        text += "| --- | --- | --- | --- |\n"
        for name, parameter in table.items():
            row = [f"`{name}`", _value(parameter.default), _range(parameter), parameter.description]
            text += "| " + " | ".join(column.replace("|", "\\|") for column in row) + " |\n"
    return text


def _value(value: Any) -> str:
    first = value[0] if isinstance(value, list) else value
    if isinstance(first, float) and math.isnan(first):
        return "missing"
    return f"`{value!r}`".replace("'", '"')


def _range(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(f"`{choice}`" if choice else "empty" for choice in parameter.choices)
    if parameter.lower is None:
        return ""
    return f"{parameter.lower:g} to {parameter.upper:g}"


def commands() -> str:
    """Every verb with its help and options."""
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="kinevla")
    return str(get_docs_for_click(obj=group, ctx=context, name="kinevla", title="Commands"))
