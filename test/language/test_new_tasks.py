"""A lab's own task set begins with a few answers, or with a dataset's texts."""

from __future__ import annotations

from pathlib import Path

from demonstrations import write_sound
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import Understood
from kinevla_ros.language.task_file import load_tasks

ANSWERS = [
    "cup", "", "cup", "put the cup onto the shelf", "", "",
    "hold", "y", "handle, rim", "", "", "y",
    "end", "n", "shelf", "left, right", "end", "", "n",
]  # fmt: skip


def test_a_few_answers_make_a_set_whose_sentences_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yaml"
    done = CliRunner().invoke(app, ["tasks", "new", str(path)], input="\n".join(ANSWERS) + "\n")
    assert done.exit_code == 0, done.output
    tasks = load_tasks(path)
    assert [c.way for c in tasks.commands] == [
        "handle left", "handle right", "rim left", "rim right",
    ]  # fmt: skip
    reading = reader_of(tasks).read("on the left end of the shelf put the cup, held by the rim")
    assert isinstance(reading, Understood) and reading.command.way == "rim left"
    again = CliRunner().invoke(app, ["tasks", "new", str(path)])
    assert again.exit_code == 1 and "is there already" in again.output


def test_a_datasets_texts_make_a_set(tmp_path: Path) -> None:
    dataset = write_sound(tmp_path / "dataset", steps=40)
    (dataset / "tasks.yaml").unlink()
    path = tmp_path / "mine.yaml"
    done = CliRunner().invoke(app, ["tasks", "new", str(path), "--dataset", str(dataset)])
    assert done.exit_code == 0, done.output
    tasks = load_tasks(path)
    assert not tasks.has_slots and len(tasks.commands) == 2
    shown = CliRunner().invoke(app, ["tasks", str(path)])
    assert all(command.say in shown.output for command in tasks.commands)
