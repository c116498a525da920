"""The work behind `kinevla skill run`: one skill in one scene of the cell, with a picture."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.evaluation.report.video import annotated
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup, Images
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.evaluation.suite.tried import source_of
from kinevla_ros.generator.inference import Inference
from kinevla_ros.keypoints.fit import SURE
from kinevla_ros.keypoints.seen import SeenKeypoints
from kinevla_ros.language.command import Command
from kinevla_ros.language.task_file import FILE_NAME, load_tasks
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.tasks import CELL_TASKS, SUITES, require_cell
from kinevla_ros.sim.cell.variation import Variation
from kinevla_ros.skills.policy import SkillPolicy
from kinevla_ros.skills.skill import Skill, load_skill

Picture = NDArray[np.uint8]

ROWS = 5
"""Moments of the run in its picture."""

_RADIUS, _COLOUR = 3, (255, 0, 200)


def run_skill(
    path: Path,
    seed: int,
    keypoints: Path | None = None,
    variation: Variation | None = None,
    picture: Path | None = None,
) -> tuple[bool, list[str]]:
    """Try a skill in a random scene of the cell.

    Args:
        path: file of the skill, in the folder that `kinevla skill learn` wrote to.
        seed: of the scene.
        keypoints: what finds the objects, see `source_of`; the simulator's own poses without.
        variation: what is other than usual in the cell.
        picture: file for moments of the run, with the keypoints that were seen.

    Returns:
        Whether the judge finds it kinematically right, and lines for people to read.

    Raises:
        FileNotFoundError, SkillError, TaskSetError: the skill or its folder.
        KeypointFileError, CheckpointError, ValueError: what is to find the objects; the cell has
            no world for the skill's tasks; the picture's name is none of a picture.
    """
    if picture is not None and not cv2.haveImageWriter(str(picture)):
        raise ValueError(f"{picture} has no ending of a picture; give one such as run.png")
    skill = load_skill(path)
    episode = EpisodeSetup(_command(path, skill), seed, 0, variation=variation)
    policy = SkillPolicy(path.parent, source_of(keypoints) if keypoints else None)
    moments = _Moments(policy)
    with closing(Cell(variation)) as cell:
        result = run_episode(cell, policy, episode, moments.watch)
        moments.add(cell.render(), "at the end")
    if picture is not None:
        cv2.imwrite(str(picture), cv2.cvtColor(moments.joined(), cv2.COLOR_RGB2BGR))
    return result.kinematic, lines(result)


def _command(path: Path, skill: Skill) -> Command:
    tasks = load_tasks(path.parent / FILE_NAME)
    suite = tasks.name if tasks.name in SUITES else CELL_TASKS.name
    require_cell(tasks, suite)
    return skill.command(SUITES[suite])


class _Moments:
    """Pictures of a run, with what was seen in them."""

    def __init__(self, policy: SkillPolicy) -> None:
        self._policy = policy
        self._frames: list[Picture] = []

    def watch(self, images: Images, inference: Inference | None) -> None:
        """Keep the pictures of an inference."""
        self.add(images, self._policy.at if inference else "no motion")

    def add(self, images: Images, text: str) -> None:
        """Keep pictures with a line of text."""
        drawn = {name: picture.copy() for name, picture in images.items()}
        source, told = self._policy.keypoints, [text]
        if isinstance(source, SeenKeypoints):
            draw_keypoints(source, drawn)
            told += [f"{n}: +-{1e3 * each.spread:.0f} mm" for n, each in source.objects.items()]
            told += [f"{n} not seen: {reason}" for n, reason in source.unseen.items()]
        self._frames.append(annotated(drawn["front"], drawn["wrist"], told))

    def joined(self) -> Picture:
        """Some moments below each other, the first and the last among them."""
        count = len(self._frames)
        chosen = np.unique(np.linspace(0, count - 1, min(ROWS, count)).round().astype(int))
        return np.concatenate([self._frames[n] for n in chosen])


def draw_keypoints(source: SeenKeypoints, pictures: dict[str, Picture]) -> None:
    """Mark the keypoints that were last seen, in RGB pictures (height, width, 3) by camera."""
    for view in source.views:
        picture = pictures[view.camera.name]
        scale = np.array(picture.shape[1::-1]) / (view.camera.width, view.camera.height)
        for place in view.peaks.pixels[view.peaks.masses > SURE] * scale:
            x, y = (round(float(value)) for value in place)
            cv2.circle(picture, (x, y), _RADIUS, _COLOUR, 1, cv2.LINE_AA)


def lines(result: EpisodeResult) -> list[str]:
    """The judge's verdict, and what the run was like."""
    goal = "goal reached" if result.goal else "goal not reached"
    verdict = f"{'right' if result.kinematic else 'not right'}: {goal}"
    constraints = [
        f"{name}: {'kept' if kept else 'not kept'}" for name, kept in result.constraints.items()
    ]
    found = [
        f'"{result.instruction}"',
        f"  {verdict}; {', '.join(constraints)}",
        f"  {result.seconds:.1f} s, {result.refused_chunks} chunks refused, arm "
        f"{result.fault or 'without a fault'}",
    ]
    if result.model_times:
        times = percentiles(result.model_times)
        found.append(f"  a chunk takes {times['p50_ms']:.1f} ms, p95 {times['p95_ms']:.1f} ms")
    found += [f"  no motion, {n} times: {reason}" for reason, n in result.no_motion.items()]
    return found
