"""How much of each codebook a policy uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kinevla_ros.codec.contract import Contract
from kinevla_ros.evaluation.suite.episode import EpisodeResult


def code_usage(results: Sequence[EpisodeResult], contract: Contract) -> dict[str, Any]:
    """For each residual level: how often each entry was written, and the perplexity of that.

    Perplexity is the number of entries that would be as varied if all were used alike.
    """
    written = [row for result in results for row in result.codes]
    rows = np.array(written, np.int64).reshape(len(written), contract.levels)
    names = [f"goal {i + 1}" for i in range(contract.goal_levels)]
    names += [f"kinematics {i + 1}" for i in range(contract.kinematics_levels)]
    found = {}
    for name, column in zip(names, rows.T, strict=True):
        counts = np.bincount(column, minlength=contract.codes_per_level)
        shares = counts[counts > 0] / max(len(column), 1)
        found[name] = {
            "counts": counts.tolist(),
            "perplexity": float(np.exp(-(shares * np.log(shares)).sum())) if len(column) else 0.0,
        }
    return found
