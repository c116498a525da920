"""The work behind `kinevla augment`: recorded episodes put into new scenes of the simulator.

Each episode is learnt as a skill; what the skill does in random scenes is kept where the judge
finds it right. All frames are marked as made.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.metadata import INFO_PATH
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import SCENE, SIMULATION, DatasetError, Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.evaluation.suite.rollout import MAX_SECONDS, REPLAN_STEPS
from kinevla_ros.generator.inference import NoMotion
from kinevla_ros.language.command import Command
from kinevla_ros.language.task_file import FILE_NAME, load_tasks, save_tasks
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.judge import Judge
from kinevla_ros.sim.cell.tasks import CELL_TASKS, require_cell
from kinevla_ros.sim.demonstrations.collect import IDLE_SECONDS, VECTORS, place_at_random
from kinevla_ros.sim.simulated_arm import SimulatedArm
from kinevla_ros.skills.learning.learn import learn
from kinevla_ros.skills.run import ReadySkill, SkillRun
from kinevla_ros.skills.stage import Stage

MADE, MADE_FILE = "made", Path("meta/made.json")
"""Feature of every frame, and file, that tell made episodes from recorded ones."""


def augment(
    source: Path, out: Path, scenes: int, seed: int, episodes: Sequence[int] = ()
) -> tuple[int, Counter[str]]:
    """Write what the skills of a dataset's episodes do in new scenes, as a new dataset.

    Args:
        source: folder of a dataset of the cell's tasks, with the poses of objects.
        out: folder of the new dataset; must hold none.
        scenes: to try with each episode.
        seed: of the scenes and of where the arm starts.
        episodes: of the source; all without them.

    Returns:
        How many episodes were kept, and why the others were not, each with its count.

    Raises:
        DatasetError: a dataset is damaged, `out` holds one, or nothing was kept.
        LearningError: an episode cannot be learnt from.
        ValueError: the cell has no world for the tasks.
    """
    if (out / INFO_PATH).exists():
        raise DatasetError(f"{out} holds a dataset already; give a new folder")
    require_cell(load_tasks(source / FILE_NAME))
    dataset = DatasetReader(source)
    chosen = tuple(episodes) or tuple(range(len(dataset.episodes)))
    skills = {episode: learn(source, [episode])[0] for episode in chosen}
    own = {name: VECTORS[name] for name in (SCENE, SIMULATION)}
    vectors = own | {MADE: ("source_episode", "scene")}
    schema = Schema(vectors=vectors, height=CAMERA_HEIGHT, width=CAMERA_WIDTH)
    columns = (TextColumn("augment"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        contextlib.closing(Cell()) as cell,
        DatasetWriter.open(out, schema) as writer,
        Progress(*columns) as progress,
    ):
        save_tasks(CELL_TASKS, out)
        facts = {"made_by": "kinevla augment", "source": source.resolve().name, "seed": seed}
        write_json(out / MADE_FILE, facts)
        bar = progress.add_task("", total=scenes * len(skills))
        left_out: Counter[str] = Counter()
        for scene in range(scenes):
            for episode, skill in skills.items():
                command, rng = skill.command(CELL_TASKS), np.random.default_rng((seed, scene))
                ready, mark = ReadySkill(skill), np.array([episode, scene], float)
                try:
                    frames = _act(cell, ready, command, rng, mark)
                    writer.add(Episode(dataset.episodes[episode].instruction, frames))
                except (NoMotion, _NotAccepted) as problem:
                    left_out[str(problem)] += 1
                progress.update(bar, advance=1)
    if not writer.episodes:
        raise DatasetError(
            f"none of {scenes * len(skills)} attempts can be kept ({reasons(left_out)}); look at "
            "what was learnt: kinevla skill learn, kinevla skill show"
        )
    return writer.episodes, left_out


def reasons(counts: Counter[str]) -> str:
    """Reasons with their counts, the most frequent first."""
    return "; ".join(f"{count} times: {reason}" for reason, count in counts.most_common())


class _NotAccepted(Exception):
    """An episode that teaches nothing; says why."""


def _act(
    cell: Cell, ready: ReadySkill, command: Command, rng: np.random.Generator, mark: np.ndarray
) -> list[Frame]:
    """Frames at 10 Hz of a skill in a new scene.

    Raises:
        NoMotion: the skill does not reach its end there.
        _NotAccepted: it did something else than its way.
    """
    cell.reset(rng)
    place_at_random(cell, rng)
    arm, judge, frames, idle = SimulatedArm(cell), Judge(cell, command), [], 0.0
    run = SkillRun(ready, arm.observe())
    while arm.now < MAX_SECONDS - 1e-6 and idle < IDLE_SECONDS - 1e-6:
        seen = arm.observe()
        positions, openings = run.chunk(seen, seen.objects)
        arm.follow(arm.chunk(positions, openings))
        for step in range(REPLAN_STEPS):
            state = cell.state()
            opening = np.clip(openings[step], 0.0, GRIPPER_STROKE)
            frames.append(
                Frame(
                    cell.render() if step else dict(seen.images),
                    np.append(state.q, arm.opening),
                    np.append(positions[step], opening),
                    command.goal,
                    command.kinematics,
                    {SCENE: state.vector(), SIMULATION: cell.qpos(), MADE: mark},
                )
            )
            arm.run(CHUNK_DT)
            judge.watch(cell.state())
        idle += REPLAN_STEPS * CHUNK_DT if run.stage is Stage.DONE else 0.0
    status = arm.core.status(arm.now)
    if status.fault is not Fault.NONE or status.refused_chunks:
        raise _NotAccepted(f"the arm stopped: {status.reason or status.fault.name}")
    if run.stage is not Stage.DONE:
        raise _NotAccepted(f"not at its end after {MAX_SECONDS:g} s")
    judged = judge.judgement()
    if not judged.kinematic:
        broken = [name for name, kept in judged.constraints.items() if not kept]
        raise _NotAccepted(f"judged as not done: {', '.join(broken) or 'the goal'}")
    return frames
