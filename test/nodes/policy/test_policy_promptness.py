"""The policy node answers a person at once, and what the arm waits for goes out first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy")

from node_bench import SUCCESS, bench
from policy_bench import BREAD, CARROT, FakePolicy, PolicyBench

from kinevla_ros.generator import policy as generator_policy
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy import node as policy_module
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.policy.output import Output

PARAMETERS = {"model": "fake", "chunk_period": 0.4, "max_observation_age": 2.0}


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Iterator[PolicyBench]:
    """One that nothing but pictures and people wake."""
    monkeypatch.setattr(generator_policy, "Policy", FakePolicy)
    monkeypatch.setattr(policy_module, "PICTURE_TIMEOUT", 60.0)
    with bench(PARAMETERS) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        running = PolicyBench(node_bench)
        running.reset()
        yield running


def test_a_new_instruction_is_answered_from_the_picture_that_is_there(policy: PolicyBench) -> None:
    policy.say(BREAD)
    policy.expect(Reasoning.OK)
    policy.cell.mute = {"front", "wrist"}
    policy.say(CARROT)
    assert policy.expect(Reasoning.OK).instruction == CARROT


def test_the_chunk_goes_out_first_then_the_reasoning_then_what_people_look_at(
    policy: PolicyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for name in ("chunk", "reasoning", "path"):
        publish = getattr(Output, name)

        def noted(output: Output, *given, name=name, publish=publish) -> None:
            order.append(name)
            publish(output, *given)

        monkeypatch.setattr(Output, name, noted)
    policy.tell(BREAD)
    policy.bench.spin_until(lambda: "path" in order, "path")
    assert order[order.index("chunk") :][:3] == ["chunk", "reasoning", "path"]
