"""The work behind `kinevla replay`: a recorded episode as chunks, through the arm node's gate."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, JOINT_NAMES, ActionChunk
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.evaluation.replay.recorded_motion import RecordedMotion
from kinevla_ros.evaluation.replay.rehearsal import (
    STEPS,
    Rehearsal,
    approach_motion,
    plain_reason,
    rehearse,
)
from kinevla_ros.evaluation.replay.table import rehearsal_lines, report_table
from kinevla_ros.evaluation.replay.tracking_report import tracking_report
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.messages import chunk_to_message
from kinevla_ros.robot.motion.approach import NoApproach
from kinevla_ros.stack.arm_link import ArmLink, NoArm, arm_or_cell
from kinevla_ros.stack.processes.launcher import Interrupted, LaunchError

Array = NDArray[np.float64]

LISTEN = 0.6
"""A policy that acts sends a chunk within this time, s."""

NEAR = 0.02
"""So near to the start the arm has to have come (rad)."""

SETTLED = 5.0
"""It has come there so long after the last target at most, s."""

AFTER = 1.0
"""The arm has come to rest, and the last refusal is known, so long after the last target, s."""

DELIVERY = 0.1
"""A message of a process that ends has got through by then, s."""


def replay(motion: RecordedMotion, namespace: str, discovery: str) -> int:
    """Rehearse, approach the start, send the motion, report; returns the exit code.

    0: every chunk was followed; 1: something was refused, or the arm has stopped.

    Args:
        motion: what was recorded.
        namespace: of the arm's nodes.
        discovery: see `confine`.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        with arm_or_cell("kinevla_replay", namespace, discovery) as link:
            return Replay(link, console).run(motion)
    except Interrupted:
        console.print("interrupted; the arm holds")
        return INTERRUPTED
    except (LaunchError, NoArm, NoApproach, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


class Replay:
    """Sends motions to an arm node and notes how they are followed.

    Args:
        link: to the arm node.
        console: where to tell about it.

    Attributes:
        refused: why chunks were refused, with how many.
    """

    def __init__(self, link: ArmLink, console: Console) -> None:
        self._link, self._console = link, console
        self._sequence = 0
        self._sent: set[int] = set()
        self._counted: set[int] = set()
        self._opening, self._fault = 0.0, ""
        self._stamps: set[tuple[int, int]] = set()
        self._others = False
        self.refused: Counter[str] = Counter()
        self._refused_before = link.status.refused_chunks if link.status else 0
        self._times: list[float] = []
        self._measured: list[Array] = []
        node = link.node
        self._publisher = node.create_publisher(ActionChunkMessage, topics.ACTION_CHUNK, 1)
        node.create_subscription(ActionChunkMessage, topics.ACTION_CHUNK, self._on_chunk, HORIZON)
        link.on_status, link.on_joints = self._on_status, self._on_joints

    def run(self, motion: RecordedMotion) -> int:
        """See `replay`.

        Raises:
            NoArm: it does not permit motion, or somebody else moves it.
            NoApproach: no checked way leads to the start.
        """
        link = self._link
        limits, workspace = link.gate()
        self._require_free()
        assert link.q is not None
        found = rehearse(motion, link.q, limits, workspace)
        if not found.passes:
            self._console.print("\n".join(rehearsal_lines(found)))
            self._console.print("nothing has been sent")
            return 1
        try:
            self._approach(motion, found)
            self._console.print(f"sending {motion.seconds:.1f} s of targets")
            begin = self._send(motion)
        except Interrupted:
            self._hold()
            raise
        times = np.array(self._times) - begin
        during = (times >= 0) & (times <= motion.seconds)
        measured = np.array(self._measured).reshape(-1, motion.targets.shape[1])[during]
        self._count_unseen()
        report = tracking_report(motion, times[during], measured)
        self._console.print(report_table(report, len(self._sent), self.refused))
        return 1 if self.refused else 0

    def _require_free(self) -> None:
        """Raise NoArm unless the arm moves at full speed, and nobody else sends it anywhere."""
        link = self._link
        link.require_enabled()
        assert link.status is not None
        if link.status.speed_scaling < 100.0:
            raise NoArm(
                f"the arm moves at {link.status.speed_scaling:g} % on every path and would cut "
                "corners: set its speed_scaling to 100 and give --speed instead"
            )
        link.spin_until(time.monotonic() + LISTEN)
        self._require_alone()
        if not link.wait_for(self._publisher.get_subscription_count, LISTEN):
            raise NoArm(f"{link.name} does not listen to {self._publisher.topic_name}")

    def _require_alone(self) -> None:
        status = self._link.status
        if self._others:
            raise NoArm('a policy moves the arm; end that first: kinevla say "stop"')
        if status is not None and status.takeover:
            raise NoArm("a person leads the arm")

    def _approach(self, motion: RecordedMotion, found: Rehearsal) -> None:
        """Go slowly to the start; the gripper is opened or closed there."""
        link = self._link
        opening = float(motion.start[-1]) if link.opening is None else link.opening
        seconds = CHUNK_DT * len(found.approach)
        self._console.print(f"going to the start of the motion in {seconds:.1f} s")
        self._send(approach_motion(found.approach, opening))
        self._send(approach_motion(found.approach[-1:].repeat(HORIZON, axis=0), motion.start[-1]))
        goal = motion.start[:-1]
        if not link.wait_for(lambda: link.away(goal).max() < NEAR, SETTLED):
            away = link.away(goal)
            raise NoArm(
                f"the arm does not get to the start: {JOINT_NAMES[int(away.argmax())]} is "
                f"{away.max():.3f} rad away. Is it blocked?"
            )
        self._count_unseen()
        if self.refused:
            raise NoArm(f"the way to the start was refused: {next(iter(self.refused))}")

    def _send(self, motion: RecordedMotion) -> float:
        """Send a motion in real time and wait for its end; returns when it began, s."""
        self._sent.clear()
        begin = time.monotonic()
        for step in range(0, len(motion.targets), STEPS):
            # Of a process that was held up only the chunk that is due now is of use.
            late = time.monotonic() - begin - step * CHUNK_DT
            if late < STEPS * CHUNK_DT:
                self._publish(motion, step, begin + step * CHUNK_DT)
            self._link.spin_until(begin + (step + STEPS) * CHUNK_DT)
            self._require_moving()
        self._link.spin_until(begin + motion.seconds + AFTER)
        self._require_moving()
        return begin

    def _publish(self, motion: RecordedMotion, step: int, stamp: float) -> None:
        self._sequence += 1
        chunk = motion.chunk(step, stamp, self._sequence)
        self._sent.add(self._sequence)
        self._opening = float(chunk.gripper[0])
        message = chunk_to_message(chunk, self._link.stamps.to_ros(stamp))
        self._stamps.add((message.header.stamp.sec, message.header.stamp.nanosec))
        self._publisher.publish(message)

    def _require_moving(self) -> None:
        # A simulated arm may go on by itself before anybody looks at its state.
        if self._fault:
            raise NoArm(f"the arm stopped: {self._fault}")
        self._link.require_enabled()
        self._require_alone()

    def _hold(self) -> None:
        """Let the arm come to rest at once, and not only where the last chunk ends."""
        if (place := self._link.commanded) is None:
            return
        self._sequence += 1
        now, places = time.monotonic(), np.tile(place, (HORIZON, 1))
        chunk = ActionChunk(now, self._sequence, places, np.full(HORIZON, self._opening))
        self._publisher.publish(chunk_to_message(chunk, self._link.stamps.to_ros(now)))
        time.sleep(DELIVERY)

    def _on_chunk(self, message: ActionChunkMessage) -> None:
        stamp = message.header.stamp
        self._others |= (stamp.sec, stamp.nanosec) not in self._stamps

    def _on_status(self, status: SafetyStatus) -> None:
        """Count each refused chunk once: the status repeats its reason. Note a fault."""
        if status.state == SafetyStatus.FAULTED and self._sent:
            self._fault = self._fault or status.reason
        for number in {int(each) for each in re.findall(r"\bchunk (\d+)\b", status.reason)}:
            if number in self._sent - self._counted:
                self._counted.add(number)
                reason = re.sub(r"^holding: .*?; ", "", status.reason)
                self.refused[plain_reason(reason, number)] += 1

    def _count_unseen(self) -> None:
        """Count those, too, whose reasons were gone before a status message brought them."""
        if (status := self._link.status) is None:
            return
        number = status.refused_chunks - self._refused_before - self.refused.total()
        if number > 0:
            self.refused["for a reason that no status message brought"] += number

    def _on_joints(self, stamp: float, q: Array, opening: float | None) -> None:
        self._times.append(stamp)
        self._measured.append(np.append(q, np.nan if opening is None else opening))
