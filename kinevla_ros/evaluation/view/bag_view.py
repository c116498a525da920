"""A bag as it was received: what the nodes said, and what the arm node made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.data.recording.bag import INSTRUCTION, Bag, Received, find_bags
from kinevla_ros.data.recording.topics import INSTRUCTIONS, JOINTS, REASONING, STATUS, TARGETS
from kinevla_ros.data.synchronisation.images import picture_topic, to_array
from kinevla_ros.data.synchronisation.joint_states import GRIPPER, positions_by_name
from kinevla_ros.evaluation.view.timeline import TimelineWriter
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.status import SafetyState

ARM = {JOINTS: "measured", TARGETS: "target"}
PICTURES = {
    picture_topic(camera, transport): camera
    for camera in CAMERAS
    for transport in ("raw", "compressed")
}


def write_bag_view(root: Path, episode: int, out: Path) -> None:
    """Write a bag, or one of a folder of bags, as a recording of rerun.

    Args:
        root: folder of the bag, or of bags.
        episode: number of the bag in the order of their names.
        out: file to write.

    Raises:
        DatasetError: a bag is damaged, or there is none of that number.
        ValueError, OSError: see `TimelineWriter`.
    """
    bags = find_bags(root)
    if episode >= len(bags):
        raise DatasetError(f"{root} has the episodes 0 to {len(bags) - 1}, and no {episode}")
    bag = bags[episode]
    with TimelineWriter(out, bag.root.name) as shown:
        _show(bag, shown)


def _show(bag: Bag, shown: TimelineWriter) -> None:
    begin: float | None = None
    ways: dict[str, list[list[float]]] = {kind: [] for kind in ARM.values()}
    for received in bag.messages([*PICTURES, *ARM, STATUS, REASONING, INSTRUCTIONS]):
        begin = received.at if begin is None else begin
        time, message = received.at - begin, received.message
        if received.topic in PICTURES:
            shown.picture(time, PICTURES[received.topic], to_array(message))
        elif received.topic in ARM:
            _show_arm(time, received, shown, ways[ARM[received.topic]])
        elif received.topic == STATUS:
            shown.verdict(time, *verdict(message))
        elif received.topic == REASONING:
            shown.words(time, "goal", message.goal)
            shown.words(time, "kinematics", message.kinematics)
        else:
            shown.words(time, "instruction", message.data.strip())
    shown.words(0.0, "instruction", bag.stated.get(INSTRUCTION, ""))
    for kind, joints in ways.items():
        if joints:
            shown.path(kind, np.array(joints))


def _show_arm(
    time: float, received: Received, shown: TimelineWriter, way: list[list[float]]
) -> None:
    named = positions_by_name(received.message, received.topic)
    if not named.keys() >= {*JOINT_NAMES}:
        return  # the gripper's own driver, or another arm's
    joints = [named[name] for name in JOINT_NAMES]
    way.append(joints)
    shown.arm(time, ARM[received.topic], np.array(joints), named.get(GRIPPER))


def verdict(status: Any) -> tuple[str, bool]:
    """What a `SafetyStatus` says, and whether something is refused or wrong."""
    faulted = status.state == SafetyState.FAULTED
    words = [SafetyState(status.state).name, Fault(status.fault).name if faulted else ""]
    words += ["a person leads" if status.takeover else "", status.reason]
    return ": ".join(word for word in words if word), bool(faulted or status.margin < 0)
