"""Kernelised movement primitives (Huang et al., IJRR 2019): mean, covariance, points to meet.

KMP has a scale: its kernel is 1 in the square of the motion's unit, so the same settings smooth
more in metres than in millimetres. `Gaussians.scaled` brings a motion to the unit that is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from kinevla_ros.primitives.gaussians import Gaussians, symmetric

Array = NDArray[np.float64]

POINT_VARIANCE = 1e-6
"""Variance of a point that is to be met."""

_JITTER = 1e-9
_SAME_PHASE = 2.5e-4


@dataclass(frozen=True)
class KmpSettings:
    """How much a KMP smooths.

    Attributes:
        width: h of the kernel k(a, b) = exp(-h (a - b)^2) of phases; larger bends sooner.
        smoothing: lambda of the mean; larger follows the reference less where it is unsure.
        spread: lambda_c of the covariance, which is at most N / lambda_c.
    """

    width: float
    smoothing: float
    spread: float


PUBLISHED = KmpSettings(width=24.0, smoothing=1.0, spread=60.0)
"""The authors' own for letters of about 16 units; their h = 6 is for times from 0 to 2 s."""


def through(reference: Gaussians, phases: ArrayLike, points: ArrayLike) -> Gaussians:
    """A reference that is to meet points.

    Args:
        reference: N Gaussians.
        phases: shape (R,), 0 to 1, when each is to be met.
        points: shape (R, D).

    Returns:
        At most N + R Gaussians; a point takes the place of what was at its phase.

    Raises:
        ValueError: shapes do not fit, a number is not finite or a phase not within 0 to 1.
    """
    when, where = np.atleast_1d(np.asarray(phases, float)), np.asarray(points, float)
    dims = reference.means.shape[1]
    if where.shape != (len(when), dims):
        raise ValueError(f"points of shape {where.shape} for phases {when.shape}; give (R, {dims})")
    if not np.isfinite(where).all():
        raise ValueError("a point to meet holds a number that is not finite")
    if not ((when >= 0) & (when <= 1)).all():
        raise ValueError("a point to meet has a phase outside 0 to 1")
    keep = (abs(reference.phases[:, None] - when) > _SAME_PHASE).all(axis=1)
    tight = np.tile(POINT_VARIANCE * np.eye(dims), (len(when), 1, 1))
    joined = np.concatenate([reference.phases[keep], when])
    order = np.argsort(joined, kind="stable")
    return Gaussians(
        joined[order],
        np.concatenate([reference.means[keep], where])[order],
        np.concatenate([reference.covariances[keep], tight])[order],
    )


def predict(reference: Gaussians, phases: Array, settings: KmpSettings) -> Gaussians:
    """The motion nearest to a reference by Kullback-Leibler divergence (eq. 5 of VL-MP).

    With K = [k(t_i, t_j) I], S = blockdiag(S_i) and k* = [k(t*, t_1) I ... k(t*, t_N) I]: mean
    k* (K + lambda S)^-1 mu and covariance N / lambda_c (I - k* (K + lambda_c S)^-1 k*^T).

    Args:
        reference: N Gaussians, with points to meet by `through`.
        phases: shape (Q,), where to predict.

    Returns:
        Q Gaussians.
    """
    count, dims = reference.means.shape
    gram = _kernel(reference.phases, reference.phases, settings.width, dims)
    across = _kernel(phases, reference.phases, settings.width, dims)
    lower = _factor(gram, settings.smoothing * reference.covariances)
    weights = cho_solve((lower, True), reference.means.ravel(), check_finite=False)
    lower = _factor(gram, settings.spread * reference.covariances)
    known = solve_triangular(lower, across.T, lower=True, check_finite=False)
    known = known.reshape(-1, len(phases), dims)
    left = np.eye(dims) - np.einsum("nqi,nqj->qij", known, known)
    means = (across @ weights).reshape(-1, dims)
    return Gaussians(phases, means, count / settings.spread * _positive(left))


def _kernel(a: Array, b: Array, width: float, dims: int) -> Array:
    """[k(a_i, b_j) I], shape (len(a) D, len(b) D)."""
    each = np.exp(-width * (a[:, None] - b) ** 2)
    return np.asarray(np.kron(each, np.eye(dims)), dtype=np.float64)


def _factor(gram: Array, blocks: Array) -> Array:
    """Lower Cholesky factor of a matrix, shape (N D, N D), with blocks added on its diagonal."""
    count, dims, _ = blocks.shape
    loaded = gram.copy()
    each = np.arange(count)
    loaded.reshape(count, dims, count, dims)[each, :, each, :] += blocks + _JITTER * np.eye(dims)
    lower, _ = cho_factor(loaded, lower=True, check_finite=False)
    return lower


def _positive(matrices: Array) -> Array:
    """Without the variances below zero that rounding leaves."""
    values, vectors = np.linalg.eigh(symmetric(matrices))
    raised = np.maximum(values, _JITTER)[:, None, :]
    return symmetric((vectors * raised) @ vectors.swapaxes(-1, -2))
