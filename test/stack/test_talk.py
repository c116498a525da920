"""An instruction is heard, whole, by the policy, and whoever said it knows what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("rclpy")

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String

from kinevla_ros.msg import Question, Reasoning, SafetyStatus
from kinevla_ros.nodes.policy.arm_watch import obstacle_of
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.stack import talk as talk_module
from kinevla_ros.stack.processes.launcher import client_node
from kinevla_ros.stack.say import say
from kinevla_ros.stack.talk import Talk

BREAD = "pick up the bread and move it to the front"


class Listener:
    """A policy that says what it is made to say, and may lose the first messages."""

    def __init__(
        self, node: Node, loses: int = 0, arm: str = "", tells: bool = True, asks: str = ""
    ) -> None:
        self._loses, self._arm, self._asks = loses, arm, asks
        self.heard: list[str] = []
        self._reasoning = node.create_publisher(Reasoning, "kinevla/reasoning", 1)
        self._question = node.create_publisher(Question, "kinevla/question", LATCHED)
        if tells:
            self.ask("")
        node.create_subscription(String, "instruction", self._on_instruction, 1)

    def ask(self, text: str) -> None:
        self._question.publish(Question(text=text))

    def _on_instruction(self, message: String) -> None:
        self.heard.append(message.data)
        if len(self.heard) <= self._loses:
            return
        if self._asks:
            self._reasoning.publish(
                Reasoning(status=Reasoning.ASKING, instruction=message.data, detail=self._asks)
            )
            threading.Timer(0.3, self.ask, [self._asks]).start()
            return
        self.ask("")
        accepted = Reasoning(status=Reasoning.ACCEPTED, instruction=message.data)
        self._reasoning.publish(accepted)
        chunk = Reasoning(status=Reasoning.OK, instruction=message.data, goal="g", arm=self._arm)
        self._reasoning.publish(chunk)


@contextmanager
def listening(name: str = "policy", **options: object) -> Iterator[Listener]:
    """A listener in a thread; the context of rclpy is the person's."""
    import rclpy

    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node(name, context=context)
    listener = Listener(node, **options)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            executor.spin_once(timeout_sec=0.05)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield listener
    finally:
        over.set()
        thread.join()
        node.destroy_node()
        # rclpy.shutdown would make another default context, to compare this one with.
        context.try_shutdown()


def test_an_instruction_is_repeated_until_the_policy_says_what_it_makes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(talk_module, "REPEAT_PERIOD", 0.3)
    with listening(loses=2) as policy, client_node("person") as (node, interrupted):
        talk = Talk(node, interrupted)
        assert talk.begin(20.0) == ""
        reasoning = talk.answer(BREAD)
        assert reasoning is not None
        assert (reasoning.status, reasoning.goal) == (Reasoning.OK, "g")
        assert policy.heard == [BREAD] * 3


def test_an_answer_that_was_taken_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_module, "REPEAT_PERIOD", 0.3)
    monkeypatch.setattr(talk_module, "ANSWER_TIMEOUT", 2.0)
    with listening(loses=9) as policy, client_node("person") as (node, interrupted):
        policy.ask("Which part?")
        talk = Talk(node, interrupted)
        assert talk.begin(20.0) == ""
        assert talk._asked
        timer = threading.Timer(0.5, policy.ask, [""])
        timer.start()
        assert talk.answer("the upper part") is None
        timer.join()
        assert 1 <= len(policy.heard) <= 3


def test_a_question_is_known_once_the_policy_asks_whichever_message_comes_first() -> None:
    with listening(asks="Which part?") as policy, client_node("person") as (node, interrupted):
        talk = Talk(node, interrupted)
        assert talk.begin(20.0) == ""
        reasoning = talk.answer("pick up the carrot")
        assert reasoning is not None and reasoning.status == Reasoning.ASKING
        assert talk._asked
        assert policy.heard == ["pick up the carrot"]


def test_nothing_is_said_before_it_is_known_whether_the_policy_asks() -> None:
    with listening(tells=False) as policy, client_node("person") as (node, interrupted):
        problem = Talk(node, interrupted).begin(1.0)
        assert "does not say on /kinevla/question whether it asks anything" in problem
        assert policy.heard == []


def test_another_listener_is_not_taken_for_the_policy() -> None:
    with client_node("person") as (node, interrupted):
        other = node.create_subscription(String, "instruction", lambda _: None, 1)
        problem = Talk(node, interrupted).begin(1.0)
        node.destroy_subscription(other)
    assert "no policy listens to /instruction" in problem


def test_saying_something_to_a_policy_whose_arm_cannot_move_fails_and_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk_module, "ARM_TIMEOUT", 0.3)
    with listening(arm="the arm is disabled: call /arm/enable"):
        assert say(BREAD, 20.0) == 1
    assert "no motion: the arm is disabled: call /arm/enable" in capsys.readouterr().out
    with listening():
        assert say(BREAD, 20.0) == 0


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (SafetyStatus(state=SafetyStatus.DISABLED, reason="call /left/arm/enable"), "disabled"),
        (
            SafetyStatus(
                state=SafetyStatus.FAULTED, fault=SafetyStatus.STALE_STATE, reason="0.2 s old"
            ),
            "STALE_STATE: 0.2 s old; call /left/arm/reset, then /left/arm/enable",
        ),
        (
            SafetyStatus(state=SafetyStatus.HOLDING, reason="paused; call /left/arm/pause"),
            "held: paused; call /left/arm/pause",
        ),
        (
            SafetyStatus(state=SafetyStatus.MOVING, speed_scaling=100.0, takeover=True),
            "a person leads",
        ),
        (
            SafetyStatus(state=SafetyStatus.READY, speed_scaling=100.0, reason="chunk 3 is late"),
            "refuses what it is sent: chunk 3 is late",
        ),
        (SafetyStatus(state=SafetyStatus.MOVING, speed_scaling=50.0), ""),
        (SafetyStatus(state=SafetyStatus.HOLDING, speed_scaling=50.0, reason="holding"), ""),
    ],
)
def test_what_keeps_an_arm_from_following_is_named_with_the_way_out(
    status: SafetyStatus, said: str
) -> None:
    found = obstacle_of(status, "/left/arm")
    assert said in found
    assert bool(said) == bool(found)
