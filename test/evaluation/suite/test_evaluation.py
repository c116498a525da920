"""Closed-loop evaluation: what counts as success, and what the reports say."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scripted_policy import DemonstratorPolicy, MutePolicy
from shipped_tasks import TASKS, command_of

from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.chunk import measure
from kinevla_ros.evaluation.report.statistics import Rate, drop, percentiles
from kinevla_ros.evaluation.report.summary import remarks, summary, table
from kinevla_ros.evaluation.report.video import FRAME_HEIGHT, FRAME_WIDTH, annotated
from kinevla_ros.evaluation.suite import evaluate as command
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.episodes import episodes, run
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.evaluation.suite.run.progress import gather
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.language.grammar import phrasings
from kinevla_ros.sim.cell.cell import Cell

CARROT = command_of("carrot", part="upper", side="right")
OTHER_SIDE = command_of("carrot", part="upper", side="left")


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


@pytest.fixture(scope="module")
def success(cell: Cell) -> EpisodeResult:
    return run_episode(cell, DemonstratorPolicy(cell), EpisodeSetup(CARROT, 1, 0))


@pytest.fixture(scope="module")
def wrong_side(cell: Cell) -> EpisodeResult:
    return run_episode(cell, DemonstratorPolicy(cell, OTHER_SIDE), EpisodeSetup(CARROT, 1, 0))


def test_a_policy_that_does_what_is_said_succeeds(success: EpisodeResult) -> None:
    assert success.goal
    assert success.kinematic
    assert success.reasoning_correct == len(success.warm) == len(success.model_times)
    assert success.no_motion == {}
    assert success.refused_chunks == 0
    assert success.fault is None
    assert 2.0 < success.seconds < 15.0


def test_the_checks_of_the_pictures_have_nothing_to_say_in_a_plain_episode(
    success: EpisodeResult,
) -> None:
    assert success.picture_alarms == {}
    assert summary([success])["picture_alarms"] == {}
    assert "pictures: no alarm in 1 episodes" in remarks([success])


def test_the_same_goal_by_another_motion_is_no_kinematic_success(
    wrong_side: EpisodeResult,
) -> None:
    assert wrong_side.goal
    assert not wrong_side.kinematic
    assert [name for name, kept in wrong_side.constraints.items() if not kept] == ["side"]
    assert wrong_side.reasoning_correct == 0


def test_a_policy_that_gives_nothing_moves_nothing(cell: Cell) -> None:
    result = run_episode(cell, MutePolicy(cell), EpisodeSetup(CARROT, 1, 0))
    assert not result.goal
    assert sum(result.no_motion.values()) == 80
    assert list(result.no_motion) == ["unreadable"]
    assert result.seconds == pytest.approx(16.0)


def test_an_episode_repeats_exactly(cell: Cell, success: EpisodeResult) -> None:
    assert run_episode(cell, DemonstratorPolicy(cell), success.episode) == success


def test_every_task_meets_the_same_scenes(cell: Cell) -> None:
    plan = episodes("kine_realman", 2, 5)
    assert [(e.trial, e.command) for e in plan] == [(t, c) for t in range(2) for c in TASKS]
    scenes = {trial: set() for trial in range(2)}
    for episode in plan:
        scenes[episode.trial].add(cell.reset(episode.scene()).vector().tobytes())
    assert all(len(found) == 1 for found in scenes.values())
    assert scenes[0] != scenes[1]


@pytest.mark.parametrize("phrasing", ["train", "held_out"])
def test_instructions_come_from_the_phrasings_asked_for(phrasing: str) -> None:
    for episode in episodes("kine_realman", 3, 5, phrasing):
        assert episode.instruction in set(phrasings(episode.command, phrasing))
        assert episode.instruction == replace(episode).instruction


def test_an_unknown_suite_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="kine_realman"):
        episodes("libero", 1, 0)


@given(n=st.integers(1, 300), share=st.floats(0, 1))
def test_the_wilson_interval_holds_the_rate_and_shrinks_with_n(n: int, share: float) -> None:
    rate = Rate(round(share * n), n)
    low, high = rate.interval
    assert 0.0 <= low <= rate.value <= high <= 1.0
    more_low, more_high = Rate(4 * rate.successes, 4 * n).interval
    assert more_high - more_low < high - low


def test_the_wilson_interval_of_19_in_20_is_the_published_one() -> None:
    assert Rate(19, 20).interval == pytest.approx((0.7639, 0.9911), abs=1e-4)


@given(n=st.integers(1, 300), first=st.floats(0, 1), second=st.floats(0, 1))
def test_a_drop_lies_in_its_interval_and_that_in_the_possible(n, first, second) -> None:
    fall, (low, high) = drop(Rate(round(first * n), n), Rate(round(second * n), n))
    assert -1.0 - 1e-9 <= low <= fall + 1e-9
    assert fall - 1e-9 <= high <= 1.0 + 1e-9


def test_newcombes_interval_is_the_published_one() -> None:
    fall, interval = drop(Rate(56, 70), Rate(48, 80))
    assert fall == pytest.approx(0.2)
    assert interval == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_percentiles_are_given_in_milliseconds() -> None:
    found = percentiles([0.001 * k for k in range(1, 101)])
    assert found["n"] == 100
    assert found["p50_ms"] == pytest.approx(50.5)
    assert found["max_ms"] == pytest.approx(100)
    assert percentiles([]) == {"n": 0}


def test_the_summary_holds_what_readers_of_the_json_rely_on(
    success: EpisodeResult, wrong_side: EpisodeResult
) -> None:
    never_grasped = replace(success, goal=False, measures={"part": math.nan, "bend": math.inf})
    content = json.loads(json.dumps(summary([success, wrong_side, never_grasped]), allow_nan=False))
    assert content["episodes"] == 3
    assert content["goal_success"] == pytest.approx(2 / 3)
    assert content["kinematic_success"] == pytest.approx(1 / 3)
    low, high = content["kinematic_success_interval"]
    assert low < 1 / 3 < high
    task = content["per_task"]["carrot_upper_right"]
    assert task["constraints"]["side"]["rate"] == pytest.approx(2 / 3)
    assert content["latency"]["warm"]["p99_ms"] == pytest.approx(20)
    assert content["results"][2]["measures"] == {"part": None, "bend": None}
    assert {"torch", "mujoco"} <= set(content["versions"])


def test_the_table_shows_every_task_and_constraint(success: EpisodeResult) -> None:
    console = Console(width=80, record=True)
    console.print(table([success] * 100))
    text = console.export_text()
    assert all(word in text for word in ("carrot_upper_right", *success.constraints, "100"))
    assert any("reasoning correct" in line for line in remarks([success]))


def test_a_failure_leaves_a_video_with_both_cameras_and_text(cell: Cell, tmp_path: Path) -> None:
    lazy = DemonstratorPolicy(cell, TASKS[0])
    plan = [EpisodeSetup(CARROT, 1, 3), EpisodeSetup(TASKS[0], 1, 3)]
    results = list(run(cell, lazy, plan, tmp_path))
    assert [r.kinematic for r in results] == [False, True]
    (path,) = tmp_path.iterdir()
    assert path.name == "carrot_upper_right_trial003.mp4"
    with av.open(str(path)) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) > len(results[0].warm)
    assert frames[0].shape == (FRAME_HEIGHT, FRAME_WIDTH, 3)


def test_the_benchmark_tells_cold_from_warm_chunks(cell: Cell) -> None:
    state = cell.reset(np.random.default_rng(0))
    seen = Observation({}, state.q, state.gripper, 0.0)
    policies = {name: DemonstratorPolicy(cell) for name in ("one", "other")}
    found = measure(policies, {c: [seen] * 6 for c in TASKS}, chunks=20)
    for times in found.values():
        counts = {name: len(values) for name, values in times.items()}
        assert counts == {"cold": 4, "warm": 20, "rewritten": 0}


def test_annotated_frames_have_one_size_whatever_the_cameras_give() -> None:
    small, large = np.full((24, 32, 3), 90, np.uint8), np.full((480, 640, 3), 200, np.uint8)
    plain, written = annotated(small, large, []), annotated(small, large, ["word " * 200])
    assert plain.shape == written.shape == (FRAME_HEIGHT, FRAME_WIDTH, 3)
    assert (plain[100, :320] == 90).all()
    assert (plain[100, 320:] == 200).all()
    assert not plain[240:].any()
    assert written[240:].any()


def run_command(tmp_path: Path, model: Path) -> int:
    return command.evaluate(model, EvaluationSettings(trials=1), figures=tmp_path / "report.json")


def test_a_missing_checkpoint_ends_with_a_clear_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(tmp_path, tmp_path / "nowhere") == 1
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (KeyboardInterrupt(), command.INTERRUPTED, "interrupted"),
        (BrokenProcessPool(), 1, "worker process died"),
    ],
)
def test_an_evaluation_cut_short_reports_what_is_done(
    problem: BaseException,
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    success: EpisodeResult,
) -> None:
    def cut_short(*_: object) -> Iterator[EpisodeResult]:
        yield success
        raise problem

    monkeypatch.setattr(command, "run_checkpoint", cut_short)
    assert run_command(tmp_path, resource_path("models", "kinevla-tiny")) == code
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["episodes"] == 1
    assert content["complete"] is False
    printed = capsys.readouterr()
    assert message in printed.err
    assert "carrot_upper_right" in printed.out


def test_a_log_file_tells_how_far_an_evaluation_is(success: EpisodeResult) -> None:
    log = io.StringIO()
    gather([success] * 40, 40, [], Console(file=log))
    shown = [line.split()[0] for line in log.getvalue().splitlines() if "/40 " in line]
    assert shown[:10] == [f"{done}/40" for done in range(4, 41, 4)]


@pytest.mark.parametrize(
    ("problem", "code"), [(KeyboardInterrupt(), command.INTERRUPTED), (ValueError("no model"), 1)]
)
def test_what_fails_at_the_words_loses_no_episode(
    problem: BaseException,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    success: EpisodeResult,
) -> None:
    def fail(*_: object) -> dict:
        raise problem

    monkeypatch.setattr(command, "run_checkpoint", lambda *_: (result for result in [success]))
    monkeypatch.setattr(command, "_words", fail)
    assert run_command(tmp_path, resource_path("models", "kinevla-tiny")) == code
    content = json.loads((tmp_path / "report.json").read_text())
    assert (content["episodes"], content["complete"]) == (1, False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EvaluationSettings(trials=1, bert_model=Path("nowhere")), "nowhere holds no model"),
        (EvaluationSettings(trials=1, suite="libero"), "no suite"),
    ],
)
def test_what_cannot_be_measured_is_known_before_the_first_episode(
    settings: EvaluationSettings, message: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(command, "run_checkpoint", lambda *_: pytest.fail("an episode ran"))
    monkeypatch.setattr(command, "find_spec", lambda _: True)
    assert command.evaluate(None, settings) == 1
    assert message in capsys.readouterr().err


def test_a_missing_package_is_named_before_the_first_episode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_checkpoint", lambda *_: pytest.fail("an episode ran"))
    monkeypatch.setattr(command, "find_spec", lambda name: name != "sacrebleu")
    assert command.evaluate(None, EvaluationSettings(trials=1)) == 1
    assert "pip install sacrebleu" in capsys.readouterr().err
