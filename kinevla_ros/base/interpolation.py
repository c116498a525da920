"""Rows between known ones, column by column."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def at_times(when: ArrayLike, times: ArrayLike, rows: ArrayLike) -> NDArray[np.float64]:
    """Rows at other times, linearly between the known ones; the ends hold before and after.

    Args:
        when: of the rows wanted, shape (M,) or one number.
        times: of the known rows, rising, shape (N,).
        rows: known, shape (N, D).

    Returns:
        Shape (M, D); (D,) for one number.
    """
    at, known = np.asarray(when, float), np.asarray(times, float)
    columns = [np.interp(at, known, column) for column in np.asarray(rows, float).T]
    return np.stack(columns, axis=-1)
