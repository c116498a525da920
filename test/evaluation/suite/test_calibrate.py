"""The threshold of consistency: chosen where the score separates, refused where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from shipped_tasks import TASKS

from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.report.statistics import Roc
from kinevla_ros.evaluation.suite import calibrate as command
from kinevla_ros.evaluation.suite.calibrate import (
    OTHER_GOAL,
    SAME_GOAL,
    SAME_GOAL_FAR,
    Scores,
    lines,
    measure,
    pooled,
    summary,
)
from kinevla_ros.generator.policy import Policy
from kinevla_ros.sim.cell.cell import HOME

SHIPPED = resource_path("models", "kinevla-tiny")
score = st.floats(0, 1)


def scores(apart: float) -> list[Scores]:
    rng = np.random.default_rng(0)
    found = []
    for good, bad, worse in rng.normal(0.8, 0.05, (20, 3, 20)):
        same, other = (bad - apart).tolist(), (worse - apart).tolist()
        found.append(Scores(good.tolist(), {SAME_GOAL: same, SAME_GOAL_FAR: [], OTHER_GOAL: other}))
    return found


def test_a_score_that_tells_gives_a_threshold_that_spares_what_belongs_together() -> None:
    found = summary(scores(apart=0.5))
    lowest = min(score for own in scores(apart=0.5) for score in own.matched)
    assert lowest - 0.01 < found["min_consistency"] <= lowest
    assert found["mismatched"][SAME_GOAL]["held"] > 0.99
    assert "min_consistency: 0.6" in lines(found)[-1]


def test_a_score_at_chance_gives_no_threshold_and_says_so() -> None:
    found = summary(scores(apart=0.0))
    assert found["min_consistency"] is None
    assert "to 0" in lines(found)[-1]


def test_a_matched_chunk_at_zero_leaves_no_threshold_which_would_mean_off() -> None:
    given = scores(apart=0.5)
    given[0].matched[0] = 0.004
    assert summary(given)["min_consistency"] is None


def test_chunks_of_one_demonstration_count_as_one_for_the_interval() -> None:
    few = scores(apart=0.02)[:4]
    repeated = [
        Scores(own.matched * 50, {kind: found * 50 for kind, found in own.mismatched.items()})
        for own in few
    ]
    assert summary(repeated)["auc_interval"] == pytest.approx(summary(few)["auc_interval"])


def test_without_a_single_mismatch_nothing_can_be_said() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        summary([Scores([0.1, 0.2])])


@given(st.lists(score, min_size=1, max_size=30), st.lists(score, min_size=1, max_size=30))
@settings(max_examples=60)
def test_the_auc_is_the_chance_that_a_match_scores_higher(good, bad) -> None:
    roc = Roc.of(good, bad)
    wins = [(g > b) + 0.5 * (g == b) for g in good for b in bad]
    assert roc.auc == pytest.approx(np.mean(wins))
    assert (roc.false_alarms[0], roc.hits[0]) == (0.0, 0.0)
    assert (roc.false_alarms[-1], roc.hits[-1]) == (1.0, 1.0)
    assert list(roc.hits) == sorted(roc.hits)


def test_the_shipped_model_is_scored_with_its_own_codes_and_with_others(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 255, (96, 96, 3), np.uint8) for name in ("front", "wrist")}
    seen = Observation(images, HOME, 0.07, 0.0)
    monkeypatch.setattr(command, "record", lambda _: {c: [seen] for c in TASKS})
    found = measure(Policy(SHIPPED), scenes=1, seed=0)
    # On noise the model may write no text that ends; such a scene is not scored.
    matched, others, far = (pooled(found, *k) for k in ((), (OTHER_GOAL,), (SAME_GOAL_FAR,)))
    assert 5 <= len(matched) <= 7
    assert len(others) > 0
    assert max(others) < min(matched)
    assert set(far) <= set(pooled(found, SAME_GOAL))


def test_the_page_shows_the_roc(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(command, "measure", lambda *_: scores(apart=0.5))
    assert command.calibrate(SHIPPED, 1, 0, tmp_path / "page", tmp_path / "figures.json") == 0
    assert (tmp_path / "page" / "index.html").read_text().count("<svg") == 2
    assert "min_consistency" in (tmp_path / "figures.json").read_text()


def test_a_missing_checkpoint_is_named(tmp_path: Path, capsys) -> None:
    assert command.calibrate(tmp_path / "nowhere", 1, 0, None) == 1
    assert "nowhere" in capsys.readouterr().err
