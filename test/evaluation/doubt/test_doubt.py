"""How often the disagreement of chunks foretells failure, and the threshold for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.evaluation.doubt.failures import bench_failures, foresight
from kinevla_ros.evaluation.doubt.threshold import (
    JudgedEpisode,
    calibrate_doubt,
    conformal_threshold,
    outcomes,
)
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.doubt import load_doubt
from kinevla_ros.generator.weights import MODEL_FILE

NAN = float("nan")


def episode(success: bool, peak: float, inferences: int = 30) -> dict[str, object]:
    steady = [None] * 5 + [0.02] * (inferences - 6)
    return {"kinematic": success, "disagreement": [*steady, peak]}


def figures(path: Path, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    plain = [episode(True, 0.03 + 0.01 * rng.random()) for _ in range(59)] + [episode(False, 0.2)]
    late = [episode(bool(i % 2), 0.035 if i % 2 else 0.1) for i in range(40)]
    conditions = {"latency": {"kind": "latency", "results": late}, "swap": {"results": late}}
    path.write_text(json.dumps({"results": plain, "conditions": conditions}))
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / MODEL_FILE).write_bytes(b"weights")
    write_manifest(folder)
    return folder


def test_at_most_the_wanted_share_of_new_successes_exceeds_the_threshold() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(400):
        peaks = rng.exponential(size=140)
        shares.append(np.mean(peaks[40:] > conformal_threshold(peaks[:40].tolist())))
    assert 0.035 < np.mean(shares) < 0.055


def test_too_few_successes_give_no_threshold_and_say_how_many_it_takes() -> None:
    assert conformal_threshold([0.1] * 19) == 0.1
    with pytest.raises(ValueError, match=r"18 plain.*needs 19.*--trials"):
        conformal_threshold([0.1] * 18)


def test_interventions_are_no_failures_that_a_policy_should_foresee(tmp_path: Path) -> None:
    assert set(outcomes(figures(tmp_path / "a.json"))) == {"plain", "latency"}


def test_figures_without_disagreement_are_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"results": [{"kinematic": True}]}))
    with pytest.raises(ValueError, match="kinevla evaluate --json"):
        outcomes(path)


def test_what_is_unknown_has_no_peak_and_warns_of_nothing() -> None:
    unknown = JudgedEpisode(True, (NAN, NAN))
    assert unknown.peak() == 0.0
    assert unknown.warned_before(0.0) is None


def test_a_warning_counts_from_its_first_inference_to_the_end() -> None:
    assert JudgedEpisode(False, (NAN, 0.1, 0.3, 0.1, 0.4)).warned_before(0.2) == 3


def test_a_score_that_tells_foresees_failures_and_one_at_chance_does_not() -> None:
    rng = np.random.default_rng(0)

    def drawn(success: bool, level: float) -> JudgedEpisode:
        return JudgedEpisode(success, tuple((level + 0.01 * rng.random(30)).tolist()))

    telling = foresight([drawn(i % 2 > 0, 0.02 if i % 2 else 0.05) for i in range(60)], 0.031)
    assert telling["auc"] == 1.0
    assert telling["foreseen"]["rate"] == 1.0
    assert telling["false_alarms"]["rate"] == 0.0
    assert telling["seconds_to_spare"] == pytest.approx(6.0)
    chance = foresight([drawn(i % 2 > 0, 0.02) for i in range(60)], 0.031)
    assert chance["auc_interval"][0] < 0.5 < chance["auc_interval"][1]


def test_the_threshold_of_an_evaluation_goes_into_the_checkpoint_and_its_failures_are_counted(
    tmp_path: Path, checkpoint: Path
) -> None:
    path = figures(tmp_path / "a.json")
    with pytest.raises(CheckpointError, match="kinevla calibrate --episodes"):
        bench_failures(checkpoint, [path], None)
    most, count = calibrate_doubt(checkpoint, [path])
    assert count == 59
    assert 0.03 < most < 0.04
    assert load_doubt(checkpoint) == most
    report = tmp_path / "failures.json"
    assert bench_failures(checkpoint, [path, figures(tmp_path / "b.json", 1)], report) == 0
    rows = json.loads(report.read_text())["rows"]
    assert rows["latency"]["n"] == 80
    assert rows["latency"]["foreseen"]["rate"] == 1.0
    assert rows["all of these"]["failed"] == 42
