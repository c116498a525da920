"""The bench of shapes reads published handwriting, and measures what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.evaluation.bench.shapes.handwriting import read_handwriting
from kinevla_ros.evaluation.bench.shapes.shapes import (
    OURS,
    Row,
    bench_shapes,
    measure,
    similarity,
    smoothness,
)
from kinevla_ros.evaluation.bench.shapes.strokes import strokes


def write(file: Path, demonstrations: list[np.ndarray], key: str = "demos") -> Path:
    """As PbDlib and LASA publish them: a cell array of structures, `pos` D x N."""
    cells = np.empty((1, len(demonstrations)), dtype=object)
    for number, points in enumerate(demonstrations):
        cells[0, number] = {"pos": points.T, "vel": np.zeros_like(points.T)}
    savemat(file, {key: cells})
    return file


def test_a_path_is_wholly_similar_to_itself_moved_and_not_at_all_to_its_reverse() -> None:
    path = strokes(0)["wave"][0]
    assert similarity(path + 3.0, path) == pytest.approx(100)
    assert similarity(-path, path) == pytest.approx(-100)


def test_a_straight_path_is_smooth_and_a_square_corner_is_not() -> None:
    straight = np.linspace(0, 1, 11)[:, None] * np.array([3.0, 4.0])
    assert smoothness(straight) == pytest.approx(0, abs=1e-9)
    corner = np.array([[0.0, 0], [1, 0], [1, 1]])
    assert smoothness(corner) == pytest.approx(2**0.5)


def test_a_jump_onto_the_end_that_neither_figure_sees_shows_in_the_longest_step() -> None:
    path, row = strokes(0)["wave"][0], Row()
    jumped = path.copy()
    jumped[-1] += 10.0
    row.add(jumped, path, path[0], jumped[-1])
    assert row.similarity[0] > 99
    assert row.smoothness[0] < smoothness(path) + 0.02
    assert row.longest_step[0] > 10


def test_published_handwriting_is_read_from_a_file_and_from_a_folder(tmp_path: Path) -> None:
    drawn = strokes(0)
    for name in ("hook", "wave"):
        write(tmp_path / f"{name}.mat", drawn[name])
    (tmp_path / "readme.txt").write_text("not handwriting")
    alone = read_handwriting(tmp_path / "hook.mat")
    assert list(alone) == ["hook"]
    np.testing.assert_allclose(alone["hook"], drawn["hook"])
    assert list(read_handwriting(tmp_path)) == ["hook", "wave"]


def test_what_is_not_handwriting_is_refused_with_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "text.mat").write_text("no MATLAB file at all")
    savemat(tmp_path / "flat.mat", {"demos": np.zeros((3, 3))})
    savemat(tmp_path / "tall.mat", {"demos": {"pos": np.zeros((9, 2))}})
    write(tmp_path / "other.mat", strokes(0)["hook"], key="strokes")
    for name, words in [
        ("missing.mat", "cannot be read"),
        ("text.mat", "cannot be read"),
        ("flat.mat", "published format"),
        ("other.mat", "published format"),
        ("tall.mat", "D x N"),
    ]:
        with pytest.raises(ValueError, match=words):
            read_handwriting(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no \.mat file"):
        read_handwriting(tmp_path / "empty")


def test_a_shape_of_too_few_demonstrations_is_named() -> None:
    with pytest.raises(ValueError, match="hook has 5 demonstrations; 6 are needed"):
        measure({"hook": strokes(0)["hook"][:5]}, trials=1, seed=0)
    with pytest.raises(ValueError, match="rest does not move"):
        measure({"rest": [np.zeros((9, 2))] * 6}, trials=1, seed=0)


def test_lfe_kmp_keeps_drawn_shapes_better_than_kmp_and_tp_gmm_and_meets_their_ends(
    tmp_path: Path,
) -> None:
    report = tmp_path / "shapes.json"
    assert bench_shapes(None, trials=2, seed=0, report=report) == 0
    figures = json.loads(report.read_text())
    assert figures["shapes"] == ["hook", "loop", "wave"]
    assert figures["trials"] == 6
    near = figures["displacements"]["3 to 6"]
    assert near[OURS]["similarity"]["mean"] >= 92.8
    assert near[OURS]["smoothness"]["mean"] <= 0.066
    for rows in figures["displacements"].values():
        assert max(rows[OURS]["missed"][end]["max"] for end in ("start", "end")) < 0.1
        for name in ("KMP", "TP-GMM"):
            low, _ = rows[name]["behind"]["interval"]
            assert low > 0, name
        assert rows[OURS]["longest_step"]["mean"] < 1.3
        assert rows["TP-GMM"]["missed"]["end"]["mean"] > 0.05
    assert set(near) < set(figures["times"])


def test_the_verb_measures_a_users_file_and_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    file, report = write(tmp_path / "hook.mat", strokes(1)["hook"]), tmp_path / "out.json"
    run = CliRunner().invoke(
        app, ["bench", "shapes", "--data", str(file), "--trials", "1", "--json", str(report)]
    )
    assert run.exit_code == 0, run.output
    assert json.loads(report.read_text())["shapes"] == ["hook"]
    assert "Table II" in run.output
    run = CliRunner().invoke(app, ["bench", "shapes", "--data", str(tmp_path / "no.mat")])
    assert run.exit_code == 1
    assert "cannot be read" in run.output
    assert "Traceback" not in run.output
