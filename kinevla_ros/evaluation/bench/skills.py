"""The work behind `kinevla bench skills`: ways to generalise the same demonstrations, compared."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from kinevla_ros.base.cameras import plain_pictures
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import Rate, percentiles
from kinevla_ros.evaluation.report.summary import rates
from kinevla_ros.evaluation.suite.episode import EpisodeResult
from kinevla_ros.evaluation.suite.episodes import episodes, run
from kinevla_ros.evaluation.suite.run.progress import gather
from kinevla_ros.robot.kinematics import UnreachableError
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.tasks import CELL_TASKS, require_cell
from kinevla_ros.skills.folder import load_skills
from kinevla_ros.skills.joint_path import joint_path
from kinevla_ros.skills.motion import METHODS, Method, Motion
from kinevla_ros.skills.policy import SkillPolicy
from kinevla_ros.skills.skill import Skill

MOVED, TURNED = 0.03, 0.5
"""Standard deviation of the goals that are timed (m, rad)."""

GOALS = 50
"""Of each motion of each skill that is timed."""


class Compared(NamedTuple):
    """A way to generalise.

    Attributes:
        method: see `Motion`.
        turned: whether objects' turns are task parameters, or their places alone.
    """

    method: Method
    turned: bool

    @property
    def name(self) -> str:
        """What its row is called."""
        return self.method + ("" if self.turned else ", positions only")


WAYS = (*(Compared(method, True) for method in METHODS), Compared(METHODS[0], False))


class UnseenCell(Cell):
    """A cell whose pictures are black: poses are given, and pictures take most of the time."""

    def render(self) -> dict[str, NDArray[np.uint8]]:
        """Black pictures of both cameras."""
        return plain_pictures()


def bench_skills(folder: Path, trials: int, seed: int, report: Path | None = None) -> int:
    """Try every way on all tasks of the cell, print the table, write the JSON file; returns 0.

    Args:
        folder: skills for all ways of the cell's task set.
        trials: random scenes per task, the same for all.
        seed: of the scenes.
        report: file for the figures.

    Raises:
        TaskSetError, SkillError: see `load_skills`.
        ValueError: the skills are of another task set, or one is missing.
    """
    tasks, skills = load_skills(folder)
    require_cell(tasks)
    if missing := [each.say for each in tasks.commands if each not in skills]:
        raise ValueError(f'{folder} has no skill for "{missing[0]}"; learn one for every way')
    plan, console = episodes(CELL_TASKS.name, trials, seed), Console(stderr=True)
    rows = []
    for way in WAYS:
        policy = SkillPolicy(folder, None, way.method, way.turned)
        results: list[EpisodeResult] = []
        console.print(way.name, highlight=False)
        with closing(UnseenCell()) as cell:
            gather(run(cell, policy, plan), len(plan), results, console)
        rows.append(_row(way, results, _times(way.method, list(skills.values()), seed)))
    figures = {"skills": str(folder), "trials": trials, "seed": seed, "rows": rows}
    publish(figures, _table, report)
    return 0


def _row(way: Compared, results: Sequence[EpisodeResult], times: Sequence[float]) -> dict[str, Any]:
    goal, kinematic = rates(results)
    stopped = Counter(reason for result in results for reason in result.no_motion)
    faults = Counter(result.fault for result in results if result.fault)
    return {
        "way": way.name,
        "goal": goal.to_json(),
        "kinematic": kinematic.to_json(),
        "kinematic_by_task": {
            task: Rate.of(r.kinematic for r in results if r.episode.task == task).to_json()
            for task in dict.fromkeys(r.episode.task for r in results)
        },
        "episodes_without_motion": dict(stopped),
        "faults": dict(faults),
        "refused_chunks": sum(result.refused_chunks for result in results),
        "generalise": percentiles(times),
        "chunk": percentiles([seconds for result in results for seconds in result.model_times]),
    }


def _times(method: Method, skills: Sequence[Skill], seed: int) -> list[float]:
    """Times to put a motion elsewhere, with its joint positions (s); out of reach counts not."""
    rng, found = np.random.default_rng(seed), []
    for move in (move for skill in skills for move in (skill.approach, skill.carry)):
        shown = np.array(move.path)
        motion = Motion(shown, method)
        start = joint_path(shown[:2], np.zeros(7), move.duration).joints[0]
        for _ in range(GOALS):
            goal = shown[-1] + rng.normal(0.0, 1.0, 4) * [MOVED, MOVED, 0.0, TURNED]
            began = time.perf_counter()
            try:
                joint_path(motion.between(shown[0], goal), start, move.duration)
            except UnreachableError:
                continue
            found.append(time.perf_counter() - began)
    return found


def _table(figures: dict[str, Any]) -> Table:
    where = figures["machine"]
    grid = Table(
        title="Kine-Realman by skills, success in % with Wilson intervals at 95 %",
        caption=f"{figures['skills']}; true poses, {figures['trials']} scenes per task, seed "
        f"{figures['seed']}; times in ms, p50 / p99, on {where['cores']} cores of "
        f"{where['processor']}",
    )
    grid.add_column("")
    for heading in ("n", "goal", "kinematic", "generalise", "chunk"):
        grid.add_column(heading, justify="right")
    for row in figures["rows"]:
        success = [
            f"{row[name]['rate']:.1%} ({low * 100:.0f} to {high * 100:.0f})"
            for name in ("goal", "kinematic")
            for low, high in [row[name]["interval"]]
        ]
        times = [_percentiles(row[name]) for name in ("generalise", "chunk")]
        grid.add_row(row["way"], str(row["goal"]["n"]), *success, *times)
    return grid


def _percentiles(found: dict[str, float]) -> str:
    return f"{found['p50_ms']:.1f} / {found['p99_ms']:.1f}" if found["n"] else "-"
