"""Says an instruction, shows what the policy makes of it and what keeps the arm from moving."""

from __future__ import annotations

import select
import sys
import threading
from typing import TextIO

from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.language.stop import STOP
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.rviz import lines
from kinevla_ros.stack.processes.launcher import client_node
from kinevla_ros.stack.talk import Talk

POLL = 0.1


def say(instruction: str, timeout: float, namespace: str = "") -> int:
    """Say it to the policy as soon as that listens; returns the exit code: 0 where the arm follows.

    What the policy asks is asked here, and the next line typed is the answer; without a terminal
    the question is printed, and another `kinevla say` can answer.

    Args:
        instruction: what to do and how, an answer, or `STOP`.
        timeout: longest wait for the policy, s.
        namespace: of the policy.
    """
    with client_node("kinevla_say", namespace) as (node, interrupted):
        talk = Talk(node, interrupted)
        if problem := talk.begin(timeout):
            print(f"error: {problem}", file=sys.stderr)
            return 1
        said: str | None = instruction
        while said is not None:
            reasoning = talk.answer(said)
            if reasoning is None:
                return INTERRUPTED if interrupted.is_set() else _no_answer()
            print("\n".join(lines(reasoning)), flush=True)
            if reasoning.status != Reasoning.ASKING:
                return 0 if _meant(said, reasoning) else 1
            said = typed(sys.stdin, interrupted) if sys.stdin.isatty() else None
        return 1


def _no_answer() -> int:
    print(
        "error: the policy does not answer; it is not active yet, or busy: wait until `kinevla up` "
        "says that the nodes are active, and say it again",
        file=sys.stderr,
    )
    return 1


def _meant(said: str, reasoning: Reasoning) -> bool:
    """Whether what happens is what was said."""
    if said.strip().lower() in ("", STOP):
        return True
    return reasoning.status == Reasoning.OK and not reasoning.arm


def typed(stream: TextIO, interrupted: threading.Event) -> str | None:
    """The next line that somebody types; None at the end of the input and when interrupted."""
    while not interrupted.is_set():
        if select.select([stream], [], [], POLL)[0]:
            return stream.readline().strip() or None
    return None
