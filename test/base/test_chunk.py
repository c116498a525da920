"""The action chunk refuses what cannot be a motion."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinevla_ros.base.chunk import ACTION_DIM, HORIZON, JOINT_NAMES, ActionChunk


def chunk(**changes: object) -> ActionChunk:
    fields: dict[str, object] = {"stamp": 1.0, "sequence": 3}
    fields |= {"positions": np.zeros((5, 7)), "gripper": np.zeros(5)}
    return ActionChunk(**(fields | changes))  # type: ignore[arg-type]


def test_an_action_is_seven_joints_and_a_gripper() -> None:
    assert len(JOINT_NAMES) == 7
    assert ACTION_DIM == 8
    assert HORIZON == 5


def test_the_first_step_is_due_one_period_after_the_observation() -> None:
    np.testing.assert_allclose(chunk().times(), [1.1, 1.2, 1.3, 1.4, 1.5])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("positions", np.zeros((5, 6))),
        ("positions", np.zeros((4, 7))),
        ("gripper", np.zeros((5, 1))),
        ("positions", np.full((5, 7), np.nan)),
        ("gripper", np.array([0, 0, np.inf, 0, 0])),
        ("stamp", math.nan),
        ("dt", 0.0),
        ("dt", math.inf),
    ],
)
def test_a_malformed_chunk_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        chunk(**{field: value})


def test_a_chunk_cannot_be_changed_afterwards() -> None:
    positions = np.zeros((5, 7))
    made = chunk(positions=positions)
    with pytest.raises(ValueError, match="read-only"):
        made.positions[0, 0] = 1.0
    positions[0, 0] = 1.0
    assert made.positions[0, 0] == 0.0
