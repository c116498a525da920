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
    found = []
    if arm["state"] == "FAULTED":
        found.append(Obstacle(f"{arm['fault']}: {arm['reason']}", "reset"))
    elif arm["state"] == "DISABLED":
        reason = f" ({arm['reason']})" if arm["reason"] else ""
        found.append(Obstacle(f"motion is disabled{reason}", "enable"))
    elif arm["speed"] == 0:
        found.append(Obstacle("paused, or the speed is 0 %", "resume"))
    elif arm["state"] in ("READY", "HOLDING") and arm["reason"]:
        found.append(Obstacle(arm["reason"]))
    if arm["takeover"]:
        found.append(Obstacle("a person leads the arm; chunks are not followed"))
    return found


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
