"""The policy node with a policy that somebody else serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("msgpack")
pytest.importorskip("websockets")

from foreign_policy import ACTIONS, foreign
from node_bench import FAILURE, SUCCESS, bench
from policy_bench import RELEASE, REPLACE, VETO, PolicyBench

from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.serving import client

WAVE = "wave at the people behind the glass"


class Server:
    """Answers as the test sets it; `free` holds an answer up."""

    def __init__(self) -> None:
        self.answer: Any = {"actions": ACTIONS}
        self.free = threading.Event()
        self.free.set()

    def __call__(self, _: Any) -> Any:
        self.free.wait(10.0)
        return self.answer


@contextmanager
def node_of(**parameters: object) -> Iterator[tuple[PolicyNode, Any]]:
    with bench(parameters | {"chunk_period": 0.1}) as node_bench:
        yield node_bench.add(PolicyNode), node_bench


@pytest.mark.parametrize(
    ("answer", "parameters", "said"),
    [
        ({"actions": ACTIONS[:2]}, {}, "shape (2, 8)"),
        ({"action": ACTIONS}, {}, '"actions" is missing'),
        ({"actions": ACTIONS}, {"model": "mine"}, "leave model out"),
        ({"actions": ACTIONS}, {"policy_url": "ws://192.168.1.7:8000"}, "policy_url_anywhere"),
    ],
    ids=["short", "key", "model", "machine"],
)
def test_a_policy_that_does_not_fit_keeps_the_node_unconfigured_with_the_reason(
    answer: Any, parameters: dict, said: str
) -> None:
    with foreign(lambda _: answer) as url, node_of(**{"policy_url": url} | parameters) as (node, b):
        assert node.trigger_configure() == FAILURE
        b.spin_until(lambda: said in str(b.diagnosis("/policy")), "diagnosis")


def test_a_server_that_says_nothing_of_its_actions_needs_its_users_word() -> None:
    for given, outcome in (({}, FAILURE), ({"policy_actions": "absolute"}, SUCCESS)):
        with (
            foreign(lambda _: {"actions": ACTIONS}, {}) as url,
            node_of(policy_url=url, **given) as (node, _),
        ):
            assert node.trigger_configure() == outcome


@pytest.fixture(scope="module")
def running() -> Iterator[SimpleNamespace]:
    server = Server()
    with foreign(server) as url, node_of(policy_url=url) as (node, node_bench):
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        yield SimpleNamespace(server=server, policy=PolicyBench(node_bench))


@pytest.fixture
def served(running: SimpleNamespace) -> Iterator[SimpleNamespace]:
    running.policy.cell.reset()
    running.policy.override(RELEASE)
    running.policy.say("stop")
    yield running
    running.server.answer = {"actions": ACTIONS}
    running.server.free.set()


def test_its_chunk_goes_out_for_words_that_only_its_server_knows(served) -> None:
    served.policy.say(WAVE)
    reasoning = served.policy.expect(Reasoning.OK)
    served.policy.bench.spin_until(lambda: served.policy.chunks, "chunk")
    chunk = next(c for c in served.policy.chunks if c.sequence == reasoning.sequence)
    assert list(chunk.positions) == pytest.approx(ACTIONS[:, :7].ravel().tolist())
    assert chunk.header.stamp == reasoning.header.stamp


def test_a_server_that_hangs_means_no_chunk_and_a_reason_until_it_is_well(
    served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.2)
    served.policy.say(WAVE)
    served.policy.expect(Reasoning.OK)
    served.server.free.clear()
    served.policy.expect(Reasoning.ERROR, "does not answer in time")
    served.policy.expect_no_chunks()
    assert not served.policy.chunks
    served.server.free.set()
    served.policy.expect(Reasoning.OK)


def test_actions_of_another_arm_mean_no_chunk_and_the_way_out(served) -> None:
    served.server.answer = {"actions": ACTIONS[:, :7]}
    served.policy.tell(WAVE)
    detail = served.policy.expect(Reasoning.ERROR, "shape (5, 7)").detail
    assert "output transform" in detail
    assert "Traceback" not in detail


def test_a_person_can_veto_it_but_not_put_words_in_its_place(served) -> None:
    served.policy.say(WAVE)
    answer = served.policy.override(REPLACE, "grasp the bread first")
    assert not answer.success
    assert "takes no words" in answer.message
    assert served.policy.override(VETO).success
    served.policy.expect(Reasoning.VETOED)
