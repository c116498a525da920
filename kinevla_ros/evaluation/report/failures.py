"""Videos of the episodes that failed, one file each, with the reasoning burnt in."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.evaluation.report.video import FRAME_HEIGHT, FRAME_WIDTH, VideoWriter, annotated
from kinevla_ros.evaluation.suite.episode import PLAIN, EpisodeResult, EpisodeSetup, Images
from kinevla_ros.evaluation.suite.rollout import REPLAN_STEPS
from kinevla_ros.evaluation.suite.run.account import Written

FPS = round(1 / (REPLAN_STEPS * CHUNK_DT))
"""One frame for each inference, in simulated time."""

VERDICT_SECONDS = 2
VIDEOS = "failures"
"""Folder of the videos in the folder of a report."""


class FailureVideo:
    """Keeps an episode's frames until it is known whether anyone wants to see them."""

    def __init__(self, episode: EpisodeSetup, fps: int = FPS) -> None:
        self._fps = fps
        self._instruction = f"{episode.task}: {episode.instruction}"
        self._views: Images = {}
        self._lines: list[str] = []
        self._frames: list[NDArray[np.uint8]] = []

    def watch(self, images: Images, inference: Written | None) -> None:
        """Take one frame; an inference that gave nothing is shown as such."""
        self._views, self._lines = images, [self._instruction, *_reasoning(inference)]
        self._frames.append(annotated(images["front"], images["wrist"], self._lines))

    def save(self, folder: Path, result: EpisodeResult) -> Path:
        """Write the video, with the judgement on its last frames, and return its path."""
        lines = [*self._lines, _judgement(result)]
        last = annotated(self._views["front"], self._views["wrist"], lines)
        episode = result.episode
        condition = "" if episode.condition == PLAIN else f"_{episode.condition.replace(' ', '_')}"
        path = folder / f"{episode.task}_trial{episode.trial:03d}{condition}.mp4"
        with closing(VideoWriter(path, FRAME_WIDTH, FRAME_HEIGHT, self._fps)) as video:
            for frame in (*self._frames, *[last] * (self._fps * VERDICT_SECONDS)):
                video.add(frame)
        return path


def copy_videos(source: Path, destination: Path) -> None:
    """Copy the videos of one folder into another, unless it is the same."""
    if source.resolve() == destination.resolve():
        return
    destination.mkdir(parents=True, exist_ok=True)
    for video in sorted(source.glob("*.mp4")):
        shutil.copy2(video, destination)


def _reasoning(inference: Written | None) -> list[str]:
    if inference is None:
        return ["no motion: the model gave no readable output"]
    goal_codes, codes = (
        " ".join(map(str, c)) for c in (inference.goal_codes, inference.kinematics_codes)
    )
    return [f"goal: {inference.goal} [{goal_codes}]", f"how: {inference.kinematics} [{codes}]"]


def _judgement(result: EpisodeResult) -> str:
    parts = {"goal": result.goal, **result.constraints}
    return "judgement: " + ", ".join(f"{k} {'kept' if v else 'FAILED'}" for k, v in parts.items())
