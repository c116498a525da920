"""Whom a policy listens to: how much its motion changes when one of its inputs is exchanged.

As "Grounding Driving VLA via Inverse Kinematics" (arXiv 2605.21061) asks it: a model that takes the
short way through state and text moves alike whatever the cameras show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.observation import Observation
from kinevla_ros.evaluation.suite.episodes import ReadyPolicy
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.language.command import Command

INPUTS = ("pictures", "state", "words")
EVERY = 3
"""Of so many moments of a demonstration one is asked about."""


def listening(
    policy: ReadyPolicy, recorded: Mapping[Command, Sequence[Observation]], seed: int
) -> dict[str, dict[str, Any]]:
    """For each of `INPUTS` the change of the motion, as a share of the motion itself.

    The motion is the chunk's joint targets as offsets from the measured joints. Pictures and state
    come from another moment of another demonstration; words from another way to the same goal.

    Args:
        recorded: what was seen along a demonstration of each command.
        seed: which moment stands in for which.
    """
    rng = np.random.default_rng(seed)
    changes: dict[str, list[float]] = {name: [] for name in INPUTS}
    size: list[float] = []
    for command, seen in recorded.items():
        others = [o for other, moments in recorded.items() if other != command for o in moments]
        for moment in seen[::EVERY]:
            own = _motion(policy, command, moment)
            stranger = others[int(rng.integers(len(others)))]
            siblings = command.siblings()
            exchanged = {
                "pictures": (command, replace(moment, images=stranger.images)),
                "state": (
                    command,
                    replace(moment, joints=stranger.joints, gripper=stranger.gripper),
                ),
                "words": (siblings[int(rng.integers(len(siblings)))], moment),
            }
            if own is None:
                continue
            size.append(float(np.abs(own).mean()))
            for name, (said, shown) in exchanged.items():
                other = _motion(policy, said, shown)
                if other is not None:
                    changes[name].append(float(np.abs(other - own).mean()))
    scale = float(np.mean(size)) if size else float("nan")
    return {
        name: {"share": float(np.mean(found)) / scale if found else None, "n": len(found)}
        for name, found in changes.items()
    }


def _motion(policy: ReadyPolicy, command: Command, seen: Observation) -> NDArray[np.float64] | None:
    """Offsets of the joint targets, (H, 7), rad; None where the policy does not move."""
    policy.reset()
    try:
        given = policy.infer(command.prompt, seen)
    except (NotUnderstood, GenerationError):
        return None
    return np.asarray(given.chunk.positions - seen.joints)
