"""An episode of a dataset, with the gate's verdict of each of its chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import STATE, TEXTS
from kinevla_ros.evaluation.replay.recorded_motion import read_motion
from kinevla_ros.evaluation.replay.rehearsal import rehearse
from kinevla_ros.evaluation.view.timeline import TimelineWriter
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.approach import NoApproach

PASSES = "the gate lets it pass"


def write_dataset(
    root: Path, episode: int, limits: JointLimits, workspace: Workspace, out: Path
) -> None:
    """Write an episode as a recording of rerun.

    Args:
        root: folder of the dataset.
        episode: its number.
        limits, workspace: what the gate goes by.
        out: file to write.

    Raises:
        DatasetError, ActionSpaceError: see `read_motion`.
        ValueError, OSError: see `TimelineWriter`.
    """
    motion = read_motion(root, episode)
    reader = DatasetReader(root)
    entry = reader.episodes[episode]
    states = np.asarray(reader.frames[STATE][entry.span], float)
    times = CHUNK_DT * np.arange(entry.length)
    with TimelineWriter(out, f"{root.name} {episode}") as shown:
        shown.words(0.0, "instruction", entry.instruction)
        shown.path("measured", states[:, :-1])
        shown.path("target", motion.targets[:, :-1])
        for time, state, target in zip(times, states, motion.targets, strict=True):
            shown.arm(time, "measured", state[:-1], state[-1])
            shown.arm(time + CHUNK_DT, "target", target[:-1], target[-1])
        for what in TEXTS:
            texts = reader.frames[what][entry.span] if what in reader.frames else ()
            for time, text in zip(times, texts, strict=False):
                shown.words(time, what.rpartition(".")[2], text)
        for camera in reader.cameras:
            for time, image in zip(times, reader.video(episode, camera), strict=True):
                shown.picture(time, camera, image)
        try:
            verdicts = rehearse(motion, motion.start[:-1], limits, workspace).verdicts
        except NoApproach as problem:
            verdicts = [(0, str(problem))]
        for step, reason in verdicts:
            shown.verdict(step * CHUNK_DT, reason or PASSES, bool(reason))
