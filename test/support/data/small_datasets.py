"""Small datasets whose frames differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter

POSES = ("bread_x", "bread_y", "bread_z")
SCHEMA = Schema(vectors={"environment_state": POSES}, height=48, width=64)


def scene(number: int, camera: int) -> np.ndarray:
    """A smooth background with a block whose place is the frame's number."""
    image = np.full((48, 64, 3), (90, 120, 60 + 90 * camera), dtype=np.uint8)
    image[16:32, number % 12 * 4 :][:, :16] = (220, 60, 40)
    return image


def episode(index: int, length: int = 6) -> Episode:
    rng = np.random.default_rng(index)
    frames = [
        Frame(
            images={
                "front": scene(10 * index + step, camera=0),
                "wrist": scene(10 * index + step, camera=1),
            },
            state=rng.normal(size=8),
            action=rng.normal(size=8),
            goal=f"goal {index}",
            kinematics=f"kinematics {index}.{step // 3}",
            vectors={"environment_state": rng.normal(size=3)},
        )
        for step in range(length)
    ]
    return Episode(instruction=f"put the bread there, {index % 2}", frames=frames)


def write(root: Path, indices: range, episodes_per_shard: int = 2) -> None:
    with DatasetWriter.open(root, SCHEMA, episodes_per_shard) as writer:
        for index in indices:
            writer.add(episode(index))
