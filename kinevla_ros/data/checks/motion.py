"""Words against what the arm did: a text that says left over a motion to the right is found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.data.annotate.motion import Carry, find_carry
from kinevla_ros.data.annotate.propose import Pose, propose
from kinevla_ros.data.checks.finding import FaultPlace, Finding
from kinevla_ros.data.checks.rows import Columns
from kinevla_ros.data.checks.texts import dataset_reader
from kinevla_ros.data.episode import STATE_NAMES
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import CHUNK, SCENE, STATE, TEXTS
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.readings import UnknownReasoning

CERTAIN = 1.5
"""Margin from which a motion says something else than the words, not only something unclear."""


def check_motion(reader: DatasetReader, columns: Columns) -> Iterator[Finding]:
    """Yield episodes whose motion is another one than their words say, as far as it shows."""
    states = columns.get(STATE)
    # A dataset with chunks beside its motion teaches those, whatever the arm did.
    if CHUNK in reader.info["features"] or any(name not in columns for name in TEXTS):
        return
    if states is None or states.shape[1] != len(STATE_NAMES):
        return
    words = dataset_reader(reader, columns)
    if not isinstance(words, Reader):
        # What a motion of free texts looks like nobody knows.
        return
    for entry in reader.episodes:
        goal, kinematics = (columns[name][entry.start] for name in TEXTS)
        try:
            said = words.reasoning(goal, kinematics).slots()
        except UnknownReasoning:
            continue
        carry = find_carry(states[entry.span])
        poses = scene_poses(columns.get(SCENE), entry.start, carry)
        seen = propose(words.tasks, carry, poses, known=said["object"])
        for slot, value in seen.slots.items():
            if value != said.get(slot) and seen.margins[slot] >= CERTAIN:
                assert carry is not None
                yield Finding(
                    "reasoning",
                    f"it says {slot} {said.get(slot)}, and the arm goes {value}",
                    f"correct it: kinevla annotate {reader.root} --page",
                    FaultPlace(entry.index, carry.release),
                )


def scene_poses(
    scenes: NDArray[np.float64] | None, start: int, carry: Carry | None
) -> Mapping[str, Pose]:
    """Where the things lay just before the grasp, from a simulated dataset's own column."""
    if scenes is None or carry is None or scenes.shape[1] != 4 * len(OBJECTS):
        return {}
    before = scenes[start + max(0, carry.grasp - 4)].reshape(-1, 4)
    return {
        name: (float(x), float(y), math.atan2(sine, cosine))
        for name, (x, y, cosine, sine) in zip(OBJECTS, before, strict=True)
    }
