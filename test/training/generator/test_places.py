"""What nobody says of a table, the checkpoint that is trained on does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from random_samples import random_samples
from shipped_tasks import shipped_vocabulary
from small_generator import small_config

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.files.tensor_file import save_tensors
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.pictures.squares import SCENE_SCALE, pixels
from kinevla_ros.generator.weights import MODEL_FILE
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.training.generator.places import with_places_seen

CUP = Path(__file__).parents[2] / "fixtures" / "cup.yaml"


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    vocabulary = shipped_vocabulary()
    torch.manual_seed(0)
    model = Generator(replace(small_config(vocabulary), vocabulary_size=len(vocabulary)))
    model.config.save(folder)
    vocabulary.save(folder)
    save_tensors(folder / MODEL_FILE, model.state_dict())
    write_manifest(folder)
    return folder


def test_frames_without_places_get_those_that_the_checkpoint_sees(start: Path) -> None:
    samples = replace(random_samples(70), scene=np.zeros((70, 0), np.float32))
    found = with_places_seen(samples, start).scene
    model, _ = load_generator(start)
    shown = pixels(model.config, samples.images[np.array([69])])
    state = torch.from_numpy(samples.state[69:] / samples.space.state_scale).float()
    with torch.inference_mode():
        seen = model.locate(*model.see(shown, state))
    assert seen is not None
    assert found.shape == (70, len(SCENE_SCALE))
    np.testing.assert_allclose(found[69], seen[0].numpy() * SCENE_SCALE, rtol=1e-4, atol=1e-5)


def test_places_that_are_known_and_objects_that_are_not_are_left_alone(start: Path) -> None:
    known = random_samples()
    assert with_places_seen(known, start) is known
    strange = replace(known, scene=np.zeros((48, 0), np.float32), tasks=load_tasks(CUP))
    assert with_places_seen(strange, start) is strange
    other = replace(known, scene=np.zeros((48, 0), np.float32), state=known.state)
    other = replace(other, space=replace(other.space, cameras=("front",)))
    assert with_places_seen(other, start) is other
