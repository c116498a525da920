"""The work behind `kinevla teleop`: a person's targets, fifty a second, through the arm's gate."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

from sensor_msgs.msg import JointState

from kinevla_ros.base import topics
from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.arm.stall_recovery import STALLS
from kinevla_ros.nodes.ros.messages import joints_to_message
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.state_machine import TAKEOVER
from kinevla_ros.stack.arm_link import ArmLink, NoArm, arm_or_cell
from kinevla_ros.stack.processes.launcher import Interrupted, LaunchError
from kinevla_ros.stack.teleop.person import DeviceLost, Person, PersonDone
from kinevla_ros.stack.teleop.session import Session

TOPIC = topics.TELEOP_TARGETS
LISTENS = 5.0
"""An arm node that is found listens by then, s."""

GOES_ON = 10.0
"""A simulated arm that has stalled goes on by itself by then, s."""

STAYS = 5
"""Targets that say to stay where the arm is: one could be lost."""


def teleoperate(make_person: Callable[[ArmLink], Person], namespace: str, discovery: str) -> int:
    """Let a person lead until Ctrl-C; returns the exit code, 1 after an error.

    However it ends, the arm comes to rest at once. Where the device is gone while it leads, the arm
    is paused as well, so that no policy goes on with it unseen.

    Args:
        make_person: opens the device, once the arm is known.
        namespace: of the arm's nodes.
        discovery: see `confine`.
    """
    try:
        with arm_or_cell("kinevla_teleop", namespace, discovery) as link:
            link.require_enabled()
            limits, _ = link.gate()
            person = make_person(link)
            try:
                Drive(link, person, limits).run()
            finally:
                person.close()
    except Interrupted:
        return 0
    except (LaunchError, NoArm, DeviceLost, ValueError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


class Drive:
    """Joins a person to an arm node.

    Args:
        link: to the arm node.
        person: who leads.
        limits: of the arm.
    """

    def __init__(self, link: ArmLink, person: Person, limits: JointLimits) -> None:
        self._link, self._person, self._session = link, person, Session(limits)
        self._publisher = link.node.create_publisher(JointState, TOPIC, 1)
        self._said, self._published_at = "", -math.inf
        self._simulated = bool(link.parameters(("simulated",))["simulated"])
        link.on_status = self._on_status

    def run(self) -> None:
        """Lead until the person is done.

        Raises:
            Interrupted: Ctrl-C.
            DeviceLost: the person's device is gone; the arm is paused if the person led it.
            NoArm: the arm does not permit motion any more.
        """
        link = self._link
        if not link.wait_for(self._publisher.get_subscription_count, LISTENS):
            raise NoArm(f"{link.name} does not listen to {self._publisher.topic_name}")
        print(self._person.usage, flush=True)
        try:
            self._lead()
        except PersonDone:
            print("done", flush=True)
        except DeviceLost:
            self._stay()
            if self._session.leads:
                link.switch(topics.ARM_PAUSE, True)
                print(f"the arm is paused; {link.name}/pause with false lets it go on", flush=True)
            raise
        finally:
            self._stay()

    def _lead(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + STREAM_PERIOD, time.monotonic())
            self._link.spin_until(due)
            self._require_enabled()
            led, now = self._session.leads, time.monotonic()
            wish = self._person.read(now)
            place = self._link.commanded if self._link.commanded is not None else self._link.q
            assert place is not None
            target = self._session.tick(wish, place, now)
            if self._session.refused and not self._session.leads and wish.held:
                self._person.let_go()
                self._say(self._session.refused)
            if target is not None:
                self._publish(target)
                self._published_at = now
            if led != self._session.leads:
                self._say("leading" if self._session.leads else "let go")
            if led and not self._session.leads:
                self._stay()

    def _require_enabled(self) -> None:
        """Raise NoArm where the arm does not move; a simulated one that stalled may go on."""
        link = self._link
        status = link.status
        if self._simulated and status is not None and status.fault in STALLS:
            self._say(f"the simulated arm has stalled: {status.reason}")
            self._person.let_go()
            link.wait_for(link.enabled, GOES_ON)
        link.require_enabled()

    def _publish(self, target: JointTarget) -> None:
        stamp = self._link.stamps.to_ros(target.stamp)
        self._publisher.publish(joints_to_message(target.positions, target.gripper, stamp))

    def _stay(self) -> None:
        """Bring an arm that is led to rest where it is sent now, and not only after a silence."""
        recent = time.monotonic() - self._published_at < TAKEOVER
        if (place := self._link.commanded) is None or not recent:
            return
        for _ in range(STAYS):
            self._publish(JointTarget(time.monotonic(), place))
            time.sleep(STREAM_PERIOD)

    def _on_status(self, status: SafetyStatus) -> None:
        """Say why the arm holds while somebody leads."""
        if status.takeover and status.state != SafetyStatus.FAULTED and status.margin < 0:
            self._say(f"the arm holds: {status.reason}")
        elif self._session.leads and not status.takeover and status.reason:
            self._say(f"the arm does not follow: {status.reason}")

    def _say(self, text: str) -> None:
        """Print what is new; figures that change are not."""
        plain = "".join(letter for letter in text if not letter.isdigit())
        if plain != self._said:
            self._said = plain
            print(text, flush=True)
