"""How often a policy's disagreement foretells failure, and the threshold for it, from episodes.

The threshold is that of split conformal prediction: the quantile of the peaks of plain episodes
that succeeded, so that at most the wanted share of further such episodes exceeds it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.evaluation.suite.episode import PLAIN
from kinevla_ros.generator.decoding.doubt import save_doubt

FALSE_ALARMS = 0.05
LARGEST = 256 << 20
"""Bytes of an evaluation's figures."""

CURE = "give what `kinevla evaluate --json` wrote"


@dataclass(frozen=True)
class JudgedEpisode:
    """An episode as the threshold sees it.

    Attributes:
        success: kinematic.
        disagreement: at each inference; NaN where it was not known.
    """

    success: bool
    disagreement: tuple[float, ...]

    def peak(self, inferences: int | None = None) -> float:
        """The largest disagreement, of the first inferences alone if so many are given."""
        known = [x for x in self.disagreement[:inferences] if not math.isnan(x)]
        return max(known, default=0.0)

    def warned_before(self, most: float) -> int | None:
        """Inferences between the first one above `most` and the end; None without any."""
        above = [i for i, x in enumerate(self.disagreement) if x > most]
        return len(self.disagreement) - above[0] if above else None


def outcomes(figures: Path) -> dict[str, list[JudgedEpisode]]:
    """Plain episodes and those of each variation, from what an evaluation wrote.

    Raises:
        FileNotFoundError, FileError: see `read_object`.
        ValueError: they are no figures of an evaluation, or were written without disagreement.
    """
    found = read_object(figures, CURE, LARGEST)
    conditions = found.get("conditions", {})
    # Under an intervention the words are wrong, which the policy need not notice.
    varied = {name: own for name, own in conditions.items() if "kind" in own}
    try:
        return {name: _read(own["results"]) for name, own in {PLAIN: found, **varied}.items()}
    except (KeyError, TypeError) as problem:
        raise ValueError(f"{figures} has no disagreement of each episode; {CURE}") from problem


def _read(results: Sequence[Mapping[str, Any]]) -> list[JudgedEpisode]:
    return [
        JudgedEpisode(
            bool(each["kinematic"]),
            tuple(math.nan if x is None else float(x) for x in each["disagreement"]),
        )
        for each in results
    ]


def conformal_threshold(peaks: Sequence[float], false_alarms: float = FALSE_ALARMS) -> float:
    """What at most a share of further peaks like these exceeds, over the draw of all of them.

    Raises:
        ValueError: there are too few for such a share.
    """
    rank = math.ceil((len(peaks) + 1) * (1 - false_alarms))
    if rank > len(peaks):
        needed = math.ceil(1 / false_alarms) - 1
        raise ValueError(
            f"{len(peaks)} plain episodes succeeded; a threshold for {false_alarms:.0%} false "
            f"alarms needs {needed}: evaluate with more --trials"
        )
    return float(np.sort(peaks)[rank - 1])


def calibrate_doubt(model: Path, figures: Sequence[Path]) -> tuple[float, int]:
    """Write doubt.json of a checkpoint; returns the threshold and its number of episodes.

    Args:
        figures: of evaluations of this checkpoint.

    Raises:
        ValueError: see `outcomes` and `conformal_threshold`.
    """
    plain = [each for path in figures for each in outcomes(path)[PLAIN]]
    peaks = [each.peak() for each in plain if each.success]
    most = conformal_threshold(peaks)
    with only_writer(model):
        save_doubt(model, most, FALSE_ALARMS, len(peaks))
    return most, len(peaks)
