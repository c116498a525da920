"""What the policy node's checks would say to an episode's pictures; they stop nothing here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.evaluation.suite.episode import EpisodeResult, Images
from kinevla_ros.generator.pictures.camera_shift import LIMIT, WARNING, CameraReference, median
from kinevla_ros.generator.pictures.checks import PictureChecks, PictureFault
from kinevla_ros.sim.cell.cell import Cell

SCENES = 9
"""So many scenes of the plain cell make its reference."""

COMPARED_EVERY = 5
"""The camera's view is compared at every so many inferences: once a second."""


class Alarms:
    """Passes the pictures of one episode through the checks.

    Attributes:
        counts: alarms by name, such as `wrist frozen` or `front moved`.
    """

    def __init__(self) -> None:
        self._checks, self._seen = PictureChecks(), 0
        self.counts: Counter[str] = Counter()

    def look(self, images: Images, joints: NDArray[np.float64]) -> None:
        """Take the pictures of one inference and the joints, shape (7,), rad, of their time."""
        try:
            self._checks.check(images, joints)
        except PictureFault as fault:
            self.counts[fault.name] += 1
        if self._seen % COMPARED_EVERY == 0:
            shift = cell_reference().shift(images["front"])
            if not shift.clear:
                self.counts["front unclear"] += 1
            elif shift.pixels > WARNING:
                self.counts["front moved" if shift.pixels > LIMIT else "front shifted"] += 1
        self._seen += 1


def alarm_counts(results: Iterable[EpisodeResult]) -> dict[str, int]:
    """Episodes with an alarm, by the alarm's name."""
    return dict(Counter(name for result in results for name in result.picture_alarms or ()))


@cache
def cell_reference() -> CameraReference:
    """The front camera's view in the plain cell."""
    rng = np.random.default_rng(0)
    with closing(Cell()) as cell:
        pictures = []
        for _ in range(SCENES):
            cell.reset(rng)
            pictures.append(cell.render()["front"].copy())
    return CameraReference(median(pictures))
