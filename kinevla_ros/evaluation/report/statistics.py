"""Success rates with their uncertainty, and percentiles of times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """Successes among n trials; a rate of no trials is not a number."""

    successes: int
    n: int

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> Rate:
        """Count outcomes."""
        values = list(outcomes)
        return cls(sum(map(bool, values)), len(values))

    @property
    def value(self) -> float:
        """Share of successes, 0 to 1."""
        return self.successes / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson score interval at 95 %; (0, 1) without trials."""
        if not self.n:
            return 0.0, 1.0
        found = binomtest(self.successes, self.n).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)

    def to_json(self) -> dict[str, Any]:
        """Rate, interval and n; a rate of no trials is null."""
        value = self.value if self.n else None
        return {"rate": value, "interval": self.interval, "n": self.n}


def drop(before: Rate, after: Rate) -> tuple[float, tuple[float, float]]:
    """How far a rate falls, with its 95 % interval by Newcombe's hybrid of two Wilson intervals.

    It takes the trials for independent, which is cautious where they share their scenes.
    """
    fall = before.value - after.value
    (low_b, high_b), (low_a, high_a) = before.interval, after.interval
    down = math.hypot(before.value - low_b, high_a - after.value)
    up = math.hypot(high_b - before.value, after.value - low_a)
    return fall, (fall - down, fall + up)


@dataclass(frozen=True)
class Roc:
    """How well a score separates good from bad by a threshold below which all is held.

    Attributes:
        false_alarms, hits: shares of good and of bad that are held, threshold by threshold.
        auc: probability that a good one scores higher than a bad one; 0.5 is chance.
    """

    false_alarms: tuple[float, ...]
    hits: tuple[float, ...]
    auc: float

    @classmethod
    def of(cls, good: Sequence[float], bad: Sequence[float]) -> Roc:
        """From scores. Raises ValueError without any of either kind."""
        if not good or not bad:
            raise ValueError("a ROC needs scores of both kinds")
        a, b = np.sort(good), np.sort(bad)
        thresholds = np.append(np.unique(np.concatenate([a, b])), np.inf)
        below, level = (np.searchsorted(b, a, side=side) for side in ("left", "right"))
        auc = float((below + level).sum() / (2 * len(a) * len(b)))
        return cls(
            tuple((np.searchsorted(a, thresholds) / len(a)).tolist()),
            tuple((np.searchsorted(b, thresholds) / len(b)).tolist()),
            auc,
        )


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Number of times, and their median, p95, p99 and maximum in ms; only n = 0 without any."""
    if not seconds:
        return {"n": 0}
    p50, p95, p99, highest = np.percentile(seconds, (50, 95, 99, 100)) * 1e3
    return {
        "n": len(seconds),
        "p50_ms": round(float(p50), 3),
        "p95_ms": round(float(p95), 3),
        "p99_ms": round(float(p99), 3),
        "max_ms": round(float(highest), 3),
    }
