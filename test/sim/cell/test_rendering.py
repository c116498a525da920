"""Pictures of a dataset rendered again from the states that it keeps."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.generator.pictures.squares import square
from kinevla_ros.sim.cell import variety
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.rendering import LookRenderer, RenderedLooks
from kinevla_ros.sim.demonstrations.collect import Moment, collect
from kinevla_ros.training.generator.samples import load_samples

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moments") / "dataset"
    collect(folder, 2, 5, 1, Moment)
    return folder


def test_the_usual_look_is_the_cells_own_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variety, "USUAL", 1.0)
    with closing(Cell()) as cell:
        cell.reset(np.random.default_rng(4))
        squares = LookRenderer(96)(cell.qpos(), np.random.default_rng(0))
        for own, picture in zip(squares, cell.render().values(), strict=True):
            # The state is kept as float32, so an edge may fall into the next pixel.
            assert np.mean(own != square(picture, 96)) < 0.01


def test_training_sees_each_frame_in_several_looks_and_needs_no_videos(dataset: Path) -> None:
    shutil.rmtree(dataset / "videos")
    samples = load_samples([dataset], 32, pictures=RenderedLooks(looks=3, workers=1))
    rng = np.random.default_rng(0)
    seen = {samples.pictures(np.array([4]), rng).tobytes() for _ in range(40)}
    assert 2 <= len(seen) <= 3
    assert samples.pictures(np.arange(10), rng).shape == (10, len(CAMERAS), 32, 32, 3)


def test_looks_are_the_same_in_each_training(dataset: Path) -> None:
    reader = DatasetReader(dataset)
    first = RenderedLooks(looks=2, workers=1)(reader, 32, CAMERAS)[:4].copy()
    renderer, state = LookRenderer(32), reader.frames["simulation.qpos"][1]
    again = [renderer(state, np.random.default_rng((0, 1, look))) for look in range(2)]
    np.testing.assert_array_equal(first[2:4], again)


def test_a_dataset_that_does_not_keep_its_states_is_refused(dataset: Path) -> None:
    reader = DatasetReader(dataset)
    del reader.frames["simulation.qpos"]
    with pytest.raises(DatasetError, match=r"simulation\.qpos.*kinevla collect"):
        RenderedLooks(looks=2, workers=1)(reader, 32, CAMERAS)
