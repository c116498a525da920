"""What a dataset holds: features in LeRobotDataset v3.0's terms, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.data.episode import Episode

CODEBASE_VERSION = "v3.0"
CURE = "restore the file or collect the dataset again"
CHUNK_SIZE = 1000
VIDEO_CODEC = "h264"
PIXEL_FORMAT = "yuv420p"
STATE, ACTION = MOTION = "observation.state", "action"
GOAL, KINEMATICS = "reasoning.goal", "reasoning.kinematics"
TEXTS: tuple[str, ...] = (GOAL, KINEMATICS)
CHUNK = "action.chunk"
"""A demonstrator that plans ahead writes its whole chunk."""

ALTERNATIVES, ALTERNATIVES_VALID = "action.alternatives", "action.alternatives_valid"
"""Its chunk for every way from the same state, and which of them there are."""

SCENE = "environment_state"
"""Where the objects lie, in a simulated dataset."""

SIMULATION = "simulation.qpos"
"""Everything that the simulated cell's pictures show, so that they can be rendered again."""

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
COUNTERS: Mapping[str, str] = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


class DatasetError(RuntimeError):
    """A dataset is missing, damaged, in use or of another kind than asked for."""


def camera_key(camera: str) -> str:
    """Return the feature name of a camera."""
    return f"observation.images.{camera}"


@dataclass(frozen=True)
class Schema:
    """The shape of every frame of a dataset.

    Attributes:
        vectors: Component names of each further float feature, e.g. `environment_state`.
        height: Image height, px.
        width: Image width, px.
        sizes: Height and width of cameras whose images are of another size.
        texts: Whether the frames have reasoning texts; a recording gets them later.
        space: What actions and states mean; its rate is that of the frames.

    Raises:
        ValueError: An image side is odd, a vector has fewer than two components, or the rate is no
            whole number.
    """

    vectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    height: int = CAMERA_HEIGHT
    width: int = CAMERA_WIDTH
    texts: bool = True
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    space: ActionSpace = RM75

    def __post_init__(self) -> None:
        for height, width in map(self.size, self.space.cameras):
            if height % 2 or width % 2:
                raise ValueError(
                    f"images of {width}x{height} px cannot be stored; "
                    f"{PIXEL_FORMAT} needs even sides"
                )
        if self.space.rate != self.fps:
            raise ValueError(f"a dataset has whole frames a second, not {self.space.rate}")
        for name, components in self.floats().items():
            # LeRobot stores features of one component as scalars, of another column type.
            if len(components) < 2:
                raise ValueError(f"{name} needs at least two components, got {components}")

    @property
    def fps(self) -> int:
        """Frames per second."""
        return round(self.space.rate)

    def size(self, camera: str) -> tuple[int, int]:
        """Return height and width of a camera's images, px."""
        return self.sizes.get(camera, (self.height, self.width))

    def floats(self) -> dict[str, tuple[str, ...]]:
        """Return the component names of every float feature, in stored order."""
        own = {STATE: self.space.state_names, ACTION: self.space.names}
        return own | {name: tuple(components) for name, components in self.vectors.items()}

    def features(self) -> dict[str, dict[str, Any]]:
        """Return the `features` entry of meta/info.json."""
        features = {camera_key(camera): self._video(camera) for camera in self.space.cameras}
        for name, components in self.floats().items():
            features[name] = {
                "dtype": "float32",
                "shape": [len(components)],
                "names": list(components),
            }
        for name in TEXTS if self.texts else ():
            features[name] = {"dtype": "string", "shape": [1], "names": None}
        for name, dtype in COUNTERS.items():
            features[name] = {"dtype": dtype, "shape": [1], "names": None}
        return features

    def _video(self, camera: str) -> dict[str, Any]:
        height, width = self.size(camera)
        return {
            "dtype": "video",
            "shape": [height, width, 3],
            "names": ["height", "width", "channels"],
            "info": {
                "video.height": height,
                "video.width": width,
                "video.codec": VIDEO_CODEC,
                "video.pix_fmt": PIXEL_FORMAT,
                "is_depth_map": False,
                "video.fps": self.fps,
                "video.channels": 3,
                "has_audio": False,
            },
        }

    def check(self, episode: Episode) -> None:
        """Raise ValueError, naming frame and feature, if a frame does not fit this schema."""
        for number, frame in enumerate(episode.frames):
            if set(frame.images) != set(self.space.cameras):
                raise ValueError(
                    f"frame {number} has pictures of {', '.join(frame.images) or 'none'}; "
                    f"the dataset needs {', '.join(self.space.cameras)}"
                )
            for camera, image in frame.images.items():
                shape, size = image.shape, (*self.size(camera), 3)
                if shape != size:
                    raise ValueError(f"frame {number}: {camera} has shape {shape}, not {size}")
            if set(frame.vectors) != set(self.vectors):
                raise ValueError(
                    f"frame {number} has vectors {sorted(frame.vectors)}; "
                    f"the dataset needs {sorted(self.vectors)}"
                )
            given = {STATE: frame.state, ACTION: frame.action, **frame.vectors}
            for name, components in self.floats().items():
                if len(given[name]) != len(components):
                    raise ValueError(
                        f"frame {number}: {name} has {len(given[name])} components, "
                        f"not {len(components)}"
                    )


def shard_path(root: Path, template: str, shard: int, video_key: str = "") -> Path:
    """Return where the file of a shard lies."""
    chunk, file = divmod(shard, CHUNK_SIZE)
    return root / template.format(chunk_index=chunk, file_index=file, video_key=video_key)
