"""The command line lists what it can do, and names in a line what a user can put right."""

from __future__ import annotations

import signal
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kinevla_ros import cli
from kinevla_ros.cli import app
from kinevla_ros.cli.extras import EXTRAS

VERBS = [
    [*group, name]
    for group, commands in (
        ([], typer.main.get_command(app)),
        (["train"], typer.main.get_command(app).commands["train"]),
        (["teleop"], typer.main.get_command(app).commands["teleop"]),
        (["bench"], typer.main.get_command(app).commands["bench"]),
        (["skill"], typer.main.get_command(app).commands["skill"]),
    )
    for name in commands.commands
]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_says_what_it_does(words: list[str]) -> None:
    answer = CliRunner().invoke(app, [*words, "--help"])
    assert answer.exit_code == 0
    assert words[-1] in answer.output and len(answer.output.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["correct", "--model", "nowhere", "--out", "x"], "nowhere is no complete checkpoint"),
        (["train", "codec", "--dataset", "nowhere", "--out", "x"], "nowhere"),
        (["convert-openvla", "nowhere", "x"], "nowhere"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_what_is_missing_is_named_in_a_line_and_nothing_is_written(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit)
    assert said in answer.output
    assert not (tmp_path / "x").exists()


def test_figures_that_cannot_be_written_are_known_before_the_measurement(tmp_path: Path) -> None:
    (tmp_path / "figures.json").mkdir()
    wanted = str(tmp_path / "figures.json")
    for words in (["evaluate"], ["calibrate"], ["bench", "chunk"], ["bench", "seam"]):
        answer = CliRunner().invoke(app, [*words, "--json", wanted])
        assert answer.exit_code == 2
        assert "Is a directory" in answer.output


def lacks(name: str) -> Callable[[], None]:
    def run() -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return run


@pytest.mark.parametrize(
    ("missing", "extra"), [("rclpy.node", "ros"), ("sensor_msgs", "ros"), ("mujoco", "sim")]
)
def test_a_library_of_an_extra_that_is_missing_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str, extra: str
) -> None:
    monkeypatch.setattr(cli, "app", lacks(missing))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert f"pip install 'kinevla_ros[{extra}]'" in capsys.readouterr().err


def test_a_module_of_our_own_that_is_missing_is_no_users_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "app", lacks("kinevla_ros.nothing"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_every_extra_that_is_named_exists() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS.values()) <= project["optional-dependencies"].keys()


def test_sigterm_stops_a_command_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli, "app", lambda: signal.raise_signal(signal.SIGTERM))
    try:
        with pytest.raises(KeyboardInterrupt):
            cli.main()
    finally:
        signal.signal(signal.SIGTERM, before)
