"""Another camera, less light, more things, later chunks: what changes, and what does not."""

from __future__ import annotations

import numpy as np
import pytest
from scripted_policy import DemonstratorPolicy

from kinevla_ros.evaluation.suite.episode import EpisodeResult
from kinevla_ros.evaluation.suite.episodes import episodes, under
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.variation import KINDS, Variation, read_variations


def seen(variation: Variation | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    cell = Cell(variation)
    state = cell.reset(np.random.default_rng(3))
    images = cell.render()
    cell.close()
    return images, state.vector()


@pytest.fixture(scope="module")
def plain() -> tuple[dict[str, np.ndarray], np.ndarray]:
    return seen(None)


@pytest.mark.parametrize("kind", ["camera", "lights", "distractors", "all"])
def test_a_variation_changes_the_front_image_and_leaves_the_scene(plain, kind) -> None:
    images, scene = seen(*read_variations(kind))
    assert np.abs(images["front"].astype(int) - plain[0]["front"]).mean() > 1
    np.testing.assert_allclose(scene, plain[1], atol=1e-6)


@pytest.mark.parametrize("kind", ["camera", "lights", "distractors", "all"])
def test_at_its_plain_strength_a_variation_changes_nothing(plain, kind) -> None:
    images, _ = seen(Variation(kind, KINDS[kind].plain))
    for name, image in images.items():
        np.testing.assert_array_equal(image, plain[0][name])


def test_all_at_once_is_each_kind_by_the_same_share() -> None:
    whole, half = Variation("all", 1.0), Variation("all", 0.5)
    kinds = [kind for kind in KINDS if kind != "all"]
    assert [whole.of(kind) for kind in kinds] == [KINDS[kind].default for kind in kinds]
    assert [half.of(kind) for kind in kinds] == pytest.approx([0.05, 0.75, 2, 0.15])
    assert Variation("camera", 0.2).of("latency") == KINDS["latency"].plain


def test_each_unknown_object_more_is_seen(plain) -> None:
    before = plain[0]["front"]
    for count in range(1, 7):
        images, _ = seen(Variation("distractors", count))
        assert (images["front"] != before).any(axis=2).sum() > 100
        before = images["front"]


def test_lights_change_the_image_by_their_strength(plain) -> None:
    def brightness(strength: float) -> float:
        images, _ = seen(Variation("lights", strength))
        return float(images["front"][100:, 60:260].mean() / plain[0]["front"][100:, 60:260].mean())

    found = [brightness(strength) for strength in (0.25, 0.5, 1.5, 2.0)]
    assert found == sorted(found)
    assert found[:2] == pytest.approx([0.25, 0.5], rel=0.3)
    assert found[-1] > 1.2


def test_the_wrist_camera_does_not_see_the_front_camera_move(plain) -> None:
    images, _ = seen(Variation("camera", 0.1))
    np.testing.assert_array_equal(images["wrist"], plain[0]["wrist"])


def test_kinds_and_strengths_are_read_as_people_write_them() -> None:
    assert read_variations("camera") == [Variation("camera", 0.1)]
    found = read_variations("camera=0.05,0.1")
    assert [v.name for v in found] == ["camera 0.05", "camera"]
    assert found[0].meaning == "the front camera moves aside by 5% of its distance from the table"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("wind", "there is camera, lights, distractors, latency"),
        ("camera=", "strengths are numbers"),
        ("camera=far", "strengths are numbers"),
        ("camera=0.5", "0.5 is not in 0 to 0.3"),
        ("camera=nan", "nan is not in"),
        ("lights=-1", "-1 is not in 0.1 to 3"),
        ("distractors=2.5", "2.5 is not a whole number"),
    ],
)
def test_what_is_no_variation_is_refused_with_what_is_possible(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_variations(text)


def test_later_chunks_move_the_arm_later_and_the_task_is_still_done() -> None:
    plain = episodes("kine_realman", 1, 3)[:1]
    (late,) = under(plain, variations=read_variations("latency"))
    cell = Cell()
    usual, delayed = (run_episode(cell, DemonstratorPolicy(cell), e) for e in (*plain, late))
    cell.close()
    assert _first_motion(delayed) > _first_motion(usual)
    assert usual.kinematic
    assert delayed.kinematic


def _first_motion(result: EpisodeResult) -> int:
    """After how many tenths of a second the tool has gone a millimetre."""
    gone = np.linalg.norm(np.subtract(result.path, result.path[0]), axis=1)
    return int(np.argmax(gone > 1e-3))
