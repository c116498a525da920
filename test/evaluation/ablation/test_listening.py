"""Whom a policy listens to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from few_moments import few_moments

from kinevla_ros.base.chunk import HORIZON
from kinevla_ros.base.observation import Observation
from kinevla_ros.evaluation.ablation.listening import listening


class Deaf:
    """A policy that hears one input alone."""

    def __init__(self, to: str) -> None:
        self._to = to

    def reset(self) -> None: ...

    def warm_up(self) -> None: ...

    def infer(self, instruction: str, observation: Observation, override: Any = None) -> Any:
        heard = {
            "pictures": float(observation.images["front"].mean()),
            "state": float(observation.joints.sum()),
            "words": float(len(instruction)),
        }
        moved = observation.joints + np.full((HORIZON, 7), heard[self._to])
        return SimpleNamespace(chunk=SimpleNamespace(positions=moved))


@pytest.mark.parametrize("heard", ["pictures", "state", "words"])
def test_whom_a_policy_listens_to_is_seen_by_what_changes_its_motion(heard: str) -> None:
    found = listening(Deaf(heard), few_moments(1), 0)
    assert [name for name, change in found.items() if change["share"] > 1e-9] == [heard]
    assert all(change["n"] == 3 for change in found.values())
