"""The work behind `kinevla up`: which nodes run with which parameters, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinevla_ros.base.arm import ARM_PORT
from kinevla_ros.stack.processes.claims import AlreadyRunning, claim
from kinevla_ros.stack.processes.isolation import (
    DISCOVERY,
    RANGES,
    confine,
    free_tcp_port,
    free_udp_port,
)
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Interrupted,
    Launcher,
    LaunchError,
    client_node,
    half,
    parameter_file,
    simulated,
)

POLL = 0.05
READY = 'The nodes are active. Say: kinevla say {}"…". Ctrl-C ends them.'
ALONE = (
    "note: only nodes on this computer are found; the other half on another machine needs "
    "--discovery subnet here and there (docs/remote.md)"
)


@dataclass(frozen=True)
class StackSetup:
    """Which nodes are to run, and what differs from the parameter file.

    Attributes:
        sim: the simulated cell instead of a real arm.
        arm_ip: of the real arm.
        model, skills, policy_url: where chunks come from.
        keypoints: what finds the objects for the skills.
        console: with the page to run the arm from.
        namespace: of the nodes.
        serials: serial number of each RealSense to read, by camera.
        record: folder for episodes; None for no recorder.
        shadow: let the arm follow no chunk.
    """

    sim: bool = True
    arm_ip: str | None = None
    model: Path | None = None
    skills: Path | None = None
    policy_url: str | None = None
    console: bool = False
    namespace: str = ""
    serials: Mapping[str, str] = field(default_factory=dict)
    record: Path | None = None
    shadow: bool = False
    keypoints: Path | None = None


def up(setup: StackSetup, config: Path | None = None, only: str = "", discovery: str = "") -> int:
    """Run the nodes, or one of `HALVES`, until Ctrl-C; returns the exit code.

    Args:
        config: parameter file; the package's own without it.
        discovery: see `confine`.
    """
    confine(discovery)
    namespace = setup.namespace
    if only and os.environ[DISCOVERY] == RANGES["local"]:
        print(ALONE, file=sys.stderr)
    try:
        nodes = half(overrides(setup), only)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if "cameras" in nodes:
        print("cameras: RealSense, read by this package's own node", file=sys.stderr)
    try:
        held = claim(nodes, namespace)
        with (
            client_node("kinevla_up", namespace) as (node, interrupted),
            Launcher(node, interrupted, parameter_file(config), nodes) as launcher,
        ):
            launcher.bring_up()
            print(READY.format(f"--namespace {namespace} " if namespace else ""), flush=True)
            while held:
                launcher.spin(POLL)
    except Interrupted:
        return 0
    except (LaunchError, FileNotFoundError, AlreadyRunning) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def overrides(setup: StackSetup) -> dict[str, dict[str, Any]]:
    """The nodes in the order of starting, each with what differs from the parameter file.

    Raises:
        ValueError: the address of a real arm for the simulated cell, whose arm node is enabled at
            once and moves by simulated pictures; real cameras for it.
    """
    nodes: dict[str, dict[str, Any]] = {"policy": {}, "arm": {}}
    sim, arm_ip = setup.sim, setup.arm_ip
    if sim and arm_ip is not None:
        raise ValueError(f"the simulated cell has an arm of its own; {arm_ip} needs --no-sim")
    if sim:
        nodes = simulated_nodes(setup.namespace)
    if sim and setup.serials:
        raise ValueError("the simulated cell has cameras of its own; serial numbers need --no-sim")
    if setup.serials:
        numbers = {f"{name}_serial": serial for name, serial in setup.serials.items()}
        nodes = {"cameras": numbers, **nodes}
    if arm_ip is not None:
        nodes["arm"]["arm_ip"] = arm_ip
    if setup.shadow:
        nodes["arm"]["shadow"] = True
    for name in ("model", "skills", "keypoints", "policy_url"):
        if (source := getattr(setup, name)) is not None:
            nodes["policy"][name] = str(source)
    if setup.namespace:
        for values in nodes.values():
            values["frame_prefix"] = f"{setup.namespace.strip('/')}/"
    # First, so that they are there before anything moves, and as long as anything does.
    if setup.record is not None:
        tasks = {"tasks": str(setup.model)} if setup.model is not None else {}
        nodes = {"recorder": {"folder": str(setup.record.resolve()), **tasks}, **nodes}
    return {"console": {}, **nodes} if setup.console else nodes


def simulated_nodes(namespace: str = "") -> dict[str, dict[str, Any]]:
    """Parameters of cell, policy and arm; ports of its own for one of several cells."""
    if not namespace:
        cell = {"host": CELL_HOST, "port": ARM_PORT}
        return {"cell": cell, "policy": {}, "arm": simulated(ARM_PORT)}
    port, udp_port = free_tcp_port(CELL_HOST), free_udp_port(CELL_HOST)
    arm = {**simulated(port), "udp_port": udp_port}
    return {"cell": {"host": CELL_HOST, "port": port}, "policy": {}, "arm": arm}
