"""A thing lies still until observations agree that it does not."""

from __future__ import annotations

import numpy as np

from kinevla_ros.keypoints.steady import MOVED, TURNED_OVER, SteadyPoses

PLACE = np.array([0.25, 0.0, 0.4])


def settled() -> SteadyPoses:
    steady, rng = SteadyPoses(), np.random.default_rng(0)
    for step in range(6):
        noise = rng.normal(0.0, 1.0, 3) * [0.003, 0.003, 0.03]
        found = steady.follow(0.2 * step, {"carrot": PLACE + noise})["carrot"]
    assert np.hypot(*(found - PLACE)[:2]) < 0.003
    return steady


def test_one_observation_elsewhere_is_not_believed() -> None:
    steady = settled()
    found = steady.follow(1.2, {"carrot": np.add(PLACE, [0.1, 0, 0])})["carrot"]
    assert np.hypot(*(found - PLACE)[:2]) < 0.005


def test_an_object_that_has_moved_is_followed_when_observations_agree() -> None:
    steady, moved = settled(), np.add(PLACE, [0.05, 0.03, 0.5])
    found = [steady.follow(1.2 + 0.2 * k, {"carrot": moved})["carrot"] for k in range(MOVED)]
    assert np.allclose(found[-1], moved)
    assert np.hypot(*(found[-2] - PLACE)[:2]) < 0.005


def test_an_object_does_not_turn_over_where_it_lies_unless_it_is_seen_for_long() -> None:
    steady, turned = settled(), np.add(PLACE, [0.0, 0.0, np.pi])
    found = [steady.follow(1.2 + 0.2 * k, {"carrot": turned})["carrot"] for k in range(TURNED_OVER)]
    assert abs(found[-2][2] - PLACE[2]) < 0.1
    assert np.allclose(found[-1], turned)


def test_yaws_are_averaged_the_short_way_round() -> None:
    steady = SteadyPoses()
    steady.follow(0.0, {"carrot": np.array([0.0, 0.0, np.pi - 0.02])})
    found = steady.follow(0.2, {"carrot": np.array([0.0, 0.0, -np.pi + 0.02])})["carrot"]
    assert abs(np.cos(found[2]) + 1.0) < 1e-3


def test_what_is_not_seen_is_not_given_and_an_old_pose_is_forgotten() -> None:
    steady, elsewhere = settled(), np.array([0.4, 0.2, -1.0])
    assert steady.follow(1.2, {}) == {}
    assert np.allclose(steady.follow(5.0, {"carrot": elsewhere})["carrot"], elsewhere)
    assert np.allclose(steady.follow(0.0, {"carrot": PLACE})["carrot"], PLACE)
