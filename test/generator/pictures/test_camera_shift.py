"""A camera that has moved is noticed, whatever else moves, and one that has not is not."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.generator.pictures.camera_shift import (
    LIMIT,
    WARNING,
    CameraReference,
    NoReference,
    write_reference,
)

REFERENCE = CameraReference(scene(1))
RNG = np.random.default_rng(0)


def with_arm(picture: np.ndarray, seed: int) -> np.ndarray:
    """Something large and rich in edges stands before a fifth of the view."""
    seen, (top, left) = picture.copy(), np.random.default_rng(seed).integers(0, (240, 340))
    seen[top : top + 240, left : left + 260] = scene(seed + 1000, 240, 260)
    return seen


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.floats(0.3, 1.3), st.floats(0, 8))
def test_arm_light_and_noise_do_not_move_the_camera(seed: int, gain: float, noise: float) -> None:
    seen = with_arm(scene(1), seed) * gain + RNG.normal(0, noise, (480, 640, 3))
    shift = REFERENCE.shift(np.clip(seen, 0, 255).astype(np.uint8))
    assert shift.clear
    assert shift.pixels <= WARNING / 2


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(14, 70), st.floats(0, 6.28))
def test_a_shift_is_found_behind_the_arm(seed: int, pixels: int, way: float) -> None:
    offset = np.round(2 * pixels * np.array([np.sin(way), np.cos(way)])).astype(int)
    seen = with_arm(np.roll(scene(1), offset, (0, 1)), seed)
    shift = REFERENCE.shift(seen)
    assert not shift.clear or shift.pixels == pytest.approx(pixels, abs=2)
    assert shift.pixels > LIMIT


@pytest.mark.parametrize(("roll", "pixels"), [(1, 0), (2, 6), (-4, 11), (6, 17)])
def test_a_rolled_camera_is_noticed(roll: float, pixels: int) -> None:
    turn = cv2.getRotationMatrix2D((319.5, 239.5), roll, 1)
    seen = cv2.warpAffine(scene(1), turn, (640, 480), borderMode=cv2.BORDER_REFLECT)
    shift = REFERENCE.shift(with_arm(seen, 3))
    assert shift.clear
    assert shift.pixels == pytest.approx(pixels, abs=2)


def test_the_size_of_the_pictures_does_not_matter() -> None:
    small, large = scene(1)[::2, ::2], np.repeat(np.repeat(scene(1), 2, 0), 2, 1)
    assert REFERENCE.shift(small).pixels == REFERENCE.shift(large).pixels == 0
    with pytest.raises(NoReference, match="take a new one"):
        REFERENCE.shift(scene(1)[:360])


@pytest.mark.parametrize("seed", range(5, 15))
def test_another_view_is_not_compared(seed: int) -> None:
    assert not REFERENCE.shift(scene(seed)).clear


def test_a_picture_without_edges_is_no_reference(tmp_path: Path) -> None:
    with pytest.raises(NoReference, match="too few edges"):
        write_reference(tmp_path / "x.png", np.full((480, 640, 3), 90, np.uint8))
    assert not (tmp_path / "x.png").exists()


def test_a_file_that_is_no_picture_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("nothing")
    with pytest.raises(NoReference, match="kinevla camera-reference"):
        CameraReference.read(tmp_path / "x.png")


def test_a_dataset_shows_how_its_camera_stood(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("av")
    from kinevla_ros.data.episode import Episode, Frame
    from kinevla_ros.data.lerobot.schema import Schema
    from kinevla_ros.data.lerobot.writer import DatasetWriter

    out, root = tmp_path / "front.png", tmp_path / "dataset"
    with DatasetWriter.open(root, Schema(height=240, width=320), 5) as writer:
        for seed in range(5):
            front = with_arm(scene(1), seed)[::2, ::2]
            frame = Frame(
                {"front": front, "wrist": front}, np.zeros(8), np.zeros(8), "goal", "kinematics"
            )
            writer.add(Episode("put the bread there", [frame]))
    words = ["camera-reference", str(out), "--dataset", str(root)]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    shift = CameraReference.read(out).shift(scene(1))
    assert (shift.pixels, shift.alike) == (0, pytest.approx(1, abs=0.25))
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 1
    assert "remove it" in answer.output


def test_in_the_cell_a_moved_camera_is_noticed() -> None:
    pytest.importorskip("mujoco")
    from kinevla_ros.evaluation.suite.run.alarms import Alarms
    from kinevla_ros.sim.cell.cell import Cell
    from kinevla_ros.sim.cell.variation import Variation

    found = Alarms()
    with closing(Cell(Variation("camera", 0.1))) as cell:
        cell.reset(np.random.default_rng(77))
        found.look(cell.render(), cell.joint_positions())
    assert found.counts == {"front moved": 1}
