"""Skills in the simulated cell: learnt from one collected episode, tried as a model is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from kinevla_ros.evaluation.bench import skills as bench
from kinevla_ros.evaluation.suite import evaluate as command
from kinevla_ros.evaluation.suite import tried
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.tasks import TASKS
from kinevla_ros.sim.demonstrations.collect import collect
from kinevla_ros.skills.folder import add_skill
from kinevla_ros.skills.learning.learn import learn
from kinevla_ros.skills.policy import SkillPolicy

BREAD = TASKS[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("skills")
    collect(root / "dataset", 1, seed=77)
    skill, tasks = learn(root / "dataset", [0])
    assert skill.command(tasks) == BREAD
    add_skill(root / "skills" / "bread.yaml", skill, tasks)
    return root / "skills"


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


def test_one_demonstration_is_enough_in_scenes_that_it_did_not_show(
    folder: Path, cell: Cell
) -> None:
    policy = SkillPolicy(folder)
    results = [run_episode(cell, policy, EpisodeSetup(BREAD, 5, trial)) for trial in range(3)]
    assert sum(result.kinematic for result in results) >= 2
    assert sum(result.refused_chunks for result in results) == 0
    assert all(result.fault is None and not result.no_motion for result in results)
    assert all(result.reasoning_correct == len(result.model_times) for result in results)


def test_nothing_moves_for_a_way_that_was_never_shown(folder: Path, cell: Cell) -> None:
    found = run_episode(cell, SkillPolicy(folder), EpisodeSetup(TASKS[3], 5, 0))
    assert not found.goal
    assert found.model_times == ()
    (reason,) = found.no_motion
    assert "there is no skill for" in reason
    path = np.array(found.path)
    assert np.abs(path - path[0]).max() < 1e-3


def test_the_cell_tells_where_its_objects_are(cell: Cell) -> None:
    state = cell.reset(np.random.default_rng(3))
    seen = cell.observe().objects
    assert set(seen) == set(state.poses)
    for name, pose in seen.items():
        assert np.allclose(pose, state.poses[name][[0, 1, 3]])


def test_what_only_a_model_has_is_not_asked_of_skills(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_checkpoint", lambda *_: pytest.fail("an episode ran"))
    plain = EvaluationSettings(trials=1)
    assert command.evaluate(folder, plain, skills=folder) == 1
    assert "--model would need a model" in capsys.readouterr().err.replace("\n", " ")
    assert command.evaluate(None, replace(plain, phrasings=2), skills=folder) == 1
    assert "--phrasings" in capsys.readouterr().err
    assert command.evaluate(None, plain, skills=folder) == 1
    assert "has no skill for" in capsys.readouterr().err.replace("\n", " ")
    assert command.evaluate(None, plain, skills=folder.parent) == 1
    assert "is no folder of skills" in capsys.readouterr().err.replace("\n", " ")


@pytest.fixture
def every_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one skill stands for all, and only its own way is tried."""

    class AnyWay(dict[Command, object]):
        def __missing__(self, _: Command) -> object:
            return next(iter(self.values()))

        def __contains__(self, _: object) -> bool:
            return True

    for module in (tried, bench):
        load = module.load_skills

        def all_ways(path: Path, load: object = load) -> object:
            tasks, skills = load(path)  # type: ignore[operator]
            return tasks, AnyWay(skills)

        monkeypatch.setattr(module, "load_skills", all_ways)
    monkeypatch.setattr(bench, "episodes", lambda *_: [EpisodeSetup(BREAD, 5, 0)])
    monkeypatch.setattr(command, "episodes", lambda *_: [EpisodeSetup(BREAD, 5, 0)])
    return folder


def test_an_evaluation_of_skills_is_reported_as_one_of_a_model(
    every_way: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, figures = tmp_path / "page", tmp_path / "figures.json"
    settings = EvaluationSettings(trials=1)
    assert command.evaluate(None, settings, 1, figures, None, page, every_way) == 0
    assert "bread_left_front" in capsys.readouterr().out
    assert str(every_way) in figures.read_text()
    assert (page / "index.html").is_file()


def test_the_bench_compares_methods_and_times_them(
    every_way: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "GOALS", 2)
    results: list[EpisodeResult] = []
    gather = bench.gather

    def remember(stream: object, total: int, found: list[EpisodeResult], _: Console) -> None:
        gather(stream, total, found, Console(quiet=True))  # type: ignore[arg-type]
        results.extend(found)

    monkeypatch.setattr(bench, "gather", remember)
    report = tmp_path / "skills.json"
    assert bench.bench_skills(every_way, 1, 5, report) == 0
    assert len(results) == len(bench.WAYS)
    text = report.read_text()
    assert "lfe-kmp, positions only" in text and '"generalise"' in text
