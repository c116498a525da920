"""Disagreement of chunks, and the threshold that a checkpoint stores for it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.disagreement import (
    GRIPPER,
    JOINTS,
    WINDOW,
    Disagreement,
    overlap_distance,
)
from kinevla_ros.generator.decoding.doubt import FILE_NAME, load_doubt, save_doubt
from kinevla_ros.generator.weights import MODEL_FILE


def chunk(stamp: float, offset: float = 0.0) -> ActionChunk:
    """All joints go 1 rad/s and the gripper 1 mm/s, both `offset` of their units ahead."""
    due = stamp + 0.1 * np.arange(1, 6)
    joints = np.tile(due + offset * JOINTS, (7, 1)).T
    return ActionChunk(stamp, 1, joints, 0.001 * due + offset * GRIPPER)


@pytest.mark.parametrize("later", [0.1, 0.2, 0.25, 0.4])
def test_a_policy_that_goes_on_as_it_said_does_not_disagree(later: float) -> None:
    assert overlap_distance(chunk(3.0), chunk(3.0 + later)) == pytest.approx(0.0, abs=1e-9)
    assert overlap_distance(chunk(3.0), chunk(3.0 + later, -0.4)) == pytest.approx(0.8)


@pytest.mark.parametrize("later", [0.5, 7.0, -0.2])
def test_chunks_that_share_no_time_cannot_be_compared(later: float) -> None:
    assert math.isnan(overlap_distance(chunk(3.0), chunk(3.0 + later)))


def test_disagreement_is_averaged_over_the_last_second() -> None:
    disagreement = Disagreement()
    found = [disagreement(chunk(0.2 * i, 0.1 * (i >= 6))) for i in range(14)]
    assert all(math.isnan(x) for x in found[:WINDOW])
    assert found[WINDOW] == pytest.approx(0.0, abs=1e-9)
    assert found[6 : 6 + WINDOW] == pytest.approx([0.2 / WINDOW] * WINDOW)
    assert found[-1] == pytest.approx(0.0, abs=1e-9)


def test_after_a_gap_or_a_reset_the_past_is_forgotten() -> None:
    for begin_again in (Disagreement.reset, lambda each: each(chunk(100.0))):
        disagreement = Disagreement()
        for i in range(8):
            disagreement(chunk(0.2 * i, 0.1 * (i % 2)))
        begin_again(disagreement)
        assert math.isnan(disagreement(chunk(100.2)))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    (tmp_path / MODEL_FILE).write_bytes(b"weights")
    write_manifest(tmp_path)
    return tmp_path


def test_a_checkpoint_keeps_its_threshold_and_has_none_without_the_file(checkpoint: Path) -> None:
    assert load_doubt(checkpoint) is None
    save_doubt(checkpoint, 0.07, 0.05, 40)
    assert load_doubt(checkpoint) == 0.07


def test_a_threshold_of_other_weights_is_refused_with_the_cure(checkpoint: Path) -> None:
    save_doubt(checkpoint, 0.07, 0.05, 40)
    (checkpoint / MODEL_FILE).write_bytes(b"other weights")
    write_manifest(checkpoint)
    with pytest.raises(CheckpointError, match=r"other weights.*kinevla calibrate --episodes"):
        load_doubt(checkpoint)


@pytest.mark.parametrize("most", ["0.07", None, -1.0, True])
def test_a_threshold_that_is_no_such_number_is_refused(checkpoint: Path, most: object) -> None:
    save_doubt(checkpoint, 0.07, 0.05, 40)
    content = json.loads((checkpoint / FILE_NAME).read_text())
    (checkpoint / FILE_NAME).write_text(json.dumps(content | {"most_disagreement": most}))
    write_manifest(checkpoint)
    with pytest.raises(CheckpointError, match="most_disagreement"):
        load_doubt(checkpoint)


def test_a_damaged_threshold_is_refused(checkpoint: Path) -> None:
    save_doubt(checkpoint, 0.07, 0.05, 40)
    (checkpoint / FILE_NAME).write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        load_doubt(checkpoint)
