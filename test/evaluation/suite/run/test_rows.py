"""An evaluation that is stopped goes on from its file of rows."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from shipped_tasks import TASKS

from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.run.rows import Rows

RUN = {"suite": "kine_realman", "manifest": "abc"}
PLAN = [EpisodeSetup(TASKS[0], 1, trial) for trial in range(3)]


def result(episode: EpisodeSetup) -> EpisodeResult:
    return EpisodeResult(
        episode=episode,
        instruction=episode.instruction,
        goal=True,
        constraints={"direction": False},
        measures={"direction": math.inf},
        executed={"direction": None},
        worded=TASKS[1],
        as_worded=False,
        seconds=3.2,
        model_times=(0.01, 0.02),
        warm=(False, True),
        texts=(("goal", "how"),),
        codes=((1, 2, 3, 4),),
        path=((0.1, 0.2, 0.3),),
        reasoning_correct=1,
        no_motion={"why": 1},
        refused_chunks=0,
        fault=None,
        disagreement=(0.5,),
        benchmark_goal=True,
    )


def run(file: Path, count: int) -> None:
    """Run the first episodes of the plan."""
    rows = Rows(file, RUN, PLAN)
    list(rows.kept(map(result, rows.left()[:count])))


def test_what_was_done_is_read_back_and_the_rest_is_left(tmp_path: Path) -> None:
    run(tmp_path / "rows", 2)
    rows = Rows(tmp_path / "rows", RUN, PLAN)
    assert rows.done == [result(PLAN[0]), result(PLAN[1])]
    assert rows.left() == [PLAN[2]]


def test_results_of_before_come_first_and_are_kept(tmp_path: Path) -> None:
    run(tmp_path / "rows", 1)
    rows = Rows(tmp_path / "rows", RUN, PLAN)
    assert [r.episode for r in rows.kept(map(result, rows.left()))] == PLAN
    assert not Rows(tmp_path / "rows", RUN, PLAN).left()


def test_a_line_that_was_cut_short_is_run_again(tmp_path: Path) -> None:
    run(tmp_path / "rows", 2)
    text = (tmp_path / "rows").read_text()
    (tmp_path / "rows").write_text(text[:-40])
    run(tmp_path / "rows", 2)
    assert len(Rows(tmp_path / "rows", RUN, PLAN).done) == 3


def test_another_condition_is_another_episode(tmp_path: Path) -> None:
    run(tmp_path / "rows", 3)
    others = [replace(PLAN[0], intervention="random", condition="random")]
    assert Rows(tmp_path / "rows", RUN, [*PLAN, *others]).left() == others


def test_the_file_of_another_model_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "rows", 1)
    with pytest.raises(ValueError, match="results of another run"):
        Rows(tmp_path / "rows", RUN | {"manifest": "def"}, PLAN)


def test_what_is_no_file_of_rows_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("notes\n")
    with pytest.raises(ValueError, match="holds no results"):
        Rows(tmp_path / "rows", RUN, PLAN)
    assert (tmp_path / "rows").read_text() == "notes\n"
