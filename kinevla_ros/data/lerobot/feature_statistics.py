"""Statistics of a feature, gathered episode by episode without keeping the frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.lerobot.schema import camera_key

QUANTILES: dict[str, float] = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}

Statistics = dict[str, NDArray[Any]]


def summarise(values: NDArray[Any]) -> Statistics:
    """Return min, max, mean, std, count and quantiles of values of shape (n, d)."""
    numbers = np.asarray(values, dtype=np.float64)
    quantiles = np.quantile(numbers, list(QUANTILES.values()), axis=0)
    return {
        "min": numbers.min(axis=0),
        "max": numbers.max(axis=0),
        "mean": numbers.mean(axis=0),
        "std": numbers.std(axis=0),
        "count": np.array([len(numbers)]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def summarise_images(images: list[NDArray[np.uint8]]) -> Statistics:
    """Return the statistics per colour channel in 0..1, of some pixels of some frames."""
    chosen = images[:: max(1, len(images) // 10)]
    pixels = np.stack([image[::4, ::4] for image in chosen]).reshape(-1, 3)
    return summarise(pixels / 255.0) | {"count": np.array([len(chosen)])}


def merge(first: Statistics, second: Statistics) -> Statistics:
    """Return the statistics of both sets together.

    All are exact but the quantiles, which are the means of the two, weighted by count, as
    LeRobot aggregates its episodes' quantiles.
    """
    counts = np.array([first["count"][0], second["count"][0]])
    weights = counts / counts.sum()

    def weighted(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(weights[0] * a + weights[1] * b)

    mean = weighted(first["mean"], second["mean"])
    variance = weighted(
        first["std"] ** 2 + (first["mean"] - mean) ** 2,
        second["std"] ** 2 + (second["mean"] - mean) ** 2,
    )
    return {
        "min": np.minimum(first["min"], second["min"]),
        "max": np.maximum(first["max"], second["max"]),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([counts.sum()]),
        **{name: weighted(first[name], second[name]) for name in QUANTILES},
    }


def as_lists(feature: str, statistics: Statistics) -> dict[str, list[Any]]:
    """Return a feature's statistics as LeRobot stores them: of images in shape (3, 1, 1)."""
    is_image = feature.startswith(camera_key(""))
    return {
        name: (values.reshape(-1, 1, 1) if is_image and name != "count" else values).tolist()
        for name, values in statistics.items()
    }


def from_lists(stored: dict[str, list[Any]]) -> Statistics:
    """Read back what `as_lists` made."""
    return {name: np.asarray(values).reshape(-1) for name, values in stored.items()}
