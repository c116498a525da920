"""What is read out of heat maps, and what the channels of a rig mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_keypoints import HOME, RIG, SCENE, points

from kinevla_ros.keypoints.detector import KeypointDetector, KeypointFileError, peaks
from kinevla_ros.keypoints.rig import KeypointRig, object_points


def bell(x: float, y: float, rows: int = 30, columns: int = 40) -> np.ndarray:
    down, across = np.mgrid[0:rows, 0:columns] + 0.5
    return np.asarray(12.0 - 0.5 * ((across - x) ** 2 + (down - y) ** 2), np.float32)


def test_a_peak_is_found_between_the_cells() -> None:
    heat = np.stack([bell(10.3, 20.8), bell(33.0, 5.5)])
    depth = np.log(np.stack([np.full((30, 40), 0.7), np.full((30, 40), 0.9)])).astype(np.float32)
    found = peaks(heat, depth, 4.0)
    assert np.allclose(found.pixels, [[41.2, 83.2], [132.0, 22.0]], atol=0.5)
    assert np.allclose(found.depths, [0.7, 0.9], atol=1e-3)
    assert (found.masses > 0.9).all()


def test_what_is_in_no_cell_or_in_two_has_little_mass() -> None:
    nowhere = np.full((30, 40), -9.0, np.float32)
    twice = np.logaddexp(bell(8, 8), bell(30, 20)).astype(np.float32)
    found = peaks(np.stack([nowhere, twice]), np.zeros((2, 30, 40), np.float32), 4.0)
    assert found.masses[0] < 0.01
    assert found.masses[1] == pytest.approx(0.5, abs=0.05)


def test_a_peak_at_the_edge_stays_in_the_picture() -> None:
    found = peaks(bell(0.2, 29.9)[None], np.zeros((1, 30, 40), np.float32), 4.0)
    assert ((found.pixels >= 0) & (found.pixels <= [160, 120])).all()


def test_a_rig_keeps_its_meaning_in_its_file() -> None:
    assert KeypointRig.model_validate_json(RIG.model_dump_json()) == RIG
    assert RIG.channels == 17
    assert RIG.centres == [0, 5]
    assert RIG.arm == slice(10, 17)


def test_a_mirrored_scene_has_mirrored_keypoints() -> None:
    flip = np.array([1.0, -1.0, -1.0])
    scene = {name: pose * flip for name, pose in SCENE.items()}
    expected = points(SCENE, HOME) * [1, -1, 1]
    assert np.allclose(points(scene, HOME)[RIG.mirrored], expected, atol=1e-9)


def test_what_looks_alike_has_the_same_keypoints() -> None:
    bread, plate = RIG.objects
    turned = object_points(bread, np.array([0.2, 0.1, 0.3 + np.pi]))
    assert np.allclose(turned, object_points(bread, np.array([0.2, 0.1, 0.3])))
    round_one = object_points(plate, np.array([0.2, 0.1, 1.0]))
    assert np.allclose(round_one, object_points(plate, np.array([0.2, 0.1, 0.0])))


def test_a_file_that_is_no_keypoint_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="kinevla train keypoints"):
        KeypointDetector(tmp_path / "none.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no graph at all")
    with pytest.raises(KeypointFileError, match=r"damaged\.onnx"):
        KeypointDetector(damaged)
