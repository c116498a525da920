"""What the arm driver saw and did at one tick, as it is handed on."""

from __future__ import annotations

from dataclasses import dataclass

from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import Status


@dataclass(frozen=True)
class Tick:
    """What one tick gave.

    Attributes:
        now: time of the tick (monotonic, s).
        state: newest measured state; None when it is that of the tick before.
        sample: what was sent; None when nothing was.
        status: what the arm is doing and why.
        connected: whether the arm is there, as far as is known.
        can_stop: whether a stop would get through past everything else, as far as is known.
        failed: whether the stream has died.
    """

    now: float
    state: ArmState | None
    sample: StreamSample | None
    status: Status
    connected: bool = True
    can_stop: bool = True
    failed: bool = False
