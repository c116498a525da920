"""From labelled scenes to a file that finds their keypoints, however often it is stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from drawn_keypoints import HOME, SCENE, SMALL, drawn_views

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.inference import NoMotion
from kinevla_ros.keypoints.detector import KeypointDetector, KeypointFileError
from kinevla_ros.keypoints.samples import ABSENT, MARKER, VISIBLE, KeypointSamples, LabelledScene
from kinevla_ros.keypoints.seen import SeenKeypoints
from kinevla_ros.training.keypoints import training
from kinevla_ros.training.keypoints.batches import KeypointSettings, batch
from kinevla_ros.training.keypoints.export import export_keypoints
from kinevla_ros.training.keypoints.network import KeypointNetwork
from kinevla_ros.training.keypoints.training import RESULT, train_keypoints

SETTINGS = KeypointSettings(steps=6, batch_size=4, save_every=2)
MADE_OF = {"seed": 3}


def dots(numbers: range) -> Iterator[LabelledScene]:
    """Pictures with a dot of its own colour at each keypoint."""
    for number in numbers:
        rng = np.random.default_rng(number)
        shift = np.append(rng.uniform(-0.04, 0.04, 2), rng.uniform(-0.5, 0.5))
        views = drawn_views({name: pose + shift for name, pose in SCENE.items()}, rig=SMALL)
        pictures = []
        for view in views:
            picture = np.full((view.camera.height, view.camera.width, 3), 120, np.uint8)
            for channel, (x, y) in enumerate(view.peaks.pixels):
                if view.peaks.masses[channel]:
                    colour = [int(c) for c in np.random.default_rng(channel).integers(0, 255, 3)]
                    cv2.circle(picture, (int(x), int(y)), 2, colour, -1)
            pictures.append(picture)
        yield LabelledScene(
            tuple(pictures),
            np.stack([v.peaks.pixels for v in views]).astype(np.float32),
            np.stack([v.peaks.depths for v in views]).astype(np.float32),
            np.stack([np.where(v.peaks.masses > 0, VISIBLE, ABSENT) for v in views]).astype(
                np.uint8
            ),
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("keypoints")
    return train_keypoints(SMALL, dots, MADE_OF, 6, SETTINGS, out)


def test_the_file_says_what_it_finds_and_gives_what_the_network_gives(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = KeypointNetwork(SMALL.channels, SMALL.centres).eval()
    with torch.no_grad():
        network.keypoint_head.weight.normal_(std=0.3)
    export_keypoints(network, SMALL, tmp_path / "k.onnx")
    detector = KeypointDetector(tmp_path / "k.onnx")
    assert detector.rig == SMALL
    for camera in SMALL.cameras:
        picture = np.random.default_rng(1).integers(
            0, 255, (camera.height, camera.width, 3), np.uint8
        )
        with torch.no_grad():
            heat = network(torch.from_numpy(picture).movedim(-1, 0)[None]).heat[0]
        found = detector(camera, picture)
        best = heat.flatten(1).argmax(1).numpy()
        rows, columns = np.divmod(best, heat.shape[-1])
        away = np.abs(found.pixels - 4 * (np.stack([columns, rows], 1) + 0.5))
        assert away.max() <= 4 * 2.5


def test_more_steps_find_more(tmp_path: Path) -> None:
    torch.manual_seed(0)
    samples = KeypointSamples(tmp_path / "scenes", SMALL, 6, MADE_OF)
    samples.fill(dots, lambda _: None)
    network = KeypointNetwork(SMALL.channels, SMALL.centres).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    found = []
    for step in range(25):
        cameras = batch(samples, SETTINGS, step)
        found.append(training._step(network, optimiser, cameras, 1.0, torch.device("cpu")))
    first, last = np.array(found[:3]).mean(axis=0), np.array(found[-3:]).mean(axis=0)
    assert (last < 0.8 * first).all()


def test_labels_move_with_the_picture(tmp_path: Path) -> None:
    samples = KeypointSamples(tmp_path / "scenes", SMALL, 3, MADE_OF)
    samples.fill(dots, lambda _: None)
    front = batch(samples, replace(SETTINGS, batch_size=3), 5)[0]
    columns = front.pictures.shape[-1] // 4
    checked = 0
    for picture, cells in zip(front.pictures.numpy(), front.cells, strict=True):
        for place in cells[cells.sum(-1) > 0].argmax(-1).tolist():
            row, column = divmod(place, columns)
            near = picture[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].reshape(3, -1)
            grey = picture.reshape(3, -1).mean(axis=1, keepdims=True)
            checked += 1
            assert np.abs(near - grey).max() > 8  # there is a dot
    assert checked > 20


def test_scenes_that_are_there_are_kept_and_others_are_refused(tmp_path: Path) -> None:
    def breaks(numbers: range) -> Iterator[LabelledScene]:
        yield from dots(range(numbers.start, 2))
        raise KeyboardInterrupt

    samples = KeypointSamples(tmp_path, SMALL, 4, MADE_OF)
    with pytest.raises(KeyboardInterrupt):
        samples.fill(breaks, lambda _: None)
    content = json.loads((tmp_path / MARKER).read_text()) if (tmp_path / MARKER).exists() else {}
    again = KeypointSamples(tmp_path, SMALL, 4, MADE_OF)
    assert again.done == content.get("done", 0)
    made: list[int] = []
    again.fill(dots, made.append)
    assert made[-1] == 4
    assert KeypointSamples(tmp_path, SMALL, 4, MADE_OF).done == 4
    with pytest.raises(ValueError, match="holds other scenes"):
        KeypointSamples(tmp_path, SMALL, 4, {"seed": 4})


def test_a_run_that_was_stopped_goes_on_to_the_same_result(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = training._step, 0

    def stops(*given: object) -> tuple[float, float]:
        nonlocal steps
        steps += 1
        if steps == 5:
            raise KeyboardInterrupt
        return step(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "_step", stops)
    with pytest.raises(KeyboardInterrupt):
        train_keypoints(SMALL, dots, MADE_OF, 6, SETTINGS, tmp_path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="--resume"):
        train_keypoints(SMALL, dots, MADE_OF, 6, SETTINGS, tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        train_keypoints(SMALL, dots, MADE_OF, 6, replace(SETTINGS, seed=1), tmp_path, True)
    train_keypoints(SMALL, dots, MADE_OF, 6, SETTINGS, tmp_path, True)
    camera = SMALL.cameras[0]
    picture = next(dots(range(1))).pictures[0]
    expected, found = (KeypointDetector(p)(camera, picture) for p in (trained, tmp_path / RESULT))
    assert np.allclose(found.depths, expected.depths, atol=1e-4)


def test_what_is_not_seen_is_left_out_and_the_reason_is_there(trained: Path) -> None:
    source = SeenKeypoints(trained)  # six steps find nothing
    grey = np.full((240, 320, 3), 120, np.uint8)
    seen = Observation({"front": grey, "wrist": grey}, HOME, GRIPPER_STROKE, 1.5)
    assert source.find(seen) == {}
    assert source.stamp == 1.5
    assert set(source.unseen) == {"bread", "plate"}
    assert source.unseen["bread"] == "0 of its 5 keypoints are seen and fit its shape"
    with pytest.raises(NoMotion, match="need a picture of wrist"):
        source.find(replace(seen, images={"front": grey}))
    wide = np.full((180, 320, 3), 120, np.uint8)
    with pytest.raises(NoMotion, match="the front camera gives 320 x 180 pictures"):
        source.find(replace(seen, images={"front": wide, "wrist": grey}))


def test_another_onnx_file_is_refused(trained: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(trained)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(KeypointFileError, match="does not say which keypoints"):
        KeypointDetector(tmp_path / "bare.onnx")
