"""From the messages of a bag to frames, through the same synchronisation as the live policy.

A frame is taken every tenth of a second, whenever the policy could have inferred then. Where it
would have refused, the episode ends; another begins after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.data.recording.bag import INSTRUCTION, Bag, Received
from kinevla_ros.data.recording.topics import INSTRUCTIONS, JOINTS, REASONING, STATUS, TARGETS
from kinevla_ros.data.synchronisation.images import ImageError, picture_topic
from kinevla_ros.data.synchronisation.instructions import InstructionLog
from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.data.synchronisation.observation import (
    NoObservation,
    Observations,
    ReceivedObservation,
)
from kinevla_ros.data.synchronisation.stamp_checks import Arrival
from kinevla_ros.generator.pictures.checks import PictureChecks, PictureFault, PictureLimits

Actions = Literal["targets", "measured"]
MAX_AGE, MAX_SKEW = 0.3, 0.1
"""As the policy node's parameters are unless somebody sets them, s."""

EARLY, LATE = 0.02, 0.07
"""So much before or after its time may a frame be, s: cameras do not tick with us."""

FOLLOW = 0.2
"""Share of a frame's lateness by which the next one's time is moved: a slow camera is followed."""

HELD = 0.05
"""An arm that is sent nothing new holds its last target, give or take, rad."""


@dataclass(frozen=True)
class SynchronisedFrame:
    """What the policy could have seen at one time.

    Attributes:
        observation: pictures and joint state.
        instruction: in force then.
        takeover: whether a person led the arm.
    """

    observation: ReceivedObservation
    instruction: str
    takeover: bool


@dataclass
class Stretch:
    """Frames without a gap between them.

    Attributes:
        seen: one each tenth of a second.
        stated: why the stretch ended; empty at the end of the bag.
    """

    seen: list[SynchronisedFrame] = field(default_factory=list)
    stated: str = ""


class FrameClock:
    """Decides which observations become frames, one message after the other."""

    def __init__(self, transport: str) -> None:
        self._limits = PictureLimits()
        self._observations = Observations(MAX_AGE, MAX_SKEW, transport, self._limits)
        self._checks = PictureChecks(self._limits)
        self._cameras = {topic: camera for camera, topic in self._observations.topics.items()}
        self._due = -np.inf
        self._problem = ""

    def take(self, received: Received) -> ReceivedObservation | str | None:
        """Take a message; give the next frame's observation, or why there is a gap, or None."""
        if received.topic not in (JOINTS, *self._cameras):
            return None
        stamp = received.stamp
        arrival = Arrival(stamp, stamp, received.at)
        if received.topic == JOINTS:
            self._observations.read_joints(arrival, received.message)
            return None
        self._observations.add_image(self._cameras[received.topic], arrival, received.message)
        return self._look(received.at)

    def _look(self, now: float) -> ReceivedObservation | str | None:
        try:
            observation = self._observations.newest(now)
            stamp = observation.stamp
            if stamp < self._due - EARLY:
                return None
            self._checks.check(observation.images, observation.joints)
        except (NoObservation, PictureFault, ImageError) as problem:
            self._problem = str(problem)
            return None
        if np.isfinite(self._due) and stamp > self._due + LATE:
            late, why = stamp - self._due, self._problem or "no pictures came"
            # The observation at hand is the first after the gap; it is asked for again.
            self._due, self._problem = stamp, ""
            return f"{late + CHUNK_DT:.2f} s without a frame ({why})"
        start = self._due if np.isfinite(self._due) else stamp
        self._due = start + CHUNK_DT + FOLLOW * (stamp - start)
        self._problem = ""
        return observation

    def again(self, now: float) -> ReceivedObservation | None:
        """The first observation after a gap."""
        found = self._look(now)
        return found if isinstance(found, ReceivedObservation) else None


@dataclass
class ActionTimeline:
    """What the arm was sent or did, by time."""

    stamps: list[float] = field(default_factory=list)
    values: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, stamp: float, joints: NDArray[np.float64], gripper: float) -> None:
        """Take joint positions, shape (7,), rad, and an opening, m."""
        self.stamps.append(stamp)
        self.values.append(np.append(joints, gripper))

    def at(self, time: float, measured: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """What held at a time, shape (8,); None where nothing did.

        Args:
            measured: joint positions of a tenth of a second before, shape (7,).
        """
        place = int(np.searchsorted(self.stamps, time, side="right")) - 1
        if place < 0:
            return None
        if time - self.stamps[place] > CHUNK_DT and (
            np.abs(self.values[place][:-1] - measured).max() > HELD
        ):
            return None
        return self.values[place]


def synchronise(bag: Bag, actions: Actions) -> tuple[list[Stretch], ActionTimeline]:
    """Read a bag once: the stretches that the policy could have seen, and the targets.

    Args:
        actions: where actions come from: `targets` streamed to the arm, or for an arm that was
            guided by hand the `measured` motion.

    Raises:
        DatasetError: the bag is damaged, holds no pictures, or holds them twice.
    """
    transport = _transport(bag)
    topics = [picture_topic(camera, transport) for camera in CAMERAS]
    ticker, targets = FrameClock(transport), ActionTimeline()
    stretches = [Stretch()]
    stated, instructions, takeover = bag.stated.get(INSTRUCTION, ""), InstructionLog(), False
    for received in bag.messages([*topics, JOINTS, TARGETS, STATUS, INSTRUCTIONS, REASONING]):
        if received.topic == STATUS:
            takeover = bool(received.message.takeover)
        elif received.topic == INSTRUCTIONS:
            instructions.hear(received.message.data, received.at)
        elif received.topic == REASONING:
            reasoning = received.message
            instructions.read(reasoning.instruction, reasoning.status, received.at)
        elif received.topic == (TARGETS if actions == "targets" else JOINTS):
            _add_target(targets, received)
        found = ticker.take(received)
        if isinstance(found, str):
            stretches[-1].stated = found
            stretches.append(Stretch())
            found = ticker.again(received.at)
        if found is not None:
            said = "" if instructions.stopped else stated or instructions.in_force()
            stretches[-1].seen.append(SynchronisedFrame(found, said, takeover))
    return stretches, targets


def _add_target(targets: ActionTimeline, received: Received) -> None:
    try:
        targets.add(received.stamp, *joints_from_message(received.message))
    except ValueError:
        # Of other joints, or in parts: the frames around it say so, or have no action.
        return


def _transport(bag: Bag) -> str:
    """How the pictures were recorded."""
    wanted = {
        transport: [picture_topic(camera, transport) for camera in CAMERAS]
        for transport in ("raw", "compressed")
    }
    present = bag.topics()
    found = [name for name, topics in wanted.items() if set(topics) <= present]
    if not found:
        raise DatasetError(
            f"{bag.root} holds no pictures of both cameras ({', '.join(wanted['raw'])}, or "
            "…/compressed): record both"
        )
    return found[0]


def frames_of(
    stretch: Stretch, targets: ActionTimeline, only_takeover: bool
) -> Iterator[list[tuple[SynchronisedFrame, NDArray[np.float64]]]]:
    """Cut a stretch where there is no action, no instruction or another one, or no takeover."""
    run: list[tuple[SynchronisedFrame, NDArray[np.float64]]] = []
    for seen in stretch.seen:
        observation = seen.observation
        action = targets.at(observation.stamp + CHUNK_DT, observation.joints)
        fits = seen.takeover or not only_takeover
        if run and run[-1][0].instruction != seen.instruction:
            yield run
            run = []
        if action is None or not seen.instruction or not fits:
            if run:
                yield run
            run = []
            continue
        run.append((seen, action))
    if run:
        yield run
