#!/usr/bin/env python3
"""Records a task of one's own in the simulated cell, with the demonstrator as the leader.

    scripts/record_cell.py FOLDER --tasks config/carrot_lay.yaml --episodes 40

Cell, arm and recorder run as processes of their own. Before each episode the arm is led home and
the objects are laid out anew; then the demonstrator leads the arm through `/kinevla/teleop_targets`
and its gate, as `kinevla teleop player` does. The ways of the task set come in turn, each in words
that are drawn from its templates. What does not end in `SECONDS` is discarded and tried again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rich.console import Console

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.stack.arm_link import ArmLink
from kinevla_ros.stack.bench.trials import Attendant
from kinevla_ros.stack.processes.isolation import free_tcp_port, free_udp_port, own_domain
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Launcher,
    client_node,
    parameter_file,
    simulated,
)
from kinevla_ros.stack.record.session import RecordSession
from kinevla_ros.stack.teleop.drive import Drive
from kinevla_ros.stack.teleop.person import PersonDone, Wish
from kinevla_ros.stack.teleop.player import Player

SECONDS = 30.0
"""An episode takes a fourth of it."""

STANDS = 1.0
"""So long an episode goes on once the task is done (s): that the arm then stands is learnt, too."""


class HurriedPlayer(Player):
    """A player that gives up.

    Attributes:
        late: whether it has.
    """

    def __init__(self, link: ArmLink, command: Command) -> None:
        super().__init__(link.node, command)
        self._end, self.late = time.monotonic() + SECONDS, False

    def read(self, now: float) -> Wish:
        """See `Person`."""
        if now > self._end:
            self.late = True
            raise PersonDone
        return super().read(now)


def record(folder: Path, tasks: Path, episodes: int, seed: int) -> None:
    """Record until there are so many successes."""
    own_domain()
    port, rng = free_tcp_port(CELL_HOST), np.random.default_rng(seed)
    ways = load_tasks(tasks).commands
    nodes: dict[str, dict[str, Any]] = {
        "recorder": {"folder": str(folder.resolve()), "tasks": str(tasks.resolve())},
        "cell": {"host": CELL_HOST, "port": port, "seed": seed},
        "arm": {**simulated(port), "udp_port": free_udp_port(CELL_HOST)},
    }
    with (
        client_node("record_cell") as (node, interrupted),
        Launcher(node, interrupted, parameter_file(None), nodes, "warn") as launcher,
    ):
        launcher.bring_up()
        link = ArmLink(node, interrupted, launcher)
        session = RecordSession(node, lambda: launcher.spin(0.05), Console())
        attendant = Attendant(node, launcher)
        launcher.wait_for(link.enabled, 30.0, "the arm is not enabled")
        while (kept := session.kept["success"]) < episodes:
            command = ways[kept % len(ways)]
            attendant.prepare("")
            _say(link, instruction(command, rng))
            session.press("s")
            session.press("y" if _lead(link, command) else "d")
        print(f"recorded: {session.summary()}")


def _lead(link: ArmLink, command: Command) -> bool:
    """Whether the demonstrator gets it done."""
    player = HurriedPlayer(link, command)
    try:
        Drive(link, player, link.gate()[0]).run()
    finally:
        player.close()
    link.spin_until(time.monotonic() + STANDS)
    return not player.late


def _say(link: ArmLink, words: str) -> None:
    """Tell the recorder what the next episode shows."""
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=words)
    request = SetParameters.Request(parameters=[Parameter(name="instruction", value=value)])
    link.ask(SetParameters, "recorder/set_parameters", request)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    record(given.folder, given.tasks, given.episodes, given.seed)
