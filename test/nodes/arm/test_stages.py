"""How each stage of a node's work shows on /diagnostics."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import SUCCESS, bench

from kinevla_ros.nodes.arm.stages import arm_stages
from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState, Status

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
MOVING = Status(SafetyState.MOVING, Fault.NONE, "", "", float("nan"), 3)


def stages(periods: tuple[float, ...] = (0.02,) * 10, **link: Any) -> dict[str, Diagnosis]:
    """Stages of an arm in motion, all well but for what is given."""
    state = link.pop("state", ArmState(np.ones(7), time.monotonic()))
    well = {"connected": True, "can_stop": True, "failed": False}
    driver: Any = SimpleNamespace(**well, latest=lambda: state)
    driver.__dict__.update(link)
    latency = Latency()
    for period in periods:
        latency.add(period)
    return arm_stages(driver, MOVING, latency, 0.02)


def test_an_arm_that_is_well_is_ok_in_every_stage() -> None:
    found = stages()
    assert set(found) == {"link", "controller", "stream", "chunks"}
    assert all(diagnosis.level == OK for diagnosis in found.values())
    assert found["chunks"].figures["refused"] == "3"


def test_a_lost_link_is_an_error_and_a_dead_stop_line_a_warning() -> None:
    assert stages(connected=False)["link"].level == ERROR
    found = stages(can_stop=False)["link"]
    assert (found.level, found.text) == (
        WARN,
        "the controller does not answer on the stop's own connection",
    )


def test_error_codes_are_named_as_the_manual_lists_them() -> None:
    state = ArmState(np.ones(7), 0.0, None, (0x100D,), (0, 0x4000, 0, 0, 0, 0, 0))
    found = stages(state=state)["controller"]
    assert found.level == ERROR
    assert found.figures == {"joint2": "0x4000", "controller": "0x100d"}


def test_a_stream_that_is_late_now_and_then_is_a_warning() -> None:
    assert stages((0.02,) * 90 + (0.05,) * 10)["stream"].level == WARN


def test_a_stream_that_has_died_is_an_error_however_even_it_was() -> None:
    assert stages(failed=True)["stream"].level == ERROR


class Kitchen(ManagedNode):
    """A node with two stages."""

    def __init__(self) -> None:
        super().__init__("kitchen", {})
        self.hardware_id = "stove 7"

    def stages(self) -> dict[str, Diagnosis]:
        return {"pan": Diagnosis("hot"), "plate": Diagnosis("empty", WARN, {"carrots": "0"})}


def test_stages_are_published_under_the_nodes_name_while_it_is_active() -> None:
    with bench({}) as node_bench:
        node = node_bench.add(Kitchen)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        node_bench.spin_until(lambda: node_bench.diagnosis("/kitchen: plate"), "diagnosis")
        plate = node_bench.diagnosis("/kitchen: plate")
        assert plate is not None
        assert (plate.level, plate.message, plate.hardware_id) == (WARN, "empty", "stove 7")
        assert plate.values[0].value == "0"
        pan = node_bench.diagnosis("/kitchen: pan")
        assert pan is not None
        assert pan.level == OK
