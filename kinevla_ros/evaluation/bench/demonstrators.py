"""The work behind `kinevla bench demonstrators`: how surely each way of LIBERO is demonstrated.

Every demonstration is also judged as every other way of its goal: only its own, and those whose
words ask for less, may hold.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table

from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.sim.libero.demonstrate import demonstrate
from kinevla_ros.sim.libero.goals import GOALS
from kinevla_ros.sim.libero.installed import require_libero
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.world import STATES, LiberoWorld

WORLDS = ("kine_libero", "libero_goal_relabeled")

Slots = Mapping[str, str]
Row = dict[str, Any]
Job = tuple[str, dict[str, str], int, list[dict[str, str]]]


def bench_demonstrators(
    world: str, states: int, workers: int, rows_file: Path, report: Path | None
) -> int:
    """Demonstrate every way from LIBERO's initial states, judge, print and save.

    Rows of earlier runs are kept and not measured again. Returns 0. Raises LiberoMissingError
    where LIBERO is not installed.

    Args:
        world: task set, one of WORLDS.
        states: initial states of each way, from the first on.
        workers: processes.
        rows_file: one line of JSON an episode; continued where it exists.
        report: file for the figures.
    """
    require_libero()
    tasks = load_tasks(resource_path("config", f"{world}.yaml"))
    jobs = list(_jobs(tasks, min(states, STATES)))
    rows = _measure(jobs, workers, rows_file)
    figures = [_summary(tasks, goal, slots, rows) for goal, slots in _ways(tasks)]
    publish({"world": world, "ways": figures}, lambda _: _table(world, figures), report)
    return 0


def _ways(tasks: TaskSet) -> Iterator[tuple[str, dict[str, str]]]:
    return ((goal.key, dict(way.slots)) for goal, way in tasks.ways())


def _jobs(tasks: TaskSet, states: int) -> Iterator[Job]:
    """State by state, so that an unfinished run has measured all ways alike."""
    for state in range(states):
        for goal, slots in _ways(tasks):
            yield goal, slots, state, [other for name, other in _ways(tasks) if name == goal]


def _measure(jobs: Sequence[Job], workers: int, file: Path) -> list[Row]:
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {_key(row["goal"], row["slots"], row["state"]) for row in rows}
    left = [job for job in jobs if _key(*job[:3]) not in done]
    file.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with (
        file.open("a") as out,
        Progress() as progress,
        context.Pool(workers, _start_worker) as pool,
    ):
        bar = progress.add_task("episodes", total=len(jobs), completed=len(jobs) - len(left))
        for row in pool.imap_unordered(_episode, left):
            rows.append(row)
            out.write(json.dumps(row) + "\n")
            out.flush()
            progress.update(bar, advance=1)
    return rows


def _key(goal: str, slots: Slots, state: int) -> str:
    return json.dumps([goal, dict(slots), state], sort_keys=True)


_world: LiberoWorld


def _start_worker() -> None:
    global _world
    leave_interrupt_to_parent()
    _world = LiberoWorld()


def _episode(job: Job) -> Row:
    goal, slots, state, ways = job
    begin = time.process_time()
    track = demonstrate(_world, goal, slots, state)
    judgement = judge(track, goal, slots)
    return {
        "goal": goal,
        "slots": slots,
        "state": state,
        "reached": judgement.goal,
        "libero": _world.goal(GOALS[goal].task) if GOALS[goal].in_libero else None,
        "constraints": judgement.constraints,
        "measures": {name: round(value, 4) for name, value in judgement.measures.items()},
        "judged_as": [way for way in ways if judge(track, goal, way).kinematic],
        "steps": len(track.moments) - 1,
        "cpu_seconds": round(time.process_time() - begin, 2),
    }


def _summary(tasks: TaskSet, goal: str, slots: Slots, rows: Sequence[Row]) -> Row:
    of_way = [row for row in rows if row["goal"] == goal and row["slots"] == slots]
    kinematic = [row["reached"] and all(row["constraints"].values()) for row in of_way]
    rate = Rate(sum(kinematic), len(of_way))
    asked = [row["libero"] for row in of_way if row["libero"] is not None]
    names = of_way[0]["constraints"] if of_way else {}
    others = [way for row in of_way for way in row["judged_as"] if way != slots]
    count = max(len(of_way), 1)
    return {
        "goal": goal,
        "slots": dict(slots),
        "entries": list(tasks.way({"object": goal, **slots})[1].entries),
        "episodes": len(of_way),
        "reached": sum(row["reached"] for row in of_way),
        "libero": sum(asked) if asked else None,
        "kinematic": sum(kinematic),
        "interval": rate.interval,
        "failed": {
            name: failed
            for name in names
            if (failed := sum(not row["constraints"][name] for row in of_way))
        },
        "also_judged_as": {json.dumps(way): others.count(way) for way in _unique(others)},
        "steps": round(sum(row["steps"] for row in of_way) / count),
        "cpu_seconds": round(sum(row["cpu_seconds"] for row in of_way) / count, 2),
    }


def _unique(ways: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [way for number, way in enumerate(ways) if way not in ways[:number]]


def _table(world: str, figures: Sequence[Row]) -> Table:
    table = Table(title=f"Demonstrations of {world}")
    for column in ("entry", "way", "n", "goal", "LIBERO", "kinematic", "failed", "also", "steps"):
        table.add_column(column)
    for row in figures:
        table.add_row(
            " ".join(map(str, row["entries"])),
            f"{row['goal']}: {', '.join(row['slots'].values())}",
            str(row["episodes"]),
            str(row["reached"]),
            "-" if row["libero"] is None else str(row["libero"]),
            str(row["kinematic"]),
            ", ".join(f"{name} {count}" for name, count in row["failed"].items()),
            ", ".join(
                f"{'/'.join(json.loads(way).values())} {n}"
                for way, n in row["also_judged_as"].items()
            ),
            str(row["steps"]),
        )
    return table
