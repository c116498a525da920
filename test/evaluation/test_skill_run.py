"""One skill in one scene of the cell, by the command line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.evaluation.skill_run import run_skill
from kinevla_ros.sim.demonstrations.collect import collect
from kinevla_ros.skills.folder import add_skill
from kinevla_ros.skills.learning.learn import learn

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def skill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("skill_run")
    collect(root / "dataset", 1, seed=77)
    add_skill(root / "skills" / "bread.yaml", *learn(root / "dataset", [0]))
    return root / "skills" / "bread.yaml"


def test_a_skill_is_tried_and_what_came_of_it_is_shown(skill: Path, tmp_path: Path) -> None:
    picture = tmp_path / "run.png"
    found = CliRunner().invoke(app, ["skill", "run", str(skill), "--picture", str(picture)])
    assert found.exit_code == 0, found.output
    assert "right: goal reached" in found.output
    assert "without a fault" in found.output
    assert np.asarray(cv2.imread(str(picture))).std() > 20


def test_a_file_that_is_no_keypoint_network_moves_nothing(skill: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"nothing")
    options = ["skill", "run", str(skill), "--keypoints", str(wrong)]
    found = CliRunner().invoke(app, options)
    assert found.exit_code != 0
    assert "wrong.onnx" in " ".join(found.output.split())


def test_a_name_that_is_no_picture_is_refused_before_anything_runs(skill: Path) -> None:
    with pytest.raises(ValueError, match="no ending of a picture"):
        run_skill(skill, 0, picture=Path("run.txt"))
