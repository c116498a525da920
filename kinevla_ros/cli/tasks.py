"""The verbs about what can be said to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from kinevla_ros.cli.options import plain_errors

if TYPE_CHECKING:
    from kinevla_ros.language.new_tasks import SlotAnswer
    from kinevla_ros.language.task_set import TaskSet

HEADER = """\
# What can be said to the model, and what it means; docs/reference/tasks.md describes each entry.
# Put it as tasks.yaml into the folder of the dataset. Add the words that people use.
"""


class _ShowsByDefault(TyperGroup):
    """`kinevla tasks MODEL` is `kinevla tasks show MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["show", *args]
        found: list[str] = super().parse_args(ctx, args)
        return found


app = typer.Typer(cls=_ShowsByDefault, help="Print what can be said to a model, or begin a file.")


@app.command()
def show(
    model: Annotated[
        Path | None, typer.Argument(help="Checkpoint folder, or a task set's file.")
    ] = None,
) -> None:
    """Print what can be said to a model; without one, to the shipped one."""
    from kinevla_ros.base.resources import resource_path
    from kinevla_ros.language.overview import overview
    from kinevla_ros.language.task_file import FILE_NAME, load_tasks

    path = model or resource_path("models", "kinevla-tiny")
    with plain_errors():
        typer.echo("\n".join(overview(load_tasks(path / FILE_NAME if path.is_dir() else path))))


@app.command()
def new(
    out: Annotated[Path, typer.Argument(help="File to write.")] = Path("tasks.yaml"),
    dataset: Annotated[
        Path | None, typer.Option(help="Take the ways from the texts of this dataset.")
    ] = None,
) -> None:
    """Begin a task set of one's own, from a dataset's texts or from a few questions."""
    from kinevla_ros.base.files.atomic import write_text
    from kinevla_ros.language.task_file import to_yaml

    with plain_errors():
        if out.exists():
            raise ValueError(f"{out} is there already; give another name")
        tasks = _of_dataset(dataset) if dataset else _asked()
        write_text(out, HEADER + to_yaml(tasks))
    typer.echo(f"written: {out}, {len(tasks.commands)} ways; see them: kinevla tasks {out}")


def _of_dataset(dataset: Path) -> TaskSet:
    from kinevla_ros.training.generator.dataset_tasks import read_spoken, task_set_of

    return task_set_of([read_spoken(dataset)])


def _asked() -> TaskSet:
    from kinevla_ros.language.new_tasks import new_tasks

    name = typer.prompt("Name of the tasks, such as cup")
    frame = typer.prompt("Whose left and right", default="Left and right are the front camera's.")
    thing = typer.prompt("What is grasped, such as cup").strip().lower()
    goal = typer.prompt("What is to be reached, such as: put the cup onto the shelf")
    grasp = typer.prompt("Verb for grasping", default="take")
    move = typer.prompt("Verb for moving", default="put")
    typer.echo("What does an instruction say of how? Each such thing is a slot.")
    slots = [_slot(thing)]
    while typer.confirm("One more slot?", default=False):
        slots.append(_slot(thing))
    return new_tasks(name, frame, thing, goal, (grasp, move), slots)


def _slot(thing: str) -> SlotAnswer:
    from kinevla_ros.language.new_tasks import SlotAnswer

    name = typer.prompt("Name of the slot, such as hold or end").strip().lower()
    grasps = typer.confirm(f"Does it say where the {thing} is grasped (or else where it goes)?")
    of = thing if grasps else typer.prompt("Of what, such as shelf").strip().lower()
    values = typer.prompt("Its values, such as: left, right")
    noun = typer.prompt("Noun after them, such as end; empty if they are nouns", default="")
    preposition = typer.prompt("Word before it", default="by" if grasps else "on")
    return SlotAnswer(
        name,
        "grasp" if grasps else "target",
        of,
        noun.strip().lower(),
        preposition.strip().lower(),
        tuple(value.strip().lower() for value in values.split(",") if value.strip()),
    )
