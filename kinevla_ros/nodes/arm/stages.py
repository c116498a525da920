"""How each stage between a chunk and the arm is, for /diagnostics."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticStatus

from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.nodes.ros.managed import Diagnosis
from kinevla_ros.robot.driver.client import DriverClient
from kinevla_ros.robot.driver.driver import STREAM_FAILED
from kinevla_ros.robot.status import Status

LATE = 0.002
"""The stream's period may be so much longer than meant in one of a hundred ticks, s."""


def arm_stages(
    driver: DriverClient, status: Status, periods: Latency, period: float
) -> dict[str, Diagnosis]:
    """Link to the arm, its controller, the stream and the chunks.

    Args:
        driver: of the arm.
        status: what the arm is doing.
        periods: between the ticks of the stream.
        period: what they are meant to be, s.
    """
    return {
        "link": _link(driver),
        "controller": _controller(driver),
        "stream": _stream(driver, periods, period),
        "chunks": Diagnosis(
            status.reason or "accepted", figures={"refused": str(status.refused_chunks)}
        ),
    }


def _link(driver: DriverClient) -> Diagnosis:
    state = driver.latest()
    age = "-" if state is None else f"{1000 * (time.monotonic() - state.stamp):.0f}"
    figures = {"age of the arm's state (ms)": age, "stop gets through": str(driver.can_stop)}
    if not driver.connected:
        return Diagnosis("lost; connecting again", DiagnosticStatus.ERROR, figures)
    if not driver.can_stop:
        text = "the controller does not answer on the stop's own connection"
        return Diagnosis(text, DiagnosticStatus.WARN, figures)
    return Diagnosis("connected", figures=figures)


def _controller(driver: DriverClient) -> Diagnosis:
    state = driver.latest()
    if state is None or not (state.controller_errors or state.joint_errors):
        return Diagnosis("no errors")
    figures = {f"joint{i}": f"0x{bits:04x}" for i, bits in enumerate(state.joint_errors, 1) if bits}
    codes = ", ".join(f"0x{code:04x}" for code in state.controller_errors)
    figures |= {"controller": codes} if codes else {}
    return Diagnosis("reports errors; call /arm/reset", DiagnosticStatus.ERROR, figures)


def _stream(driver: DriverClient, periods: Latency, period: float) -> Diagnosis:
    figures = {"period": periods.summary(), "meant (ms)": f"{1000 * period:.0f}"}
    if driver.failed:
        return Diagnosis(STREAM_FAILED, DiagnosticStatus.ERROR, figures)
    if periods.tail() > period + LATE:
        text = "uneven: this computer is too busy, or there is no real-time priority"
        return Diagnosis(text, DiagnosticStatus.WARN, figures)
    return Diagnosis("even", figures=figures)
