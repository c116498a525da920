from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kinevla_ros.codec.statistics import HALF_RANGE_FLOOR, ActionStatistics


def chunks(count: int = 20, spread: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(0)
    joints = rng.uniform(-spread, spread, (count, 5, 7))
    gripper = rng.choice([0.0, 0.07], (count, 5, 1))
    return np.concatenate([joints, gripper], axis=2).astype(np.float32)


def test_bounds_are_minimum_and_maximum_of_the_joint_offsets():
    data = chunks()
    statistics = ActionStatistics.fit(data)
    np.testing.assert_allclose(statistics.lower[:7], data[..., :7].min(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(statistics.upper[:7], data[..., :7].max(axis=(0, 1)), atol=1e-6)


def test_an_idle_joint_gets_the_range_floor_so_its_noise_stays_small():
    data = chunks()
    data[..., 3] = np.random.default_rng(1).normal(0.2, 1e-3, data.shape[:2])
    statistics = ActionStatistics.fit(data)
    assert statistics.upper[3] - statistics.lower[3] == pytest.approx(2 * HALF_RANGE_FLOOR)
    assert np.abs(statistics.normalise(data)[..., 3]).max() < 0.1


def test_the_gripper_spans_its_stroke_even_if_the_data_never_open_it():
    data = chunks()
    data[..., 7] = 0.0
    statistics = ActionStatistics.fit(data)
    assert (statistics.lower[7], statistics.upper[7]) == pytest.approx((0.0, 0.07))


@settings(deadline=None)
@given(arrays(np.float32, (3, 5, 8), elements=st.floats(-3, 3, width=32)))
def test_denormalise_undoes_normalise_also_beyond_the_bounds(values):
    statistics = ActionStatistics.fit(chunks())
    restored = statistics.denormalise(statistics.normalise(values))
    np.testing.assert_allclose(restored, values, atol=2e-5)


def test_training_data_lie_within_minus_one_and_one():
    data = chunks()
    assert np.abs(ActionStatistics.fit(data).normalise(data)).max() <= 1 + 1e-6


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_chunks_with_nan_or_infinity_are_refused(bad):
    data = chunks()
    data[3, 2, 1] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        ActionStatistics.fit(data)


def test_a_gripper_in_millimetres_is_refused():
    data = chunks()
    data[..., 7] *= 1000
    with pytest.raises(ValueError, match="gripper"):
        ActionStatistics.fit(data)


def test_empty_ranges_are_refused():
    with pytest.raises(ValueError, match="below"):
        ActionStatistics(np.zeros(8), np.zeros(8))
