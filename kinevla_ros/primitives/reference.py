"""The reference of a primitive: what demonstrations have in common, as Gaussians over the phase."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from kinevla_ros.primitives.demonstrations import check, extent
from kinevla_ros.primitives.gaussians import Gaussians, symmetric

Array = NDArray[np.float64]
End = Literal["start", "end"]

COMPONENTS = 16
"""Gaussians of a mixture: as many corners as a motion of a hand has, and some."""

_REGULARISER = 1e-5
_FLOOR = 1e-4
_PHASE_SCALE = 12**0.5  # the phase's spread becomes 1, as the points' does


def regressed(demonstrations: Array, components: int = COMPONENTS) -> Gaussians:
    """Gaussian mixture of phase and point, regressed on the phase (GMM and GMR).

    The mixture is fitted by expectation maximisation from equal slices of the phase. With the
    share h_k of component k at a phase t, its mean mu_k(t) = mu_x + S_xt / S_tt (t - mu_t) and
    covariance S_k = S_xx - S_xt S_tx / S_tt: mean sum h_k mu_k(t), covariance
    sum h_k (S_k + mu_k(t) mu_k(t)^T) - mean mean^T.

    Args:
        demonstrations: shape (M, N, D), at least two; of one it would be the spread of the motion
            inside a component that is taken for uncertainty, see `followed`.
        components: Gaussians of the mixture, at most N / 2.

    Raises:
        ValueError: too few demonstrations or points, or numbers that are not finite.
    """
    points = check(demonstrations, least=2, steps=2 * components)
    count, steps, dims = points.shape
    phases, unit = np.linspace(0.0, 1.0, steps), extent(points)
    centre = points.mean(axis=(0, 1))
    samples = np.empty((count, steps, 1 + dims))
    samples[:, :, 0] = _PHASE_SCALE * phases
    samples[:, :, 1:] = (points - centre) / unit
    mixture = _fitted(samples, components)
    means, covariances = _conditional(mixture, _PHASE_SCALE * phases)
    return Gaussians(phases, centre + unit * means, unit**2 * covariances)


def followed(demonstration: Array) -> Gaussians:
    """One demonstration as its own mean; it has no spread, so all covariances are a small one.

    Args:
        demonstration: shape (N, D).
    """
    points = check(np.asarray(demonstration)[None])[0]
    each = _FLOOR * extent(points[None]) ** 2 * np.eye(points.shape[1])
    return Gaussians(np.linspace(0.0, 1.0, len(points)), points, np.tile(each, (len(points), 1, 1)))


def trusted_near(reference: Gaussians, end: End, unit: float, handover: float = 1.0) -> Gaussians:
    """A reference that is less sure the further a phase is from one end.

    Adds (unit w)^2 I to the covariances, w from 0 at that end to 1 at the other, half by time and
    half by the way gone. So frames hand over to each other along the whole motion, and not where
    the spread of a few demonstrations happens to cross.

    Args:
        reference: in the frame of the end.
        unit: extent of the demonstrations.
        handover: h > 0; with the progress s, w is s^h for the start and (1 - s)^(1 / h) for the
            end. Below 1 the start lets go sooner.
    """
    steps = np.linalg.norm(np.diff(reference.means, axis=0), axis=1)
    way = np.append(0.0, np.cumsum(steps)) / (steps.sum() or 1.0)
    progress = (way + reference.phases) / 2
    distance = progress**handover if end == "start" else (1.0 - progress) ** (1.0 / handover)
    added = (unit * distance)[:, None, None] ** 2 * np.eye(reference.means.shape[1])
    return replace(reference, covariances=reference.covariances + added)


def _fitted(samples: Array, components: int) -> GaussianMixture:
    """Samples of phase and point, shape (M, N, 1 + D), all of about unit spread."""
    _, steps, width = samples.shape
    slices = np.arange(steps) * components // steps
    parts = [samples[:, slices == k].reshape(-1, width) for k in range(components)]
    loaded = [np.cov(part.T) + _REGULARISER * np.eye(width) for part in parts]
    mixture = GaussianMixture(
        components,
        reg_covar=_REGULARISER,
        weights_init=np.bincount(slices) / steps,
        means_init=np.stack([part.mean(axis=0) for part in parts]),
        precisions_init=np.linalg.inv(loaded),
        random_state=0,
    )
    with warnings.catch_warnings():
        # Every iteration is a better fit; the last one's is good enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(samples.reshape(-1, width))


def _conditional(mixture: GaussianMixture, phases: Array) -> tuple[Array, Array]:
    means, covariances = mixture.means_, mixture.covariances_
    variances = covariances[:, 0, 0]
    offsets = phases[:, None] - means[:, 0]
    logs = np.log(mixture.weights_) - (offsets**2 / variances + np.log(variances)) / 2
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    slopes = covariances[:, 1:, 0] / variances[:, None]
    within = covariances[:, 1:, 1:] - np.einsum("ki,kj->kij", slopes, covariances[:, 0, 1:])
    each = means[:, 1:] + offsets[:, :, None] * slopes
    mean = np.einsum("nk,nki->ni", shares, each)
    apart = each - mean[:, None]
    between = np.einsum("nk,nki,nkj->nij", shares, apart, apart)
    return mean, symmetric(np.einsum("nk,kij->nij", shares, within) + between)
