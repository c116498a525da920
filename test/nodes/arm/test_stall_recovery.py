"""A simulated arm goes on by itself after a busy moment; a real one never does."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from arm_node_bench import arm_node

from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.arm.stall_recovery import recovered, state_age_from
from kinevla_ros.robot.gate.arm_checks import MAX_STATE_AGE
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault
from kinevla_ros.robot.status import SafetyState, Status
from kinevla_ros.robot.transport import ArmConnectionError


def values(**others: object) -> dict[str, object]:
    return {"simulated": True, "transport": "api", "arm_ip": "127.0.0.2", **others}


@pytest.mark.parametrize("other", [{"arm_ip": "192.168.1.18"}, {"transport": "rm_driver"}])
def test_a_real_arm_is_never_taken_for_a_simulated_one(other: dict[str, object]) -> None:
    assert state_age_from(values(simulated=False, **other)) == MAX_STATE_AGE
    assert state_age_from(values()) > MAX_STATE_AGE
    with pytest.raises(ValueError, match="must not go on by itself"):
        state_age_from(values(**other))


def test_a_simulated_arm_goes_on_by_itself_after_its_controller_was_late() -> None:
    with arm_node(simulated=True, enable_on_activate=True) as arm:
        arm.expect(SafetyStatus.READY)
        arm.controller.freeze()
        arm.expect(SafetyStatus.FAULTED, SafetyStatus.STALE_STATE)
        arm.controller.freeze(False)
        arm.expect(SafetyStatus.READY)
        assert arm.trigger("stop").success
        arm.expect(SafetyStatus.FAULTED, SafetyStatus.SOFTWARE_STOP)
        arm.bench.spin_for(1.0)
        arm.expect(SafetyStatus.FAULTED, SafetyStatus.SOFTWARE_STOP)


class Driver:
    """Takes requests as the driver's process does."""

    connected = True

    def __init__(self, problem: RuntimeError | None = None) -> None:
        self.problem, self.asked = problem, []

    def reset(self) -> CheckResult:
        self.asked.append("reset")
        if self.problem:
            raise self.problem
        return PASSED

    def enable(self) -> CheckResult:
        self.asked.append("enable")
        return PASSED


def faulted(fault: Fault) -> Status:
    return Status(SafetyState.FAULTED, fault, "late", "", 0.0, 0)


def test_why_a_recovery_fails_reaches_the_node() -> None:
    problem = ArmConnectionError("the controller does not clear its errors")
    with pytest.raises(RuntimeError, match="does not clear"):
        recovered(Driver(problem), faulted(Fault.STALE_STATE))
    assert recovered(Driver(), faulted(Fault.STALE_STATE)) == "STALE_STATE: late"


def test_a_stop_is_no_stall() -> None:
    driver = Driver()
    assert not recovered(driver, faulted(Fault.SOFTWARE_STOP))
    assert not driver.asked
