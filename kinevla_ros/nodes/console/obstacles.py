"""What keeps the arm from moving, and what a person can press to change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinevla_ros.nodes.console.web.behind import FRESH

NO_ARM = "nothing is heard of the arm node: is it up? The emergency button works without it"


@dataclass(frozen=True)
class Obstacle:
    """One reason why nothing moves.

    Attributes:
        text: in words.
        do: the request that takes it away, empty if it takes more than a button.
    """

    text: str
    do: str = ""


def obstacles(state: Mapping[str, Any], there: Mapping[str, bool]) -> list[Obstacle]:
    """Why the arm does not move, nearest to the arm first; empty while it may.

    Args:
        state: see `Seen.to_json`.
        there: which nodes' services are on the graph, by the node's name.
    """
    return [*_of_arm(state["arm"]), *_of_policy(state, there)]


def _of_arm(arm: Mapping[str, Any] | None) -> list[Obstacle]:
    if arm is None or arm["age"] > FRESH["arm"]:
        return [Obstacle(NO_ARM)]
    do = {"DISABLED": "enable", "FAULTED": "reset"}.get(arm["state"], "")
    if not do and arm["speed"] == 0 and not arm["takeover"]:
        do = "resume"
    late = arm["reason"] if arm["state"] == "HOLDING" else ""
    text = arm["obstacle"] or late
    return [Obstacle(text, do)] if text else []


def _of_policy(state: Mapping[str, Any], there: Mapping[str, bool]) -> list[Obstacle]:
    reasoning = state["reasoning"]
    if state["question"]:
        return [Obstacle("the policy waits for an answer to its question")]
    if not there["policy"]:
        return [Obstacle("there is no policy on the graph")]
    if reasoning is None:
        return [Obstacle("no instruction has been given")]
    if reasoning["status"] == "VETOED" and reasoning["age"] < FRESH["reasoning"]:
        return [Obstacle("an operator has vetoed the motion", "release")]
    if reasoning["status"] not in ("OK", "ACCEPTED"):
        return [Obstacle(f"{reasoning['status']}: {reasoning['detail']}")]
    if reasoning["age"] > FRESH["reasoning"]:
        return [Obstacle("the policy is silent: no chunk comes")]
    return []
