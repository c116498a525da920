"""What the metadata of a dataset may hold, checked before a file that they name is opened.

All of it comes from files that somebody else may have written; each check raises ValueError that
names the field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kinevla_ros.base.files.fields import integer, integers, number, one_of
from kinevla_ros.data.episode import MOST_TEXT
from kinevla_ros.data.lerobot.schema import CHUNK_SIZE, DATA_PATH, VIDEO_PATH

MOST_EPISODES, MOST_FRAMES, MOST_FEATURES = 1_000_000, 20_000_000, 256
LARGEST_SIDE, LONGEST_VECTOR, FASTEST = 4096, 10_000, 1000
_FEATURE = re.compile(r"[A-Za-z0-9_]+([.\-][A-Za-z0-9_]+)*")
READ = ("string", "bool", "float32", "float64", "int8", "int16", "int32", "int64")
"""Kinds of columns that are read; others, such as LeRobot's `language`, are left where they are."""
_DTYPE = re.compile(r"[A-Za-z0-9_]{1,32}")


def check_info(info: Mapping[str, Any]) -> None:
    """Hold meta/info.json against the format, its version aside."""
    integer("fps", info.get("fps"), 1, FASTEST)
    episodes = integer("total_episodes", info.get("total_episodes"), 1, MOST_EPISODES)
    integer("total_frames", info.get("total_frames"), episodes, MOST_FRAMES)
    # The templates of the format; another one could name any file, or a place on the network.
    one_of("data_path", info.get("data_path"), (DATA_PATH,))
    features = info.get("features")
    if not isinstance(features, dict) or not 0 < len(features) <= MOST_FEATURES:
        raise ValueError(f"features is no object of 1 to {MOST_FEATURES} features")
    for name, feature in features.items():
        check_feature(name, feature)
    if any(feature["dtype"] == "video" for feature in features.values()):
        one_of("video_path", info.get("video_path"), (VIDEO_PATH,))


def video_size(feature: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of a video feature (px), stored channels last or first."""
    height, width = feature["shape"][:2] if feature["shape"][-1] == 3 else feature["shape"][1:]
    return int(height), int(width)


def check_row(row: Mapping[str, Any], start: int, video_keys: Sequence[str]) -> None:
    """Hold a line of the episode list against the format.

    Args:
        start: frames of the episodes before it.
        video_keys: names of the video features.
    """
    # LeRobot leaves the list out where it has turned images into videos.
    if (tasks := row.get("tasks")) is not None:
        instruction = tasks[0] if isinstance(tasks, list) and tasks else None
        if not isinstance(instruction, str) or not 0 < len(instruction) <= MOST_TEXT:
            raise ValueError(f"tasks of episode {row['episode_index']} is no list of instructions")
    integer("length", row.get("length"), 1, MOST_FRAMES)
    if row.get("dataset_from_index") != start:
        raise ValueError(f"episode {row['episode_index']} does not begin at frame {start}")
    for prefix in ("data", *(f"videos/{key}" for key in video_keys)):
        for name in ("chunk_index", "file_index"):
            integer(f"{prefix}/{name}", row.get(f"{prefix}/{name}"), 0, CHUNK_SIZE * 1000)
    for key in video_keys:
        name = f"videos/{key}/from_timestamp"
        number(name, row.get(name), 0.0, float(MOST_FRAMES))


def check_feature(name: str, feature: object) -> None:
    """Hold a feature of meta/info.json against the format."""
    if len(name) > 100 or not _FEATURE.fullmatch(name):
        raise ValueError(f"features holds {name[:100]!r}, which is no name of a feature")
    if not isinstance(feature, dict):
        raise ValueError(f"feature {name} is no object")
    dtype = feature.get("dtype")
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype):
        raise ValueError(f"dtype of {name} is {dtype!r:.40}, which is no kind of a feature")
    shape = integers(f"shape of {name}", feature.get("shape"), 3, 1, LONGEST_VECTOR)
    if dtype == "video" and (
        len(shape) != 3 or 3 not in (shape[0], shape[-1]) or max(shape) > LARGEST_SIDE
    ):
        raise ValueError(f"shape of {name} is {shape} and should be height, width, 3")
