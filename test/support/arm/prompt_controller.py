"""An emulated controller that a busy computer does not hold up, as one of a real arm is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from kinevla_ros.robot.host.priority import promptly
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.plant import JointPlant


@contextmanager
def prompt_controller(
    plant: JointPlant | None = None, host: str = "127.0.0.1"
) -> Iterator[EmulatedController]:
    """One on a free port, whose threads run at real-time priority; the caller's does not."""
    with ExitStack() as stack:
        with promptly():
            controller = stack.enter_context(EmulatedController(plant or JointPlant(), host, 0))
        yield controller
