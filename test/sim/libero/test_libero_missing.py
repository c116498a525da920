"""Without LIBERO, what needs it says how to install it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.sim.libero import installed


@pytest.mark.parametrize(
    "command",
    [
        ["bench", "demonstrators", "--rows", "{folder}/rows.jsonl"],
        ["collect", "--world", "kine_libero", "--out", "{folder}/data"],
        ["correct", "--world", "libero", "--model", "{folder}/model", "--out", "{folder}/data"],
        ["evaluate", "--suite", "kine_libero", "--rows", "{folder}/rows.jsonl"],
    ],
)
def test_a_verb_names_the_script_that_installs_it_and_writes_nothing(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "is_installed", lambda: False)
    done = CliRunner().invoke(app, [word.format(folder=tmp_path) for word in command])
    assert done.exit_code == 1
    assert "run scripts/libero.sh" in done.output
    assert not list(tmp_path.iterdir())
