"""A motion as one Gaussian at each phase, and what can be done with such motions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gaussians:
    """A motion with its uncertainty.

    Attributes:
        phases: shape (N,), from 0 at the start to 1 at the end, increasing.
        means: shape (N, D), in the unit of the demonstrations.
        covariances: shape (N, D, D), symmetric and positive definite, in that unit squared.
    """

    phases: Array
    means: Array
    covariances: Array

    def scaled(self, factor: float) -> Gaussians:
        """The same motion in a unit that goes `factor` times into ours."""
        return replace(
            self, means=self.means * factor, covariances=self.covariances * factor * factor
        )

    def moved(self, axes: Array, origin: Array) -> Gaussians:
        """Means A mu + b and covariances A S A^T.

        Args:
            axes: A, shape (D, D).
            origin: b, shape (D,).
        """
        return replace(
            self,
            means=self.means @ axes.T + origin,
            covariances=symmetric(axes @ self.covariances @ axes.T),
        )


def product(a: Gaussians, b: Gaussians) -> Gaussians:
    """What two opinions of the same phases agree on (the product in eq. 6 of VL-MP).

    S = (S_a^-1 + S_b^-1)^-1 and mu = S (S_a^-1 mu_a + S_b^-1 mu_b), written without inverses of
    what is nearly zero: with G = S_a (S_a + S_b)^-1, mu = mu_a + G (mu_b - mu_a) and S = G S_b.
    """
    gain = np.linalg.solve(a.covariances + b.covariances, a.covariances).swapaxes(-1, -2)
    means = a.means + np.einsum("nij,nj->ni", gain, b.means - a.means)
    return Gaussians(a.phases, means, symmetric(gain @ b.covariances))


def symmetric(matrices: Array) -> Array:
    """The symmetric part of each, shape (..., D, D)."""
    return (matrices + matrices.swapaxes(-1, -2)) / 2
