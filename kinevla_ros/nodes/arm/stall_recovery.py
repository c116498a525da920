"""A simulated arm goes on by itself after this computer was too busy; a real one never does."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from kinevla_ros.robot.driver.client import DriverClient
from kinevla_ros.robot.gate.arm_checks import MAX_STATE_AGE
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.status import SafetyState, Status

PERIOD = 0.25
"""How often it is tried, s."""

SIMULATED_STATE_AGE = 0.5
"""A simulator that waits for a processor is no arm that has lost its sensors, s."""

STALLS = (
    Fault.STALE_STATE,
    Fault.STREAM_INTERRUPTED,
    Fault.CONNECTION_LOST,
    Fault.TRACKING_ERROR,
    Fault.CONTROLLER_ERROR,
)
"""What a simulator that lags behind looks like: late states, an arm that is not where it was sent,
targets that its controller takes together and so for a jump."""


def state_age_from(values: Mapping[str, Any]) -> float:
    """Oldest state of the arm in motion, s, from the node's parameters.

    Raises:
        ValueError: a simulated arm is asked for at an address of a real one.
    """
    if not values["simulated"]:
        return MAX_STATE_AGE
    try:
        here = ipaddress.ip_address(values["arm_ip"]).is_loopback
    except ValueError:
        here = False
    if values["transport"] != "api" or not here:
        raise ValueError(
            f"simulated is for an arm on this computer, at 127.0.0.0/8, and not for the one at "
            f"{values['arm_ip']} by {values['transport']}: a real arm must not go on by itself"
        )
    return SIMULATED_STATE_AGE


def recovered(driver: DriverClient, status: Status | None) -> str:
    """Reset and enable an arm that has stalled and rests; what the stall was, or empty.

    Raises:
        RuntimeError: the driver's process or the controller does not do it; it may be tried again.
    """
    if status is None or status.state is not SafetyState.FAULTED or status.fault not in STALLS:
        return ""
    if driver.connected and driver.reset().ok and driver.enable().ok:
        return f"{status.fault.name}: {status.reason}"
    return ""
