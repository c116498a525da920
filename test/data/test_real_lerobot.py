"""The real lerobot reads, edits and trains on what we write, and we on what it writes.

It needs an environment of its own: `LEROBOT_PYTHON` names the Python of one that has lerobot
(`scripts/lerobot_check.py` says how to make it).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from demonstrations import write_sound
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.lerobot.reader import DatasetReader

PYTHON = os.environ.get("LEROBOT_PYTHON", "")
SCRIPT = Path(__file__).parents[2] / "scripts/lerobot_check.py"

pytestmark = pytest.mark.skipif(not PYTHON, reason="LEROBOT_PYTHON names no Python with lerobot")


def lerobot(*arguments: str | Path) -> str:
    command = [PYTHON, SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def kinevla(*words: str | Path) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With LeRobot's own column of words, too."""
    root = write_sound(tmp_path_factory.mktemp("lerobot") / "dataset", steps=60)
    kinevla("annotate", root, "--from-task")
    return root


def test_lerobot_opens_edits_and_trains_on_what_we_write(dataset: Path, tmp_path: Path) -> None:
    said = lerobot("read", dataset, tmp_path / "work")
    assert "opened: 3 episodes" in said and "trained for two steps" in said
    for edited in ("deleted", "merged"):
        assert len(DatasetReader(tmp_path / "work" / edited).episodes) in (2, 3)
        kinevla("check", tmp_path / "work" / edited)


def test_what_lerobot_writes_passes_the_check_and_trains(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    lerobot("write", dataset, copy)
    (copy / "tasks.yaml").write_bytes((dataset / "tasks.yaml").read_bytes())
    kinevla("check", copy)
    kinevla("train", "codec", "--dataset", copy, "--out", tmp_path / "codec", "--steps", "30")
    kinevla("train", "generator", "--dataset", copy, "--codec", tmp_path / "codec",
            "--out", tmp_path / "model", "--steps", "2", "--batch-size", "4")  # fmt: skip
    assert (tmp_path / "model" / "manifest.json").is_file()
