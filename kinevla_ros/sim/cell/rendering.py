"""Pictures of a dataset of the cell rendered again, each time under another look."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERAS
from kinevla_ros.base.files.cache import cache_folder
from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import SIMULATION, DatasetError
from kinevla_ros.generator.pictures.kept_squares import kept_squares
from kinevla_ros.generator.pictures.squares import square
from kinevla_ros.sim.cell import textures, variety
from kinevla_ros.sim.cell.scene import scene_xml
from kinevla_ros.sim.cell.variety import Variety, table_places, varied_model

_AT_ONCE = 64


@dataclass(frozen=True)
class RenderedLooks:
    """Pictures from the states that a simulated dataset keeps, instead of from its videos.

    Attributes:
        looks: pictures of each frame; see `Variety`.
        workers: processes that render.
        seed: of the looks.
    """

    looks: int
    workers: int
    seed: int = 0
    cameras_needed = False

    def __call__(
        self, reader: DatasetReader, size: int, cameras: Sequence[str]
    ) -> NDArray[np.uint8]:
        """Squares of all frames, rendered once into a memory-mapped file.

        Returns:
            Shape (frames looks, cameras, size, size, 3); the looks of a frame are neighbours.

        Raises:
            DatasetError: the dataset does not keep what its pictures show, or has other cameras.
        """
        if SIMULATION not in reader.frames or tuple(cameras) != CAMERAS:
            raise DatasetError(
                f"{reader.root} cannot be rendered again: it needs the column {SIMULATION}, as "
                f"`kinevla collect` writes it, and the cameras {', '.join(CAMERAS)}"
            )
        states = reader.frames[SIMULATION].astype(np.float32)
        whole = hashlib.sha256(states.tobytes())
        whole.update(f"{self.looks} {self.seed} {scene_xml()}".encode())
        # Looks that are drawn by other rules are other pictures.
        for rules in (variety, textures):
            whole.update(Path(str(rules.__file__)).read_bytes())
        shape = (len(states) * self.looks, len(cameras), size, size, 3)
        folder = cache_folder() / "looks" / whole.hexdigest()
        return kept_squares(folder, shape, lambda out: self._render(states, out))

    def _render(self, states: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
        size, looks = out.shape[2], self.looks
        context = multiprocessing.get_context("spawn")
        starts = range(0, len(states), _AT_ONCE)
        jobs = [(start, states[start : start + _AT_ONCE], looks, self.seed) for start in starts]
        with (
            Progress() as progress,
            context.Pool(self.workers, _start_worker, (size,)) as pool,
        ):
            bar = progress.add_task(f"render {looks} looks", total=len(states))
            for start, squares in pool.imap_unordered(_rendered, jobs):
                out[start * looks : start * looks + len(squares)] = squares
                progress.update(bar, advance=len(squares) // looks)


class LookRenderer:
    """Renders states of the cell, each in looks drawn for it; for one thread.

    Args:
        size: side of the squares (px).
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._model = varied_model()
        self._data = mujoco.MjData(self._model)
        self._variety = Variety(self._model)
        # The centre square of what the cell's own cameras give, pixel for pixel.
        self._renderer = mujoco.Renderer(self._model, CAMERA_HEIGHT, CAMERA_HEIGHT)

    def __call__(self, state: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Squares of one state in one look, (cameras, size, size, 3), RGB.

        Args:
            state: as `Cell.qpos` gives it, shape (30,).
        """
        self._data.qpos[:] = state
        exposures = self._variety.draw(rng, table_places(self._model, self._data))
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        squares = []
        for name in CAMERAS:
            self._renderer.update_scene(self._data, name)
            squares.append(square(exposures[name](self._renderer.render()), self._size))
        return np.stack(squares)


_worker: LookRenderer


def _start_worker(size: int) -> None:
    global _worker
    leave_interrupt_to_parent()
    _worker = LookRenderer(size)


def _rendered(job: tuple[int, NDArray[np.float32], int, int]) -> tuple[int, NDArray[np.uint8]]:
    """The first row, and the squares of these states."""
    start, states, looks, seed = job
    drawn = [
        _worker(state, np.random.default_rng((seed, start + row, look)))
        for row, state in enumerate(states)
        for look in range(looks)
    ]
    return start, np.stack(drawn)
