"""Objects as the shipped network sees them."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.locate import bench_locate
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.evaluation.suite.tried import checkpoint
from kinevla_ros.generator.network.located_objects import LocatedObjects
from kinevla_ros.sim.cell.cell import Cell

SHIPPED = resource_path("models", "kinevla-tiny")

pytestmark = pytest.mark.slow


def test_objects_are_seen_where_they_lie() -> None:
    located = LocatedObjects(SHIPPED)
    with closing(Cell()) as cell:
        for seed in range(4):
            cell.reset(np.random.default_rng(seed))
            found = located.find(cell.observe())
            for name, pose in cell.state().poses.items():
                assert np.hypot(*(found[name][:2] - pose[:2])) < 0.015


def test_the_bench_says_how_far_off_they_are_seen(tmp_path: Path) -> None:
    report = tmp_path / "locate.json"
    assert bench_locate(SHIPPED, [], scenes=3, seed=5, report=report) == 0
    row = json.loads(report.read_text())["rows"]["plain"]
    assert set(row["position_mm"]) == {"plate", "carrot", "bread"}
    assert all(0 < error["p50"] < 15 for error in row["position_mm"].values())


def test_a_model_of_its_own_needs_no_keypoints() -> None:
    with pytest.raises(ValueError, match="give --skills"):
        checkpoint(None, EvaluationSettings(keypoints=SHIPPED))
