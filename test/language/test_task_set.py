"""The file that says what can be said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sentences import FIXTURES
from typer.testing import CliRunner

import kinevla_ros
from kinevla_ros.cli import app
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.readings import Understood
from kinevla_ros.language.task_file import TaskSetError, kine_realman, load_tasks

CUP = (FIXTURES / "cup.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("role: grasp", "role: hold", 9, "slots.hold.role"),
        ("of: shelf", "of: table", 1, "slot end is of table"),
        ("question: Where is it held?\n    ", "", 9, "slots.hold.question"),
        ("words: [handle]", "words: [lid]", 9, "value handle is made of ['lid']"),
        ("{hold: handle, end: left}", "{hold: handle}", 1, "must name ['hold', 'end']"),
        ("{hold: handle, end: left}", "{hold: lid, end: left}", 1, "no known hold (lid)"),
        ("on {end}", "on the shelf", 1, "template"),
        ("name: cup", "name: cup\nsize: 3", 2, "size"),
        ("object: cup", "object: bowl", 1, "no such object"),
        ("name: cup", "name: [cup", 1, ""),
    ],
)
def test_a_wrong_entry_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(CUP.replace(old, new, 1))
    with pytest.raises(TaskSetError) as error:
        load_tasks(path)
    assert reason in str(error.value)
    assert str(path) in str(error.value)
    if reason:
        assert f"{path}:{line}:" in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "3", "goals: 3", "\0"])
def test_a_file_that_is_no_task_set_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(content)
    with pytest.raises(TaskSetError, match=r"tasks\.yaml"):
        load_tasks(path)


def test_what_can_be_said_is_printed(tmp_path: Path) -> None:
    shipped = CliRunner().invoke(app, ["tasks"])
    assert shipped.exit_code == 0
    assert all(way.say in shipped.output for _, way in kine_realman().ways())
    assert kine_realman().frame in shipped.output
    lab = CliRunner().invoke(app, ["tasks", str(FIXTURES / "cup.yaml")])
    assert "handle (handle, ear)" in lab.output and "cup: also mug" in lab.output
    nothing = CliRunner().invoke(app, ["tasks", str(tmp_path)])
    assert nothing.exit_code == 1 and "tasks.yaml" in nothing.output


def test_only_the_task_set_and_the_simulated_cell_name_its_things() -> None:
    package = Path(kinevla_ros.__file__).parent
    # The order of the poses that a dataset of the cell holds; the cell's things are its own.
    order = package / "base" / "scene.py"
    for file in package.rglob("*.py"):
        if file.relative_to(package).parts[0] != "sim" and file != order:
            found = set(re.findall(r"\w+", file.read_text().lower()))
            assert not found & set(kine_realman().objects), file


def test_what_a_model_is_given_for_a_way_reads_back_as_that_way() -> None:
    for tasks in (kine_realman(), load_tasks(FIXTURES / "cup.yaml")):
        reader = Reader(tasks)
        assert isinstance(reader.read(tasks.example), Understood)
        for goal, way in tasks.ways():
            for said in (way.say, way.prompt):
                reading = reader.read(said)
                assert isinstance(reading, Understood)
                assert reading.command.slots() == {"object": goal.object, **way.slots}
