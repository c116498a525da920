"""Pictures with their keypoints, kept in a folder while they are made and read from there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.keypoints.rig import KeypointRig

ABSENT, VISIBLE, HIDDEN = 0, 1, 2
"""Of a keypoint in a picture: not in it, seen, behind something while its object is seen."""

MARKER = "scenes.json"
_KEPT_AFTER = 100
_CURE = "give another folder"


@dataclass(frozen=True)
class LabelledScene:
    """One scene; C cameras, K keypoints.

    Attributes:
        pictures: for each camera, uint8, shape (height, width, 3), RGB, of the rig's size.
        pixels: shape (C, K, 2), px.
        depths: how far ahead of the camera, shape (C, K), m.
        states: see above, shape (C, K).
    """

    pictures: tuple[NDArray[np.uint8], ...]
    pixels: NDArray[np.float32]
    depths: NDArray[np.float32]
    states: NDArray[np.uint8]


class KeypointSamples:
    """Scenes in a folder; an unfinished one goes on where it was.

    Args:
        folder: of these scenes alone.
        rig: what their keypoints mean.
        scenes: how many there are to be.
        made_of: what else must be the same, such as the seed; plain JSON types.

    Attributes:
        done: how many are made; the others' rows are undefined.

    Raises:
        ValueError: the folder holds other scenes.
    """

    def __init__(
        self, folder: Path, rig: KeypointRig, scenes: int, made_of: Mapping[str, Any]
    ) -> None:
        self.rig, self._marker = rig, folder / MARKER
        self._made_of = {"rig": rig.model_dump(mode="json"), "scenes": scenes, **made_of}
        self.done = self._begun() if self._marker.is_file() else 0
        folder.mkdir(parents=True, exist_ok=True)
        cameras, keypoints = len(rig.cameras), rig.channels
        self.pictures = [
            _mapped(folder / f"{c.name}.npy", (scenes, c.height, c.width, 3), np.uint8, self.done)
            for c in rig.cameras
        ]
        shape = (scenes, cameras, keypoints)
        self.pixels = _mapped(folder / "pixels.npy", (*shape, 2), np.float32, self.done)
        self.depths = _mapped(folder / "depths.npy", shape, np.float32, self.done)
        self.states = _mapped(folder / "states.npy", shape, np.uint8, self.done)

    def _begun(self) -> int:
        found = read_object(self._marker, _CURE)
        done = found.pop("done", 0)
        if found != self._made_of:
            raise ValueError(f"{self._marker.parent} holds other scenes; {_CURE}")
        return int(done)

    def fill(
        self, make: Callable[[range], Iterable[LabelledScene]], tell: Callable[[int], None]
    ) -> None:
        """Make the scenes that are missing.

        Args:
            make: the scenes of numbers, in their order.
            tell: is told how many are done.
        """
        total = len(self.states)
        if self.done == total:
            return
        for scene in make(range(self.done, total)):
            self._put(self.done, scene)
            self.done += 1
            if self.done % _KEPT_AFTER == 0 or self.done == total:
                for array in (*self.pictures, self.pixels, self.depths, self.states):
                    array.flush()
                write_json(self._marker, {**self._made_of, "done": self.done})
            tell(self.done)

    def _put(self, row: int, scene: LabelledScene) -> None:
        for kept, picture in zip(self.pictures, scene.pictures, strict=True):
            kept[row] = picture
        self.pixels[row], self.depths[row] = scene.pixels, scene.depths
        self.states[row] = scene.states


def _mapped(path: Path, shape: tuple[int, ...], kind: type, done: int) -> Any:
    if done:
        return np.load(path, mmap_mode="r+")
    array = open_memmap(path, mode="w+", dtype=kind, shape=shape)
    # On a full disk writing to a mapped file would end the process.
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array
