"""What tells a skill where things are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.observation import Observation

Array = NDArray[np.float64]


class Keypoints(Protocol):
    """Finds objects in an observation.

    One that knows why it does not find an object says so in a mapping `unseen`, by name.
    """

    def find(self, observation: Observation) -> Mapping[str, Array]:
        """Poses of the objects that are seen now: (x, y, yaw) in `base_link`, m and rad."""


class GivenPoses:
    """The poses that came with the observation: the simulator's own, or those of markers."""

    def find(self, observation: Observation) -> Mapping[str, Array]:
        """See `Keypoints.find`."""
        return observation.objects
