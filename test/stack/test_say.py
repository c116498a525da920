"""`kinevla say` in a terminal."""

from __future__ import annotations

import os
import threading

import pytest
import rclpy
from waiting import wait_until

from kinevla_ros.msg import Question, Reasoning
from kinevla_ros.nodes.policy.rviz import lines
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.stack.say import typed
from kinevla_ros.stack.talk import Talk, is_about


def test_a_typed_line_is_an_answer_and_the_end_of_the_input_is_none() -> None:
    end, start = os.pipe()
    with open(end) as stream, open(start, "w") as terminal:
        terminal.write("  upper, on the left \n")
        terminal.flush()
        assert typed(stream, threading.Event()) == "upper, on the left"
        terminal.close()
        assert typed(stream, threading.Event()) is None


def test_an_interrupt_ends_the_wait_for_a_line() -> None:
    end, start = os.pipe()
    interrupted = threading.Event()
    interrupted.set()
    with open(end) as stream, open(start, "w"):
        assert typed(stream, interrupted) is None


@pytest.mark.parametrize(
    ("status", "instruction", "answers", "about"),
    [
        (Reasoning.OK, "left", False, True),
        (Reasoning.OK, "another", False, False),
        (Reasoning.OK, "the whole sentence", True, True),
        (Reasoning.ASKING, "another", True, False),
        (Reasoning.ASKING, "left", True, True),
    ],
)
def test_an_answer_is_recognised_by_what_it_began(
    status: int, instruction: str, answers: bool, about: bool
) -> None:
    assert is_about(Reasoning(status=status, instruction=instruction), "left", answers) == about


def test_a_question_is_shown_as_one() -> None:
    assert lines(Reasoning(status=Reasoning.ASKING, detail="Which?")) == ["asks: Which?"]


def test_a_question_that_was_asked_before_is_known() -> None:
    rclpy.init()
    try:
        policy, person = rclpy.create_node("asks"), rclpy.create_node("answers")
        questions = policy.create_publisher(Question, "kinevla/question", LATCHED)
        questions.publish(Question(text="By which part?"))
        talk = Talk(person, threading.Event())
        assert wait_until(
            lambda: rclpy.spin_once(person, timeout_sec=0.05) or talk._asked, timeout=20.0
        )
        policy.destroy_node()
        person.destroy_node()
    finally:
        rclpy.shutdown()
