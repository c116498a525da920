"""LFE-KMP of rotations: unit quaternions on S3, learnt and generalised in its tangent spaces.

Quaternions are (x, y, z, w), as in ROS. A tangent vector at q is a rotation vector in rad:
Exp_q(v) = exp(v) q and Log_q(r) = log(r q^-1), twice the logarithm of S3, the shorter way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation, Slerp

from kinevla_ros.primitives.demonstrations import STEPS, check
from kinevla_ros.primitives.gaussians import Gaussians, symmetric
from kinevla_ros.primitives.primitive import learnt_at
from kinevla_ros.primitives.reference import End

Array = NDArray[np.float64]

FARTHEST = 3.0
"""From here on (rad) it is not clear which way round a turn goes; half a turn is 3.14."""

_ITERATIONS = 20
_CONVERGED = 1e-7


@dataclass(frozen=True, eq=False)
class Rotations:
    """A turning motion with its uncertainty.

    Attributes:
        phases: shape (N,), from 0 to 1, increasing.
        quaternions: shape (N, 4), (x, y, z, w), of length 1, without a jump of sign.
        covariances: shape (N, 3, 3), rad^2, in the tangent space at each quaternion, in the axes
            of the world.
    """

    phases: Array
    quaternions: Array
    covariances: Array


@dataclass(frozen=True, eq=False)
class RotationPrimitive:
    """A turning motion as the frame of its start and the frame of its end see it.

    Attributes:
        start, end: N Gaussians each, tangent vectors (rad) at the bases.
        start_base, end_base: quaternion in whose tangent space each was learnt, shape (4,).
    """

    start: Gaussians
    end: Gaussians
    start_base: Array
    end_base: Array

    def between(self, start: ArrayLike, end: ArrayLike) -> Rotations:
        """The motion between two rotations: the product on S3 of what both want (eq. 6 of VL-MP).

        Args:
            start, end: quaternions of the frames in the world, shape (4,).

        Raises:
            ValueError: a quaternion is none, or the frames disagree by half a turn.
        """
        first = _in_world(self.start, self.start_base, _rotations(start, (4,)))
        last = _in_world(self.end, self.end_base, _rotations(end, (4,)))
        return _product(self.start.phases, first, last)


def resampled(demonstrations: Sequence[Array], steps: int = STEPS) -> Array:
    """Turning motions of any lengths, each at the same phases, by slerp between its points.

    Args:
        demonstrations: each of shape (N_i, 4), quaternions evenly spaced in time.

    Returns:
        Shape (M, steps, 4).

    Raises:
        ValueError: there is none, or one holds less than two quaternions or what is none.
    """
    if not len(demonstrations):
        raise ValueError("there is no demonstration; give at least one")
    found = []
    for number, each in enumerate(demonstrations):
        rotations = _rotations(each, (None, 4))
        if len(rotations) < 2:
            raise ValueError(f"demonstration {number} holds {len(rotations)} points; give two")
        slerp = Slerp(np.linspace(0.0, 1.0, len(rotations)), rotations)
        found.append(_continuous(slerp(np.linspace(0.0, 1.0, steps)).as_quat()))
    return np.stack(found)


def lfe_kmp(demonstrations: Array, starts: ArrayLike, ends: ArrayLike) -> RotationPrimitive:
    """LFE-KMP of rotations, as `primitive.lfe_kmp` of positions.

    Each demonstration, seen from a frame, becomes tangent vectors at the mean rotation there.

    Args:
        demonstrations: quaternions, shape (M, N, 4). One demonstration is enough.
        starts, ends: the frames of each demonstration's start and end, quaternions, shape (M, 4).

    Raises:
        ValueError: shapes do not fit, a number is no quaternion's, or a motion turns by more than
            FARTHEST from its middle.
    """
    points = check(demonstrations)
    count, _, width = points.shape
    rotations = _rotations(points.reshape(-1, width), (None, 4))
    start, start_base = _learnt(rotations, _rotations(starts, (count, 4)), "start")
    end, end_base = _learnt(rotations, _rotations(ends, (count, 4)), "end")
    return RotationPrimitive(start, end, start_base, end_base)


def _learnt(rotations: Rotation, frames: Rotation, end: End) -> tuple[Gaussians, Array]:
    count = len(frames)
    steps = len(rotations) // count
    local = Rotation.from_quat(np.repeat(frames.inv().as_quat(), steps, axis=0)) * rotations
    base = local.mean()
    vectors = (local * base.inv()).as_rotvec()
    if np.linalg.norm(vectors, axis=1).max() > FARTHEST:
        raise ValueError(
            "demonstrations turn by nearly half a turn from their middle, or differ by as much; "
            "split the motion, or leave out the one that turns the other way"
        )
    return learnt_at(vectors.reshape(count, steps, 3), end), base.as_quat()


def _in_world(local: Gaussians, base: Array, frame: Rotation) -> tuple[Rotation, Array]:
    """Means as rotations in the world, and the covariances there.

    A covariance goes from the base to the mean by parallel transport, exp(mu / 2) in these
    coordinates (Lambda in eq. 6), then into the axes of the world.
    """
    means = frame * Rotation.from_rotvec(local.means) * Rotation.from_quat(base)
    return means, _turned(local.covariances, frame * Rotation.from_rotvec(local.means / 2))


def _product(phases: Array, a: tuple[Rotation, Array], b: tuple[Rotation, Array]) -> Rotations:
    """mu <- Exp_mu(S sum S_p^-1 Log_mu(mu_p)) until it stays, the covariances transported to mu."""
    if (a[0] * b[0].inv()).magnitude().max() > FARTHEST:
        raise ValueError(
            "start and end want rotations nearly half a turn apart at the same phase; turn one of "
            "them, or choose an equal grasp that is nearer"
        )
    mean, covariances = a
    for _ in range(_ITERATIONS):
        to_a, to_b = (a[0] * mean.inv()).as_rotvec(), (b[0] * mean.inv()).as_rotvec()
        s_a = _turned(a[1], Rotation.from_rotvec(-to_a / 2))
        s_b = _turned(b[1], Rotation.from_rotvec(-to_b / 2))
        gain = np.linalg.solve(s_a + s_b, s_a).swapaxes(-1, -2)
        step = to_a + np.einsum("nij,nj->ni", gain, to_b - to_a)
        covariances = symmetric(gain @ s_b)
        mean = Rotation.from_rotvec(step) * mean
        if abs(step).max() < _CONVERGED:
            break
    return Rotations(phases, _continuous(mean.as_quat()), covariances)


def _turned(covariances: Array, rotations: Rotation) -> Array:
    matrices = rotations.as_matrix()
    return symmetric(matrices @ covariances @ matrices.swapaxes(-1, -2))


def _continuous(quaternions: Array) -> Array:
    """Of the two signs of each quaternion the one that is nearer to the one before."""
    flips = np.sign((quaternions[1:] * quaternions[:-1]).sum(axis=1))
    return quaternions * np.append(1.0, np.cumprod(flips))[:, None]


def _rotations(values: ArrayLike, shape: tuple[int | None, ...]) -> Rotation:
    """Quaternions of a shape, None for any number of them; raises ValueError if they are none."""
    found = np.asarray(values, dtype=float)
    fits = len(found.shape) == len(shape) and all(
        wanted in (None, given) for wanted, given in zip(shape, found.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("N" if each is None else str(each) for each in shape)
        raise ValueError(f"quaternions of shape {found.shape}; give ({wanted}), (x, y, z, w) each")
    if not (abs(np.linalg.norm(found, axis=-1) - 1.0) < 1e-3).all():
        raise ValueError("a quaternion is not finite or not of length 1; normalise it")
    return Rotation.from_quat(found)
