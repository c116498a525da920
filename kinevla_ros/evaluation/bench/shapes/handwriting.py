"""Reads handwriting in the format in which letters and shapes are published.

PbDlib's 2Dletters and the LASA handwriting set are MATLAB files with a cell array `demos` of
structures, whose `pos` is D x N: a point a column.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

Array = NDArray[np.float64]


def read_handwriting(path: Path) -> dict[str, list[Array]]:
    """Demonstrations of one shape (a file) or of several (a folder of files).

    Returns:
        By the file's name: demonstrations, each of shape (N, D).

    Raises:
        ValueError: there is no such file, or one is not in the published format.
    """
    if not path.is_dir():
        return {path.stem: _demonstrations(path)}
    files = sorted(path.glob("*.mat"))
    if not files:
        raise ValueError(f"{path} holds no .mat file; name a folder of handwriting, or one file")
    return {file.stem: _demonstrations(file) for file in files}


def _demonstrations(file: Path) -> list[Array]:
    try:
        content = loadmat(file, simplify_cells=True)
    except NotImplementedError as problem:
        raise ValueError(f"{file} is of MATLAB 7.3; save it with -v7") from problem
    except Exception as problem:  # scipy raises all sorts on bytes that are no MATLAB file
        raise ValueError(f"{file} cannot be read as a MATLAB file: {problem}") from problem
    demos = content.get("demos")
    demos = [demos] if isinstance(demos, dict) else demos
    if demos is None or not all(isinstance(each, dict) and "pos" in each for each in demos):
        raise ValueError(
            f"{file} is not in the published format: a cell array `demos` of structures with a "
            "field `pos`, D x N"
        )
    found = [np.asarray(each["pos"], dtype=float) for each in demos]
    for points in found:
        if points.ndim != 2 or points.shape[0] > points.shape[1]:
            raise ValueError(f"{file} has a `pos` of shape {points.shape}; D x N is wanted")
    return [points.T for points in found]
