"""Messages as a page shows them: names for numbers, and no more of anything than fits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import JointState

from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.msg import Question, Reasoning, SafetyStatus
from kinevla_ros.nodes.console.arm_view import arm_lines
from kinevla_ros.nodes.policy.arm_watch import obstacle_of
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.status import SafetyState

REASONING = (
    "OK", "NOT_UNDERSTOOD", "NO_OBSERVATION", "ERROR", "INCONSISTENT", "VETOED", "OUT_OF_MEMORY",
    "NO_GPU", "TOO_SLOW", "ASKING", "ACCEPTED", "UNSURE",
)  # fmt: skip
"""Statuses of `Reasoning.msg` in their order."""

LEVELS = ("ok", "warning", "error", "stale")
MOST_LINES, MOST_FIGURES, MOST_CODES = 32, 12, 64


def status_shown(status: SafetyStatus, arm: str = "/arm") -> dict[str, Any]:
    """State of the arm, its fault and the way out; arm: its node's name."""
    return {
        "obstacle": obstacle_of(status, arm),
        "state": _name(SafetyState, status.state),
        "fault": _name(Fault, status.fault),
        "reason": status.reason,
        "joint": status.joint,
        "margin": finite(status.margin),
        "speed": finite(status.speed_scaling),
        "takeover": status.takeover,
    }


def joints_shown(message: JointState) -> dict[str, Any] | None:
    """Joint positions (rad), the gripper's opening (m) and the arm's lines; None of other joints.

    Raises:
        ValueError: a joint is missing, twice there or not finite.
    """
    if not any(name.startswith("joint") for name in message.name):
        return None
    q, gripper = joints_from_message(message)
    lines = arm_lines(q, gripper)
    return {"q": [round(v, 4) for v in q.tolist()], "gripper": round(gripper, 4), "lines": lines}


def reasoning_shown(reasoning: Reasoning) -> dict[str, Any]:
    """Words and codes of both levels, or why there are none."""
    known = reasoning.status < len(REASONING)
    return {
        "status": REASONING[reasoning.status] if known else f"status {reasoning.status}",
        "detail": reasoning.detail,
        "sequence": reasoning.sequence,
        "instruction": reasoning.instruction,
        "arm": reasoning.arm,
        "goal": reasoning.goal,
        "kinematics": reasoning.kinematics,
        "goal_codes": list(reasoning.goal_codes[:MOST_CODES]),
        "kinematics_codes": list(reasoning.kinematics_codes[:MOST_CODES]),
        "overridden": reasoning.overridden,
        "consistency": finite(reasoning.consistency),
        "doubt": finite(reasoning.doubt),
        "kept": reasoning.draft_accepted,
        "model_ms": finite(1000 * reasoning.model_time),
    }


def in_words(shown: dict[str, Any]) -> str:
    """A shown reasoning in a line."""
    if shown["status"] == "OK":
        return f"{shown['goal']}; {shown['kinematics']}"
    if shown["status"] == "ACCEPTED":
        return f"understood: {shown['instruction']}"
    return f"{shown['status']}: {shown['detail']}"


def question_shown(question: Question) -> dict[str, Any] | None:
    """What is asked, with the choices of each missing slot; None when nothing is."""
    if not question.text:
        return None
    missing = [{"name": slot.name, "choices": list(slot.choices)} for slot in question.missing]
    return {"text": question.text, "instruction": question.instruction, "missing": missing}


def diagnoses_shown(statuses: Iterable[DiagnosticStatus]) -> dict[str, Any]:
    """Each node's own lines by their names."""
    return {
        bounded(status.name): {
            "level": LEVELS[min(ord(status.level), len(LEVELS) - 1)],
            "text": bounded(status.message, TEXT),
            "figures": [
                [bounded(pair.key, 64), bounded(pair.value)]
                for pair in list(status.values)[:MOST_FIGURES]
            ],
        }
        for status in list(statuses)[:MOST_LINES]
    }


def finite(value: float) -> float | None:
    """A number for a page, or None: JSON has no NaN."""
    return round(value, 4) if math.isfinite(value) else None


def _name(kind: type[IntEnum], value: int) -> str:
    """A number's name; another version may have more of them."""
    return kind(value).name if value in kind._value2member_map_ else f"{kind.__name__} {value}"
