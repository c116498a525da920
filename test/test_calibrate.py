"""The threshold of consistency: chosen where the score tells, refused where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from kinevla_ros.evaluation import calibrate as command
from kinevla_ros.evaluation.calibrate import (
    OTHER_GOAL,
    SAME_GOAL,
    SAME_GOAL_FAR,
    Scores,
    lines,
    measure,
    summary,
)
from kinevla_ros.evaluation.latency import Observation
from kinevla_ros.evaluation.statistics import Roc
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.grammar import TASKS
from kinevla_ros.share import share_path
from kinevla_ros.sim.cell import HOME

SHIPPED = share_path("models", "kinevla-tiny")
score = st.floats(0, 1)


def scores(apart: float) -> Scores:
    rng = np.random.default_rng(0)
    good, bad, worse = rng.normal(0.8, 0.05, (3, 400))
    mismatched = {SAME_GOAL: (bad - apart).tolist(), OTHER_GOAL: (worse - apart).tolist()}
    return Scores(good.tolist(), mismatched)


def test_a_score_that_tells_gives_a_threshold_that_spares_what_belongs_together() -> None:
    found = summary(scores(apart=0.5))
    matched = np.array(scores(apart=0.5).matched)
    assert 0 < (matched < found["min_consistency"]).mean() < 0.005
    assert found["mismatched"][SAME_GOAL]["held"] > 0.99
    assert "min_consistency: 0.6" in lines(found)[-1]


def test_a_score_at_chance_gives_no_threshold_and_says_so() -> None:
    found = summary(scores(apart=0.0))
    assert found["min_consistency"] is None
    assert "leave" in lines(found)[-1]


def test_without_a_single_mismatch_nothing_can_be_said() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        summary(Scores([0.1, 0.2]))


@given(st.lists(score, min_size=1, max_size=30), st.lists(score, min_size=1, max_size=30))
@settings(max_examples=60)
def test_the_auc_is_the_chance_that_a_match_scores_higher(good, bad) -> None:
    roc = Roc.of(good, bad)
    wins = [(g > b) + 0.5 * (g == b) for g in good for b in bad]
    assert roc.auc == pytest.approx(np.mean(wins))
    assert 0.0 <= roc.interval[0] <= roc.auc + 1e-9
    assert roc.auc - 1e-9 <= roc.interval[1] <= 1.0
    assert (roc.false_alarms[0], roc.hits[0]) == (0.0, 0.0)
    assert (roc.false_alarms[-1], roc.hits[-1]) == (1.0, 1.0)
    assert list(roc.hits) == sorted(roc.hits)


def test_the_shipped_model_is_scored_with_its_own_codes_and_with_others(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 255, (96, 96, 3), np.uint8) for name in ("front", "wrist")}
    seen = Observation(images, HOME, 0.07)
    monkeypatch.setattr(command, "record", lambda _: {c: [seen] for c in TASKS})
    found = measure(Policy(SHIPPED), scenes=1, seed=0)
    # On noise the model may write no text that ends; such a scene is not scored.
    assert 5 <= len(found.matched) <= 7
    assert len(found.mismatched[OTHER_GOAL]) > 0
    assert set(found.mismatched[SAME_GOAL_FAR]) <= set(found.mismatched[SAME_GOAL])
    assert all(0 <= s <= 1 for s in (*found.matched, *found.mismatched[OTHER_GOAL]))


def test_the_page_shows_the_roc(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(command, "measure", lambda *_: scores(apart=0.5))
    assert command.calibrate(SHIPPED, 1, 0, tmp_path / "page", tmp_path / "figures.json") == 0
    assert (tmp_path / "page" / "index.html").read_text().count("<svg") == 2
    assert "min_consistency" in (tmp_path / "figures.json").read_text()


def test_a_missing_checkpoint_is_named(tmp_path: Path, capsys) -> None:
    assert command.calibrate(tmp_path / "nowhere", 1, 0, None) == 1
    assert "nowhere" in capsys.readouterr().err
