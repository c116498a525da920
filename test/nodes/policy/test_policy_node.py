"""The policy node: what it makes of pictures, joint states and instructions, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("rclpy")

from arms import SIX_JOINTS
from fake_cell import JOINTS
from node_bench import FAILURE, SUCCESS, bench
from policy_bench import BREAD, CARROT, RELEASE, REPLACE, VETO, FakePolicy, PolicyBench
from sensor_msgs.msg import JointState
from shipped_tasks import kinematics_text, parse_instruction

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.generator import policy as generator_policy
from kinevla_ros.generator.device import GpuOutOfMemory
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.msg import Question, Reasoning
from kinevla_ros.nodes.policy import node as policy_module
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.ros.messages import Stamps, chunk_from_message
from kinevla_ros.nodes.ros.qos import LATCHED

LEFT_FRONT = kinematics_text(parse_instruction("take the bread and move it to the left front"))


def test_a_missing_checkpoint_leaves_the_node_unconfigured_with_the_reason(tmp_path: Path) -> None:
    with bench({"model": tmp_path / "nothing"}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == FAILURE
        assert node.state == "unconfigured"
        node_bench.spin_until(
            lambda: "no complete checkpoint" in str(node_bench.diagnosis("/policy")), "diagnosis"
        )


@pytest.mark.parametrize(
    ("space", "named"),
    [
        (replace(RM75, rate=20.0), "rate: 20.0 Hz and 10.0 Hz"),
        (SIX_JOINTS, "shoulder_6 and joint1"),
        (RM75.with_cameras(("front", "hand")), "sees the cameras front, hand, and this robot has"),
    ],
)
def test_a_checkpoint_that_cannot_be_executed_is_refused_at_configure(
    monkeypatch: pytest.MonkeyPatch, space: ActionSpace, named: str
) -> None:
    monkeypatch.setattr(generator_policy, "Policy", FakePolicy)
    monkeypatch.setattr(FakePolicy, "space", space)
    with bench({}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == FAILURE
        assert node.state == "unconfigured"
        node_bench.spin_until(lambda: named in str(node_bench.diagnosis("/policy")), "diagnosis")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_asked_for_and_absent_is_named_and_nothing_starts() -> None:
    with bench({"device": "cuda"}) as node_bench:
        reasonings = node_bench.record(Reasoning, "/kinevla/reasoning")
        node = node_bench.add(PolicyNode)
        node_bench.spin_until(
            lambda: node_bench.client.count_publishers("/kinevla/reasoning"), "discovery"
        )
        assert node.trigger_configure() == FAILURE
        node_bench.spin_until(lambda: reasonings, "reasoning")
        assert reasonings[-1].status == Reasoning.NO_GPU
        assert "set device to cpu" in reasonings[-1].detail
        node_bench.spin_until(
            lambda: "finds no GPU" in str(node_bench.diagnosis("/policy")), "diagnosis"
        )


def test_a_gpu_too_small_for_the_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> None:
        raise GpuOutOfMemory("the GPU's memory is full")

    monkeypatch.setattr(generator_policy, "Policy", load)
    with bench({}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == FAILURE
        node_bench.spin_until(
            lambda: "memory is full" in str(node_bench.diagnosis("/policy")), "diagnosis"
        )


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        ({}, (None, False, "known")),
        ({"weights": "int8", "depth_head": True, "accept": "any"}, ("int8", True, "any")),
    ],
)
def test_the_engines_options_are_off_unless_the_parameters_ask_for_them(
    parameters: dict[str, Any], options: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator_policy, "Policy", FakePolicy)
    with bench({"model": "fake", **parameters}) as node_bench:
        assert node_bench.add(PolicyNode).trigger_configure() == SUCCESS
    assert FakePolicy.options == options


@pytest.fixture(scope="module")
def running() -> Iterator[PolicyBench]:
    patch = pytest.MonkeyPatch()
    patch.setattr(generator_policy, "Policy", FakePolicy)
    with bench({"model": "fake", "chunk_period": 0.1, "min_consistency": 0.5}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        yield PolicyBench(node_bench)
    patch.undo()


@pytest.fixture
def policy(running: PolicyBench) -> PolicyBench:
    running.reset()
    return running


def test_an_instruction_stays_in_force_and_chunks_carry_the_time_of_their_picture(
    policy: PolicyBench,
) -> None:
    policy.say(BREAD)
    policy.chunks.clear()
    policy.bench.spin_until(lambda: len(policy.chunks) > 5, "chunks")
    stamps = Stamps(policy.bench.client.get_clock())
    chunks = [chunk_from_message(m, stamps) for m in policy.chunks]
    assert np.diff([c.sequence for c in chunks]).tolist() == [1] * (len(chunks) - 1)
    assert np.diff([c.stamp for c in chunks]).min() > 0.05
    assert chunks[-1].positions[4] == pytest.approx(JOINTS)
    assert chunks[-1].dt == 0.1
    reasoning = policy.expect(Reasoning.OK)
    assert (reasoning.goal, reasoning.kinematics) == ("goal", "how")
    assert (list(reasoning.goal_codes), list(reasoning.kinematics_codes)) == ([1, 2], [3, 4])
    same = next(m for m in policy.chunks if m.sequence == reasoning.sequence)
    assert same.header.stamp == reasoning.header.stamp


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("dance", Reasoning.NOT_UNDERSTOOD),
        ("pick up the carrot", Reasoning.ASKING),
        ("", Reasoning.NOT_UNDERSTOOD),
    ],
)
def test_an_instruction_that_names_no_whole_task_ends_the_motion(
    policy: PolicyBench, text: str, status: int
) -> None:
    policy.say(BREAD)
    policy.say(text)
    reasoning = policy.expect(status)
    assert reasoning.detail
    policy.expect_no_chunks()


@pytest.mark.parametrize(("characters", "why"), [(20_000, "too long"), (8_000_000, "bytes on")])
def test_an_instruction_of_absurd_length_ends_the_motion_and_is_named_briefly(
    policy: PolicyBench, characters: int, why: str
) -> None:
    policy.say(BREAD)
    policy.tell("é" * characters)
    policy.expect(Reasoning.NOT_UNDERSTOOD, why)
    assert len(policy.reasonings[-1].instruction.encode()) <= 500
    policy.expect_no_chunks()


def test_joint_states_of_absurd_length_are_no_observation(policy: PolicyBench) -> None:
    policy.say(BREAD)
    policy.expect(Reasoning.OK)
    policy.cell.mute = {"joints"}
    policy.bench.publisher(JointState, "/joint_states").publish(JointState(name=["a"] * 10**6))
    policy.expect(Reasoning.NO_OBSERVATION, "bytes on /joint_states")


def test_stop_ends_the_motion(policy: PolicyBench) -> None:
    policy.say(BREAD)
    policy.say(" Stop ")
    policy.expect_no_chunks()


@pytest.mark.parametrize(
    ("missing", "detail"),
    [("wrist", "/camera/wrist"), ("front", "/camera/front"), ("joints", "/joint_states")],
)
def test_what_stops_coming_is_named_and_motion_returns_with_it(
    policy: PolicyBench, missing: str, detail: str
) -> None:
    policy.say(BREAD)
    policy.expect(Reasoning.OK)
    policy.cell.mute = {missing}
    policy.expect(Reasoning.NO_OBSERVATION, detail)
    policy.expect_no_chunks()
    assert len([r for r in policy.reasonings if r.status == Reasoning.NO_OBSERVATION]) < 5
    policy.bench.spin_until(lambda: detail in str(policy.bench.diagnosis("/policy")), "diagnosis")
    policy.cell.reset()
    policy.expect(Reasoning.OK)


def test_who_comes_later_learns_that_nothing_is_asked(policy: PolicyBench) -> None:
    questions = policy.bench.record(Question, "/kinevla/question", LATCHED)
    policy.bench.spin_until(lambda: questions, "question")
    assert questions[-1].text == ""


def test_what_is_missing_is_asked_for_and_the_answer_completes_it(policy: PolicyBench) -> None:
    questions = policy.bench.record(Question, "/kinevla/question")
    policy.say("put the carrot on the plate")
    policy.expect(Reasoning.ASKING, "By which part")
    policy.expect_no_chunks()
    policy.bench.spin_until(lambda: questions, "question")
    missing = {slot.name: list(slot.choices) for slot in questions[-1].missing}
    assert missing == {"part": ["upper part", "lower part"], "side": ["right", "left"]}
    assert questions[-1].instruction == "put the carrot on the plate"
    policy.tell("upper, on the left")
    done = policy.expect(Reasoning.OK)
    assert done.instruction == (
        "hold the carrot by the upper part and place it on the left side of the plate"
    )
    policy.bench.spin_until(lambda: not questions[-1].text, "end of the question")


@pytest.mark.parametrize("said", ["stop", "not the upper one", "throw it", BREAD])
def test_a_question_that_is_not_answered_is_over(policy: PolicyBench, said: str) -> None:
    policy.say("pick up the carrot by the top")
    policy.expect(Reasoning.ASKING)
    policy.say(said)
    policy.say("on the left")
    assert policy.reasonings[-1].status != Reasoning.OK
    policy.expect_no_chunks()


def test_pictures_too_far_apart_are_no_observation(policy: PolicyBench) -> None:
    policy.cell.lag = 0.25
    policy.say(BREAD)
    policy.expect(Reasoning.NO_OBSERVATION, "apart")
    policy.expect_no_chunks()


@pytest.mark.parametrize("skew", [0.5, -0.5])
def test_clocks_that_differ_are_no_observation_and_are_named(
    policy: PolicyBench, skew: float
) -> None:
    policy.cell.skew = skew
    policy.bench.spin_for(0.3)
    policy.say(BREAD)
    policy.expect(Reasoning.NO_OBSERVATION, "clocks agree")
    policy.expect_no_chunks()


def test_a_wrong_encoding_is_named(policy: PolicyBench) -> None:
    policy.cell.encoding = "32FC1"
    policy.bench.spin_for(0.3)
    policy.say(BREAD)
    policy.expect(Reasoning.NO_OBSERVATION, "32FC1")
    policy.expect_no_chunks()


def test_a_failure_in_the_model_gives_no_motion_and_the_node_lives_on(policy: PolicyBench) -> None:
    FakePolicy.trouble = ZeroDivisionError("out of luck")
    policy.say(BREAD)
    policy.expect(Reasoning.ERROR, "out of luck")
    policy.expect_no_chunks()
    FakePolicy.trouble = NotUnderstood("gibberish")
    policy.expect(Reasoning.NOT_UNDERSTOOD, "gibberish")
    FakePolicy.trouble = None
    policy.expect(Reasoning.OK)


def test_full_memory_is_a_state_of_its_own_and_motion_returns_with_room(
    policy: PolicyBench,
) -> None:
    FakePolicy.trouble = GpuOutOfMemory("the GPU's memory is full")
    policy.say(BREAD)
    policy.expect(Reasoning.OUT_OF_MEMORY, "memory is full")
    policy.expect_no_chunks()
    policy.bench.spin_until(lambda: "full" in str(policy.bench.diagnosis("/policy")), "diagnosis")
    FakePolicy.trouble = None
    policy.expect(Reasoning.OK)


def test_a_model_slower_than_its_chunks_says_so_sends_none_and_goes_on(policy: PolicyBench) -> None:
    FakePolicy.model_time = 0.6
    policy.say(BREAD)
    reasoning = policy.expect(Reasoning.TOO_SLOW, "0.60 s")
    assert (reasoning.goal, list(reasoning.goal_codes)) == ("goal", [1, 2])
    policy.expect_no_chunks()
    policy.bench.spin_until(lambda: "0.60 s" in str(policy.bench.diagnosis("/policy")), "diagnosis")
    FakePolicy.model_time = 0.4
    policy.expect(Reasoning.OK)
    policy.bench.spin_until(lambda: policy.chunks, "chunks")


def test_an_inference_that_does_not_end_is_seen_on_diagnostics(policy: PolicyBench) -> None:
    FakePolicy.gate.clear()
    policy.tell(BREAD)
    policy.bench.spin_until(
        lambda: "under way" in str(policy.bench.diagnosis("/policy")), "diagnosis"
    )
    FakePolicy.gate.set()
    policy.expect(Reasoning.OK)


def test_what_was_inferred_for_another_instruction_is_not_sent(policy: PolicyBench) -> None:
    FakePolicy.gate.clear()
    policy.tell(BREAD)
    policy.bench.spin_for(0.3)
    policy.tell(CARROT)
    policy.bench.spin_for(0.2)
    FakePolicy.gate.set()
    policy.bench.spin_until(lambda: policy.newest(CARROT), "reasoning")
    assert policy.newest(BREAD) is None


def test_an_inactive_policy_ignores_instructions(policy: PolicyBench) -> None:
    node = policy.bench.nodes[0]
    assert node.trigger_deactivate() == SUCCESS
    policy.tell(BREAD)
    policy.expect_no_chunks()
    assert node.trigger_activate() == SUCCESS
    policy.expect_no_chunks()
    policy.say(BREAD)
    policy.expect(Reasoning.OK)


def test_an_inference_that_does_not_end_is_waited_for_before_the_next_begins(
    policy: PolicyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_module, "JOIN_TIMEOUT", 0.2)
    node = policy.bench.nodes[0]
    policy.say(BREAD)
    policy.expect(Reasoning.OK)
    FakePolicy.gate.clear()
    policy.bench.spin_for(0.3)
    assert node.trigger_deactivate() == SUCCESS
    assert node.trigger_activate() == FAILURE
    policy.bench.spin_until(
        lambda: "not ended" in str(policy.bench.diagnosis("/policy")), "diagnosis"
    )
    FakePolicy.gate.set()
    node._thread.join(5.0)
    assert node.trigger_activate() == SUCCESS
    policy.say(BREAD)
    policy.expect(Reasoning.OK)


def test_codes_and_words_that_agree_too_little_are_shown_and_move_nothing(
    policy: PolicyBench,
) -> None:
    policy.say(BREAD)
    assert policy.expect(Reasoning.OK).consistency == pytest.approx(0.9)
    for too_little in (0.4, float("nan")):
        FakePolicy.consistency = too_little
        reasoning = policy.expect(Reasoning.INCONSISTENT, "min_consistency")
        assert (reasoning.goal, list(reasoning.goal_codes)) == ("goal", [1, 2])
        policy.expect_no_chunks()
        FakePolicy.consistency = 0.5
        policy.expect(Reasoning.OK)
    policy.bench.spin_until(lambda: policy.chunks, "chunks")


def test_doubt_is_published_and_only_reported_unless_a_parameter_says_more(
    policy: PolicyBench,
) -> None:
    policy.say(BREAD)
    assert policy.expect(Reasoning.OK).doubt == pytest.approx(0.5)
    FakePolicy.disagreement = 3.0
    policy.bench.spin_until(lambda: policy.reasonings[-1].doubt == pytest.approx(1.5), "doubt")
    assert policy.expect(Reasoning.OK).doubt == pytest.approx(1.5)


def test_an_operators_words_stand_until_released_and_the_message_says_whose_they_are(
    policy: PolicyBench,
) -> None:
    policy.say(BREAD)
    answer = policy.override(REPLACE, LEFT_FRONT)
    assert answer.success
    assert LEFT_FRONT in answer.message
    policy.reasonings.clear()
    policy.bench.spin_until(
        lambda: policy.reasonings and policy.reasonings[-1].overridden, "operator's words"
    )
    assert policy.reasonings[-1].kinematics == LEFT_FRONT
    policy.tell(BREAD)
    policy.bench.spin_for(0.3)
    assert policy.reasonings[-1].overridden
    assert policy.override(RELEASE).success
    policy.bench.spin_until(lambda: not policy.reasonings[-1].overridden, "own words")


def test_another_instruction_ends_an_operators_words(policy: PolicyBench) -> None:
    policy.say(BREAD)
    assert policy.override(REPLACE, LEFT_FRONT).success
    policy.say(CARROT)
    assert not policy.expect(Reasoning.OK).overridden
    policy.say(BREAD)
    assert not policy.expect(Reasoning.OK).overridden


@pytest.mark.parametrize(
    ("instruction", "goal", "kinematics", "message"),
    [
        ("stop", "", LEFT_FRONT, "no instruction is in force"),
        (BREAD, "", "hurry up", "write for example"),
        (BREAD, "", "", "write for example"),
        (BREAD, "place the carrot in the plate", LEFT_FRONT, "same object"),
        (CARROT, "", LEFT_FRONT, "another goal"),
    ],
)
def test_words_that_cannot_be_followed_are_refused_and_change_nothing(
    policy: PolicyBench, instruction: str, goal: str, kinematics: str, message: str
) -> None:
    policy.say(instruction)
    answer = policy.override(REPLACE, kinematics, goal)
    assert not answer.success
    assert message in answer.message
    if instruction != "stop":
        assert not policy.expect(Reasoning.OK).overridden


def test_an_unknown_action_is_refused(policy: PolicyBench) -> None:
    assert not policy.override(77).success


def test_a_veto_holds_through_instructions_and_replacements_until_released(
    policy: PolicyBench,
) -> None:
    policy.say(BREAD)
    assert policy.override(VETO).success
    policy.expect(Reasoning.VETOED, "RELEASE")
    policy.say(CARROT)
    assert not policy.override(REPLACE, LEFT_FRONT).success
    policy.expect(Reasoning.VETOED)
    policy.expect_no_chunks()
    assert policy.override(RELEASE).success
    policy.expect(Reasoning.OK)


def test_what_was_inferred_before_a_veto_is_not_sent(policy: PolicyBench) -> None:
    FakePolicy.gate.clear()
    policy.tell(BREAD)
    policy.bench.spin_for(0.3)
    assert policy.override(VETO).success
    policy.chunks.clear()
    FakePolicy.gate.set()
    policy.bench.spin_for(0.3)
    assert not policy.chunks
