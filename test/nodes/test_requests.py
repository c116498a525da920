"""No request over DDS ends a node: what is impossible is refused with a reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_bench import Bench, bench
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters, SetParametersAtomically
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String
from std_srvs.srv import Trigger

from kinevla_ros.nodes.ros.managed import ManagedNode

POSSIBLE = {
    "unconfigured": {1: "inactive", 5: "finalized"},
    "inactive": {2: "unconfigured", 3: "active", 6: "finalized"},
    "active": {4: "inactive", 7: "finalized"},
    "finalized": {},
}
NUMBERS = (*range(9), 10, 30, 60, 97, 255)
WAYS = {"unconfigured": (), "inactive": (1,), "active": (1, 3), "finalized": (5,)}


class Faulty(ManagedNode):
    """Its service and its subscription have a fault of the program."""

    def __init__(self, name: str = "faulty") -> None:
        super().__init__(name, {})
        self.create_service(Trigger, "~/break", self._break)
        self.create_subscription(String, "~/break", self._break, 1)
        self.stuck = False

    def deactivate(self) -> None:
        if self.stuck:
            raise KeyError("stuck")

    def _break(self, *_: Any) -> None:
        raise KeyError("a fault of the program")


@pytest.fixture(scope="module")
def all_tests() -> Iterator[Bench]:
    with bench({"clocked:use_sim_time": True}) as node_bench:
        yield node_bench


NAMES = (f"faulty{number}" for number in count())


class Client:
    """A client of one node, alone in the bench."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench, self.name = bench, name
        self.node = bench.add(lambda: Faulty(name))

    def call(self, kind: Any, service: str, request: Any) -> Any:
        return self.bench.call(kind, f"/{self.name}/{service}", request)

    def state(self) -> str:
        return str(self.call(GetState, "get_state", GetState.Request()).current_state.label)

    def change(self, number: int = 0, label: str = "") -> bool:
        return bool(change(self.bench, self.name, number, label))


def change(bench: Bench, name: str, number: int, label: str = "") -> bool:
    request = ChangeState.Request(transition=Transition(id=number, label=label))
    return bool(bench.call(ChangeState, f"/{name}/change_state", request).success)


@pytest.fixture
def faulty(all_tests: Bench) -> Iterator[Client]:
    client = Client(all_tests, next(NAMES))
    yield client
    all_tests.executor.remove_node(client.node)


@pytest.mark.parametrize("before", POSSIBLE)
def test_every_transition_in_every_state_is_done_or_refused_and_the_node_lives_on(
    all_tests: Bench, before: str
) -> None:
    client: Client | None = None
    for number in NUMBERS:
        if client is None:
            client = Client(all_tests, next(NAMES))
            assert all(client.change(way) for way in WAYS[before])
        after = POSSIBLE[before].get(number)
        assert client.change(number) is (after is not None)
        assert client.state() == (after or before) == client.node.state
        assert client.node.finalized is (client.node.state == "finalized")
        if after is not None:
            all_tests.executor.remove_node(client.node)
            client = None


@pytest.mark.parametrize(
    "label",
    ["activate", "dance", "x" * 100_000, "é\n\x00"],
    ids=["impossible", "unknown", "long", "odd"],
)
def test_an_impossible_or_unknown_label_is_refused(faulty: Client, label: str) -> None:
    assert not faulty.change(1, label)
    assert faulty.state() == "unconfigured"
    assert faulty.change(0, "configure")


def test_a_transition_that_breaks_off_is_named_and_starts_over(faulty: Client) -> None:
    assert faulty.change(1) and faulty.change(3)
    faulty.node.stuck = True
    assert not faulty.change(Transition.TRANSITION_DEACTIVATE)
    assert faulty.state() == "unconfigured" == faulty.node.state
    assert "deactivation failed: KeyError" in faulty.node.last_failure


def parameter(name: str, kind: int) -> Parameter:
    return Parameter(name=name, value=ParameterValue(type=kind))


def test_a_parameter_of_an_unknown_type_is_refused_with_a_reason(faulty: Client) -> None:
    parameters = [parameter("use_sim_time", 1), parameter("a", 99), parameter("b", 1)]
    request = SetParameters.Request(parameters=parameters)
    results = faulty.call(SetParameters, "set_parameters", request).results
    assert [result.successful for result in results] == [True, False, False]
    assert "99 is not a valid Parameter.Type" in results[1].reason
    request = SetParametersAtomically.Request(parameters=parameters)
    result = faulty.call(SetParametersAtomically, "set_parameters_atomically", request).result
    assert not result.successful and "99" in result.reason
    request = GetParameters.Request(names=["use_sim_time"])
    assert faulty.call(GetParameters, "get_parameters", request).values


def test_a_clock_before_zero_is_named_and_the_node_lives_on(all_tests: Bench) -> None:
    client = Client(all_tests, "clocked")
    all_tests.publisher(Clock, "/clock").publish(Clock(clock=Time(sec=-5)))
    all_tests.spin_until(lambda: "must not be negative" in client.node.last_failure, "failure")
    assert client.state() == "unconfigured"


def test_a_fault_of_the_program_is_answered_counted_and_shown(faulty: Client) -> None:
    answer = faulty.call(Trigger, "break", Trigger.Request())
    assert not answer.success
    assert "KeyError: 'a fault of the program' (test_requests.py:" in answer.message
    faulty.bench.publisher(String, f"/{faulty.name}/break").publish(String())
    faulty.bench.spin_until(lambda: faulty.node.failures == 2, "second failure")
    line = f"/{faulty.name}: requests"
    faulty.bench.spin_until(lambda: "KeyError" in str(faulty.bench.diagnosis(line)), "diagnosis")


PROCESS = """
import sys
from kinevla_ros.nodes.ros.managed import ManagedNode
from kinevla_ros.nodes.ros.parameters import Parameter
from kinevla_ros.nodes.ros.runtime import run
spec = {"speed": Parameter(1.0, "m/s")}
sys.exit(run(lambda: ManagedNode("process", spec)))
"""


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROCESS, "--ros-args", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_a_shutdown_transition_is_answered_and_ends_the_process_in_order(
    all_tests: Bench,
) -> None:
    with process() as running:
        all_tests.meet("process")
        assert not change(all_tests, "process", Transition.TRANSITION_ACTIVATE)
        assert change(all_tests, "process", Transition.TRANSITION_CONFIGURE)
        assert change(all_tests, "process", Transition.TRANSITION_ACTIVATE)
        assert change(all_tests, "process", Transition.TRANSITION_ACTIVE_SHUTDOWN)
        _, printed = running.communicate(timeout=20.0)
    assert running.returncode == 0
    assert "transition 3 is refused: the node is unconfigured; possible: configure" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-p", "sped:=2.0"), '/process has no parameter "sped"; did you mean "speed"?'),
        (("-p", "speed:=fast"), "speed"),
        (("--params-file", "/nowhere.yaml"), "/nowhere.yaml"),
    ],
)
def test_a_wrong_parameter_ends_the_start_with_one_line(
    arguments: tuple[str, ...], reason: str
) -> None:
    with process(*arguments) as started:
        _, printed = started.communicate(timeout=20.0)
    assert started.returncode == 2
    assert reason in printed and "Traceback" not in printed
