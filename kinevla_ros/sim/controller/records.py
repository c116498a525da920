"""What came in at the emulated controller and where the arm was, with the times (monotonic, s)."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.sim.controller.protocol import Message

Array = NDArray[np.float64]

POINTS_KEPT = 200_000
COMMANDS_KEPT = 10_000


class StreamRecord(NamedTuple):
    """Pass-through points as they arrived: `times` (N,) s (monotonic), `targets` (N, 7) rad.

    `accepted` (N,); `follow` (N,), whether they were sent in high follow.
    """

    times: Array
    targets: Array
    accepted: NDArray[np.bool_]
    follow: NDArray[np.bool_]


class MotionRecord(NamedTuple):
    """Where the arm was: `times` (N,) s (monotonic), `positions` (N, 7) rad, one a tick."""

    times: Array
    positions: Array


class ReceivedCommand(NamedTuple):
    """A command other than a pass-through point: arrival (s, monotonic), client's port, name."""

    time: float
    client: int
    name: str


class Records:
    """Written by the controller's thread, read by any."""

    def __init__(self) -> None:
        self.refused = 0
        """Pass-through points that were not accepted."""
        self._points: deque[tuple[float, Array, bool, bool]] = deque(maxlen=POINTS_KEPT)
        self._positions: deque[tuple[float, Array]] = deque(maxlen=POINTS_KEPT)
        self._commands: deque[ReceivedCommand] = deque(maxlen=COMMANDS_KEPT)

    def add_point(self, time: float, target: Array, accepted: bool, follow: bool) -> None:
        self._points.append((time, target, accepted, follow))
        self.refused += not accepted

    def add_position(self, time: float, q: Array) -> None:
        self._positions.append((time, q))

    def add_command(self, command: ReceivedCommand) -> None:
        self._commands.append(command)

    def stream(self) -> StreamRecord:
        """Return the last pass-through points, accepted or not."""
        points = list(self._points)
        return StreamRecord(
            np.array([point[0] for point in points]),
            np.array([point[1] for point in points]).reshape(-1, 7),
            np.array([point[2] for point in points], dtype=bool),
            np.array([point[3] for point in points], dtype=bool),
        )

    def motion(self) -> MotionRecord:
        """Return where the arm was at the last ticks, while the controller was not frozen."""
        points = list(self._positions)
        return MotionRecord(
            np.array([point[0] for point in points]),
            np.array([point[1] for point in points]).reshape(-1, 7),
        )

    def commands(self) -> list[ReceivedCommand]:
        """Return the last commands, oldest first."""
        return list(self._commands)

    def since(self, start: float) -> Message:
        """Return stream and motion from `start` on (s, monotonic) as lists; `records_of` reads."""
        stream = [point for point in list(self._points) if point[0] >= start]
        motion = [point for point in list(self._positions) if point[0] >= start]
        return {
            "times": [time for time, *_ in stream],
            "targets": [target.tolist() for _, target, *_ in stream],
            "accepted": [accepted for _, _, accepted, _ in stream],
            "follow": [follow for *_, follow in stream],
            "motion_times": [time for time, _ in motion],
            "positions": [q.tolist() for _, q in motion],
        }


def records_of(message: Message) -> tuple[StreamRecord, MotionRecord]:
    """Read what `Records.since` gave."""
    stream = StreamRecord(
        np.array(message["times"]),
        np.array(message["targets"]).reshape(-1, 7),
        np.array(message["accepted"], dtype=bool),
        np.array(message["follow"], dtype=bool),
    )
    positions = np.array(message["positions"]).reshape(-1, 7)
    return stream, MotionRecord(np.array(message["motion_times"]), positions)
