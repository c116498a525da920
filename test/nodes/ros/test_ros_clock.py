"""ROS time that does not run: named, and nothing moves by it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from fake_cell import FakeCell
from node_bench import FAILURE, SUCCESS, Bench, bench
from policy_bench import BREAD, FakePolicy
from rclpy.clock import Clock as RosClock
from rclpy.clock_type import ClockType
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String

from kinevla_ros.generator import policy as generator_policy
from kinevla_ros.msg import ActionChunk, Reasoning
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.ros.managed import ManagedNode

NOTHING, STILL = "nothing comes on /clock", "/clock has stood still"


class Simulation:
    """Publishes /clock while `running`."""

    def __init__(self, bench: Bench) -> None:
        self.running = True
        self._publisher = bench.client.create_publisher(Clock, "/clock", 1)
        steady = RosClock(clock_type=ClockType.STEADY_TIME)
        bench.client.create_timer(0.02, self._tick, clock=steady)

    def _tick(self) -> None:
        if self.running:
            seconds, rest = divmod(time.monotonic_ns(), 10**9)
            self._publisher.publish(Clock(clock=Time(sec=seconds, nanosec=rest)))


@pytest.fixture(scope="module")
def bench_in_simulated_time() -> Iterator[Bench]:
    patch = pytest.MonkeyPatch()
    patch.setattr(generator_policy, "Policy", FakePolicy)
    parameters = {"use_sim_time": True, "policy:chunk_period": 0.1, "policy:min_consistency": 0.5}
    with bench(parameters) as node_bench:
        yield node_bench
    patch.undo()


def test_diagnostics_come_and_nothing_is_activated_without_a_clock(
    bench_in_simulated_time: Bench,
) -> None:
    bench = bench_in_simulated_time
    node = bench.add(lambda: ManagedNode("waiting", {}))
    bench.spin_until(lambda: NOTHING in str(bench.diagnosis("/waiting")), "diagnosis")
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == FAILURE
    assert node.state == "inactive"
    assert NOTHING in node._problem


def test_a_policy_whose_clock_stops_gives_no_chunk_and_says_why(
    bench_in_simulated_time: Bench,
) -> None:
    bench = bench_in_simulated_time
    simulation = Simulation(bench)
    node = bench.add(PolicyNode)
    bench.spin_until(lambda: not node.clock_watch.problem(), "clock")
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    FakeCell(bench)
    FakePolicy.gate.set()
    reasonings = bench.record(Reasoning, "/kinevla/reasoning")
    chunks = bench.record(ActionChunk, "/kinevla/action_chunk")
    bench.publisher(String, "/instruction").publish(String(data=BREAD))
    bench.spin_until(lambda: chunks, "chunks")
    simulation.running = False
    bench.spin_until(lambda: any(STILL in r.detail for r in reasonings), "reason")
    assert reasonings[-1].status == Reasoning.NO_OBSERVATION
    bench.spin_until(lambda: STILL in str(bench.diagnosis("/policy")), "diagnosis")
    chunks.clear()
    bench.spin_for(0.4)
    assert not chunks
    simulation.running = True
    bench.spin_until(lambda: chunks, "chunks again")
