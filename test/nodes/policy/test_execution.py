"""The action `kinevla/execute` of the policy node, over DDS, with an arm that is played."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from action_msgs.msg import GoalStatus
from node_bench import SUCCESS, bench
from policy_bench import BREAD, FakePolicy, PolicyBench
from rclpy.action import ActionClient

from kinevla_ros.action import Execute
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.generator import policy as generator_policy
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.policy import execution
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.policy.progress import TaskProgress
from kinevla_ros.nodes.ros.qos import LATCHED

Result, Stage = Execute.Result, Execute.Feedback


class Person:
    """Sends goals, and plays the arm node."""

    def __init__(self, policy: PolicyBench) -> None:
        self.policy, self.bench = policy, policy.bench
        self.client = ActionClient(policy.bench.client, Execute, "kinevla/execute")
        self._arm = policy.bench.client.create_publisher(
            SafetyStatus, "kinevla/safety_status", LATCHED
        )
        self.status = SafetyStatus(state=SafetyStatus.READY, speed_scaling=100.0)
        policy.bench.client.create_timer(0.1, lambda: self._arm.publish(self.status))
        self.feedback: list[Execute.Feedback] = []
        self.bench.spin_until(self.client.server_is_ready, "action server")

    def send(self, instruction: str) -> Any:
        self.feedback.clear()
        future = self.client.send_goal_async(
            Execute.Goal(instruction=instruction), lambda m: self.feedback.append(m.feedback)
        )
        self.bench.spin_until(future.done, "answer to the goal")
        return future.result()

    def result(self, goal: Any) -> tuple[int, Execute.Result]:
        future = goal.get_result_async()
        self.bench.spin_until(future.done, "result")
        return future.result().status, future.result().result


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    patch = pytest.MonkeyPatch()
    patch.setattr(generator_policy, "Policy", FakePolicy)
    with bench({"model": "fake", "chunk_period": 0.1, "min_consistency": 0.5}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        yield Person(PolicyBench(node_bench))
    patch.undo()


@pytest.fixture(autouse=True)
def fresh(person: Person) -> None:
    person.policy.reset()
    person.status = SafetyStatus(state=SafetyStatus.READY, speed_scaling=100.0)


def test_a_goal_reports_stage_and_words_and_a_cancel_stops_the_task(person: Person) -> None:
    goal = person.send(BREAD)
    assert goal.accepted
    person.bench.spin_until(lambda: person.feedback and person.feedback[-1].goal, "feedback")
    assert person.feedback[-1].stage == Stage.REACHING
    assert person.feedback[-1].kinematics
    person.bench.spin_until(goal.cancel_goal_async().done, "cancel")
    status, result = person.result(goal)
    assert (status, result.outcome) == (GoalStatus.STATUS_CANCELED, Result.STOPPED)
    person.policy.expect_no_chunks()


@pytest.mark.parametrize(
    ("instruction", "outcome", "reason"),
    [
        ("dance", Result.REFUSED, "dance"),
        ("put the carrot on the plate", Result.QUESTION, "?"),
    ],
)
def test_what_cannot_begin_is_refused_or_asked_with_the_reason(
    person: Person, instruction: str, outcome: int, reason: str
) -> None:
    status, result = person.result(person.send(instruction))
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, outcome)
    assert reason in result.reason


def test_another_instruction_by_topic_ends_a_goal(person: Person) -> None:
    goal = person.send(BREAD)
    person.policy.say("pick up the bread and move it to the left front")
    status, result = person.result(goal)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.STOPPED)
    assert "another instruction" in result.reason


def test_an_arm_that_is_faulted_stops_the_task_and_says_the_way_out(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "PATIENCE", 0.3)
    goal = person.send(BREAD)
    person.bench.spin_until(lambda: person.feedback and person.feedback[-1].goal, "feedback")
    person.status = SafetyStatus(
        state=SafetyStatus.FAULTED, fault=SafetyStatus.TRACKING_ERROR, reason="joint2 is blocked"
    )
    _, result = person.result(goal)
    assert result.outcome == Result.STOPPED
    assert "TRACKING_ERROR: joint2 is blocked; call /arm/reset" in result.reason
    person.policy.expect_no_chunks()


def test_a_disabled_arm_refuses_the_task(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "PATIENCE", 0.0)
    gate = FakePolicy.gate
    gate.clear()
    person.status = SafetyStatus(state=SafetyStatus.DISABLED, reason="call /arm/enable")
    person.bench.spin_for(0.3)
    _, result = person.result(person.send(BREAD))
    gate.set()
    assert result.outcome == Result.REFUSED
    assert "the arm is disabled: call /arm/enable" in result.reason


def chunk(stamp: float, way: float, gripper: float) -> ActionChunk:
    positions = np.zeros((5, 7))
    positions[:, 0] = np.linspace(0, way, 5)
    return ActionChunk(stamp, int(10 * stamp), positions, np.full(5, gripper))


def test_a_task_is_done_when_the_arm_has_released_something_and_rests() -> None:
    progress, stages = TaskProgress(), []
    ways = [(0.3, 0.07)] * 3 + [(0.2, 0.0)] * 3 + [(0.2, 0.07)] * 2 + [(0.01, 0.07)] * 6
    for number, (way, gripper) in enumerate(ways):
        progress.follow(chunk(0.2 * number, way, gripper))
        stages.append(progress.stage)
    found = list(dict.fromkeys(stages))
    assert found == [Stage.REACHING, Stage.HOLDING, Stage.RELEASED, Stage.RESTING]
    assert progress.done
    assert progress.share == 1.0


def test_an_arm_that_rests_before_it_has_moved_or_grasped_is_not_done() -> None:
    progress = TaskProgress()
    for number in range(40):
        progress.follow(chunk(0.2 * number, 0.0, 0.07))
    assert not progress.done
    assert not progress.idle(100.0)
    progress.follow(chunk(9.0, 0.3, 0.07))
    progress.follow(chunk(9.2, 0.0, 0.07))
    assert not progress.done
    assert progress.idle(14.0)


def test_the_inference_is_not_held_up_by_a_goal(person: Person) -> None:
    before = threading.active_count()
    goal = person.send(BREAD)
    person.policy.chunks.clear()
    person.bench.spin_for(1.5)
    assert len(person.policy.chunks) >= 4
    assert threading.active_count() == before
    goal.cancel_goal_async()
    person.result(goal)
