"""A demonstrated motion keeps its shape between new ends, and meets them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from kinevla_ros.primitives import rotations
from kinevla_ros.primitives.demonstrations import extent, resampled
from kinevla_ros.primitives.frames import TaskFrame
from kinevla_ros.primitives.gaussians import Gaussians, product
from kinevla_ros.primitives.kmp import PUBLISHED, predict, through
from kinevla_ros.primitives.primitive import Primitive, led_through, lfe_kmp, tp_gmm
from kinevla_ros.primitives.reference import regressed

Array = NDArray[np.float64]

PHASES = np.linspace(0.0, 1.0, 60)
SOME = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
COORDINATES = st.tuples(*[st.floats(-0.5, 0.5)] * 3).map(np.array)
TURNS = st.tuples(*[st.floats(-0.7, 0.7)] * 3).map(np.array)
SEEDS = st.integers(0, 2**32 - 1)


def bows(count: int, seed: int = 0) -> Array:
    """Demonstrated ways of about 0.3 m, shape (count, 60, 3), m."""
    rng = np.random.default_rng(seed)
    bow = np.sin(np.pi * PHASES)
    way = np.column_stack([0.3 * PHASES, 0.1 * bow, 0.1 * PHASES**2])
    wobble = rng.normal(0, 0.01, (count, 1, 3)) * bow[:, None]
    return way + wobble + rng.normal(0, 0.02, (count, 1, 3))


def turnings(count: int, seed: int = 0) -> Array:
    """Demonstrated turns of up to a radian, shape (count, 60, 4)."""
    rng = np.random.default_rng(seed)
    bow = np.sin(np.pi * PHASES)
    way = np.column_stack([PHASES, 0.3 * bow, 0.5 * PHASES])
    found = way + rng.normal(0, 0.05, (count, 1, 3)) * bow[:, None]
    return np.stack([(Rotation.from_rotvec(each) * START).as_quat() for each in found])


START = Rotation.from_rotvec([0.3, 1.0, 2.0])


def learnt(demonstrations: Array) -> Primitive:
    return lfe_kmp(
        demonstrations,
        [TaskFrame.at(points[0]) for points in demonstrations],
        [TaskFrame.at(points[-1]) for points in demonstrations],
    )


ONE, SIX = bows(1), bows(6)
FROM_ONE, FROM_SIX = learnt(ONE), learnt(SIX)
TURNED_ONE, TURNED_FOUR = (
    rotations.lfe_kmp(each, each[:, 0], each[:, -1]) for each in (turnings(1), turnings(4))
)
PRIMITIVES = st.sampled_from([FROM_ONE, FROM_SIX])
TURNED = st.sampled_from([TURNED_ONE, TURNED_FOUR])


def angles(a: Array, b: Array) -> Array:
    """How far rotations are apart, rad."""
    found = (Rotation.from_quat(a) * Rotation.from_quat(b).inv()).magnitude()
    return np.asarray(found)


def positive(covariances: Array) -> bool:
    same = np.array_equal(covariances, covariances.swapaxes(-1, -2))
    return same and bool((np.linalg.eigvalsh(covariances) > 0).all())


@SOME
@given(PRIMITIVES, COORDINATES, COORDINATES, TURNS, TURNS)
def test_a_motion_meets_the_start_and_the_end_that_it_is_put_between(
    primitive: Primitive, start: Array, end: Array, turn: Array, other: Array
) -> None:
    axes = (Rotation.from_rotvec(each).as_matrix() for each in (turn, other))
    first, last = (TaskFrame(a, b) for a, b in zip(axes, (start, end), strict=True))
    path = primitive.between(first, last).means
    # A hundredth of its extent, the 0.1 units of a letter of 16.
    assert np.linalg.norm(path[0] - start) < 0.01 * extent(SIX)
    assert np.linalg.norm(path[-1] - end) < 0.01 * extent(SIX)


@SOME
@given(PRIMITIVES, COORDINATES, st.floats(-3, 3), TURNS)
def test_a_motion_keeps_its_shape_where_both_frames_are_turned_and_moved(
    primitive: Primitive, by: Array, about: float, turn: Array
) -> None:
    rotation = Rotation.from_rotvec([0, 0, about]) * Rotation.from_rotvec(turn)
    axes = rotation.as_matrix()
    first, last = TaskFrame.at(np.zeros(3)), TaskFrame.at(np.array([0.4, 0.1, 0.0]))
    plain = primitive.between(first, last)
    moved = primitive.between(
        *(TaskFrame(axes @ each.axes, axes @ each.origin + by) for each in (first, last))
    )
    np.testing.assert_allclose(moved.means, plain.means @ axes.T + by, atol=1e-9)
    np.testing.assert_allclose(moved.covariances, axes @ plain.covariances @ axes.T, atol=1e-12)


@pytest.mark.parametrize(("demonstrations", "factor"), [(ONE, 1e3), (ONE, 1e-3), (SIX, 1e3)])
def test_the_unit_of_the_demonstrations_does_not_change_the_motion(
    demonstrations: Array, factor: float
) -> None:
    ends = TaskFrame.at(np.zeros(3)), TaskFrame.at(np.array([0.2, 0.2, 0.2]))
    plain = learnt(demonstrations).between(*ends).means
    scaled = learnt(demonstrations * factor)
    found = scaled.between(*(TaskFrame.at(each.origin * factor) for each in ends)).means
    np.testing.assert_allclose(found / factor, plain, atol=1e-6)


def test_one_demonstration_between_its_own_ends_is_repeated() -> None:
    path = FROM_ONE.between(TaskFrame.at(ONE[0, 0]), TaskFrame.at(ONE[0, -1])).means
    assert abs(path - ONE[0]).max() < 0.001


@pytest.mark.parametrize("count", [1, 4])
def test_a_place_that_is_only_turned_in_stays_a_place(count: int) -> None:
    resting = np.tile(np.array([0.4, 0.1, 0.2]), (count, 60, 1))
    found = learnt(resting).between(TaskFrame.at(resting[0, 0]), TaskFrame.at(resting[0, 0]))
    np.testing.assert_allclose(found.means, resting[0], atol=1e-6)
    assert positive(found.covariances)


@SOME
@given(PRIMITIVES, COORDINATES, COORDINATES)
def test_covariances_are_symmetric_and_positive(
    primitive: Primitive, start: Array, end: Array
) -> None:
    motion = primitive.between(TaskFrame.at(start), TaskFrame.at(end))
    assert positive(motion.covariances)
    assert positive(led_through(motion, [0.4], [motion.means[20] + 0.05]).covariances)


@SOME
@given(PRIMITIVES, st.floats(0.2, 0.8), COORDINATES)
def test_a_point_on_the_way_is_met_and_both_ends_still_are(
    primitive: Primitive, when: float, aside: Array
) -> None:
    motion = primitive.between(TaskFrame.at(np.zeros(3)), TaskFrame.at(np.array([0.3, 0.0, 0.1])))
    near = int(np.argmin(abs(motion.phases - when)))
    point = motion.means[near] + 0.1 * aside
    found = led_through(motion, motion.phases[near], point[None]).means
    assert np.linalg.norm(found[near] - point) < 0.003
    assert np.linalg.norm(found[[0, -1]] - motion.means[[0, -1]], axis=1).max() < 0.003


@SOME
@given(SEEDS)
def test_a_product_of_gaussians_is_that_of_their_precisions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(2):
        roots = rng.normal(size=(5, 3, 3))
        covariances = roots @ roots.swapaxes(-1, -2) + 0.1 * np.eye(3)
        parts.append(Gaussians(np.linspace(0, 1, 5), rng.normal(size=(5, 3)), covariances))
    found = product(*parts)
    precisions = [np.linalg.inv(part.covariances) for part in parts]
    covariance = np.linalg.inv(precisions[0] + precisions[1])
    pulls = [p @ part.means[..., None] for p, part in zip(precisions, parts, strict=True)]
    np.testing.assert_allclose(found.covariances, covariance, atol=1e-9)
    np.testing.assert_allclose(found.means, (covariance @ sum(pulls))[..., 0], atol=1e-9)


def test_the_regression_follows_the_mean_of_the_demonstrations_and_knows_their_spread() -> None:
    rng = np.random.default_rng(0)
    spread = rng.normal(0, 0.02, (400, 1, 3))
    reference = regressed(bows(1) + spread, components=8)
    assert np.linalg.norm(reference.means - bows(1)[0] - spread.mean(axis=0), axis=1).max() < 0.01
    deviations = np.sqrt(np.einsum("nii->ni", reference.covariances))
    assert (deviations > 0.015).all()
    assert (deviations < 0.04).all()


def test_a_kmp_meets_its_points_and_is_sure_there() -> None:
    reference = regressed(SIX).scaled(16 / 0.3)
    wanted = reference.means[[0, 30, -1]] + 1.0
    found = predict(through(reference, PHASES[[0, 30, -1]], wanted), PHASES, PUBLISHED)
    assert abs(found.means[[0, 30, -1]] - wanted).max() < 0.05
    assert np.trace(found.covariances[30]) < 0.1 * np.trace(found.covariances[15])


def test_tp_gmm_misses_the_ends_that_lfe_kmp_meets() -> None:
    frames = [[TaskFrame.at(points[end]) for points in SIX] for end in (0, -1)]
    goal = TaskFrame.at(np.array([0.6, -0.3, 0.2]))
    plain = tp_gmm(SIX, *frames).between(frames[0][0], goal).means
    ours = FROM_SIX.between(frames[0][0], goal).means
    assert np.linalg.norm(plain[-1] - goal.origin) > 0.01
    assert np.linalg.norm(ours[-1] - goal.origin) < 0.001


@SOME
@given(TURNED, TURNS, TURNS)
def test_a_turn_is_of_unit_quaternions_and_meets_both_ends(
    primitive: rotations.RotationPrimitive, first: Array, last: Array
) -> None:
    start = (Rotation.from_rotvec(first) * START).as_quat()
    end = Rotation.from_rotvec(last) * Rotation.from_rotvec([1, 0, 0.5]) * START
    found = primitive.between(start, end.as_quat())
    assert abs(np.linalg.norm(found.quaternions, axis=1) - 1).max() < 1e-12
    assert angles(found.quaternions[0], start) < 0.01
    assert angles(found.quaternions[-1], end.as_quat()) < 0.01
    assert positive(found.covariances)
    # Neither a jump of the rotation nor of the sign.
    assert angles(found.quaternions[1:], found.quaternions[:-1]).max() < 0.2
    assert ((found.quaternions[1:] * found.quaternions[:-1]).sum(axis=1) > 0.9).all()


@SOME
@given(TURNED, SEEDS)
def test_a_turn_keeps_its_shape_where_both_frames_are_turned(
    primitive: rotations.RotationPrimitive, seed: int
) -> None:
    by = Rotation.from_quat(np.random.default_rng(seed).normal(size=4))
    ends = START, Rotation.from_rotvec([0.8, 0.1, 0.7]) * START
    plain = primitive.between(*(each.as_quat() for each in ends))
    found = primitive.between(*((by * each).as_quat() for each in ends))
    wanted = (by * Rotation.from_quat(plain.quaternions)).as_quat()
    assert angles(found.quaternions, wanted).max() < 1e-6
    axes = by.as_matrix()
    np.testing.assert_allclose(found.covariances, axes @ plain.covariances @ axes.T, atol=1e-6)


def test_one_demonstrated_turn_between_its_own_ends_is_repeated() -> None:
    turning = turnings(1)[0]
    found = TURNED_ONE.between(turning[0], turning[-1])
    assert angles(found.quaternions, turning).max() < 0.01


def test_the_sign_of_a_quaternion_does_not_matter() -> None:
    turning = turnings(1)
    flipped = turning * np.where(np.arange(60) % 2, -1.0, 1.0)[:, None]
    same = rotations.lfe_kmp(flipped, -flipped[:, 0], flipped[:, -1])
    found, wanted = (each.between(turning[0, 0], turning[0, -1]) for each in (same, TURNED_ONE))
    assert angles(found.quaternions, wanted.quaternions).max() < 1e-6


def test_demonstrations_of_any_lengths_are_brought_to_one() -> None:
    line = np.linspace(0, 1, 300)[:, None] * np.array([1.0, 2.0])
    found = resampled([line, line[::7], line[[0, -1]]], steps=50)
    assert found.shape == (3, 50, 2)
    assert abs(found[:, :, 1] - 2 * found[:, :, 0]).max() < 1e-12
    turned = rotations.resampled([turnings(1)[0], -turnings(1)[0][::3]], steps=30)
    assert turned.shape == (2, 30, 4)
    assert angles(turned[0, 0], turned[1, 0]) < 1e-6


def nan_at(array: Array) -> Array:
    broken = array.copy()
    broken.flat[7] = np.nan
    return broken


FRAMES = [TaskFrame.at(np.zeros(3))]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regressed(ONE), "too few; give at least 2"),
        (lambda: regressed(SIX[:, :10]), "resample to at least 32"),
        (lambda: regressed(nan_at(SIX)), "not finite"),
        (lambda: regressed(SIX[0]), r"give \(M, N, D\)"),
        (lambda: tp_gmm(ONE, FRAMES, FRAMES), "at least 2"),
        (lambda: lfe_kmp(np.empty((0, 60, 3)), [], []), "0 demonstrations are too few"),
        (lambda: lfe_kmp(nan_at(ONE), FRAMES, FRAMES), "not finite"),
        (lambda: lfe_kmp(SIX, FRAMES, FRAMES), "1 frames for 6 demonstrations"),
        (lambda: lfe_kmp(ONE, [TaskFrame.at(np.zeros(2))], FRAMES), "dimensions"),
        (lambda: FROM_ONE.between(TaskFrame.at(np.zeros(2)), FRAMES[0]), "of 2 dimensions; give 3"),
        (lambda: TaskFrame(2 * np.eye(3), np.zeros(3)), "no rotation"),
        (lambda: TaskFrame(np.diag([1.0, 1.0, -1.0]), np.zeros(3)), "no rotation"),
        (lambda: TaskFrame(np.eye(2), np.zeros(3)), r"give \(D, D\) and \(D,\)"),
        (lambda: TaskFrame.at(np.array([0.0, np.inf, 0.0])), "not finite"),
        (lambda: resampled([]), "give at least one"),
        (lambda: resampled([np.zeros(5)]), "one point a row"),
        (lambda: resampled([nan_at(ONE[0])]), "demonstration 0 holds a number"),
        (lambda: resampled([np.zeros((5, 2)), np.zeros((5, 3))]), "all the same"),
        (lambda: led_through(FROM_ONE.start, [0.5], np.zeros((2, 3))), r"give \(R, 3\)"),
        (lambda: led_through(FROM_ONE.start, [1.5], np.zeros((1, 3))), "outside 0 to 1"),
        (lambda: led_through(FROM_ONE.start, [0.5], np.full((1, 3), np.nan)), "not finite"),
        (lambda: rotations.resampled([]), "give at least one"),
        (lambda: rotations.resampled([2 * turnings(1)[0]]), "normalise"),
        (lambda: rotations.lfe_kmp(ONE, ONE[:, 0], ONE[:, 0]), r"give \(N, 4\)"),
        (lambda: rotations.lfe_kmp(turnings(2), turnings(1)[:, 0], turnings(2)[:, 0]), "give"),
        (lambda: TURNED_ONE.between(np.zeros(4), np.array([0, 0, 0, 1.0])), "normalise"),
        (lambda: TURNED_ONE.between(*half_a_turn_apart()), "half a turn apart"),
        (lambda: rotations.lfe_kmp(*three_turns()), "split the motion"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_what_to_do(call: object, words: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=words):
        call()


def half_a_turn_apart() -> tuple[Array, Array]:
    turning = turnings(1)[0]
    flipped = Rotation.from_rotvec([0, 0, np.pi]) * Rotation.from_quat(turning[-1])
    return turning[0], flipped.as_quat()


def three_turns() -> tuple[Array, Array, Array]:
    turns = Rotation.from_rotvec(np.outer(6 * np.pi * PHASES, [0.0, 0.0, 1.0])).as_quat()[None]
    return turns, turns[:, 0], turns[:, -1]
