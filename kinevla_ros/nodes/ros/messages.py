"""The core's types as messages and back; monotonic times become ROS times here and nowhere else."""

from __future__ import annotations

import array
import math
import time
from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.clock import Clock
from sensor_msgs.msg import JointState

from kinevla_ros.base.chunk import HORIZON, JOINT_NAMES, ActionChunk
from kinevla_ros.data.synchronisation.joint_states import GRIPPER, positions_by_name
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.status import Status

if TYPE_CHECKING:
    # Only the policy's process pays for torch.
    from kinevla_ros.generator.inference import Inference

NANO = 1_000_000_000
BASE_FRAME = "base_link"
ARM = "/arm"
"""The arm node as the core's texts name it."""


class Stamps:
    """Turns ROS stamps into times of this process's monotonic clock and back.

    The offset is taken each time, because the system clock behind ROS time may be set.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def to_ros(self, seconds: float) -> Time:
        """ROS stamp of a monotonic time (s)."""
        nanoseconds = self._clock.now().nanoseconds + round((seconds - time.monotonic()) * NANO)
        return Time(sec=nanoseconds // NANO, nanosec=nanoseconds % NANO)

    def to_monotonic(self, stamp: Time) -> float:
        """Monotonic time (s) of a ROS stamp."""
        age = self._clock.now().nanoseconds - (stamp.sec * NANO + stamp.nanosec)
        return time.monotonic() - age / NANO


def chunk_to_message(chunk: ActionChunk, stamp: Time) -> ActionChunkMessage:
    """Return the chunk of an observation taken at `stamp`."""
    message = ActionChunkMessage(sequence=chunk.sequence, joint_names=list(JOINT_NAMES))
    message.header.stamp, message.header.frame_id = stamp, BASE_FRAME
    message.dt = chunk.dt
    message.positions = array.array("d", chunk.positions.ravel())
    message.gripper = array.array("f", chunk.gripper)
    return message


def chunk_from_message(message: ActionChunkMessage, stamps: Stamps) -> ActionChunk:
    """Read a chunk.

    Raises:
        ValueError: other joints, a wrong number of targets, or a number that is not finite.
    """
    if tuple(message.joint_names) != JOINT_NAMES:
        names = bounded(", ".join(message.joint_names), 64)
        raise ValueError(
            f"a chunk names the joints {names or '(none)'}; "
            f"this arm has {', '.join(JOINT_NAMES)}, in this order"
        )
    numbers = HORIZON * len(JOINT_NAMES)
    if len(message.positions) != numbers:
        raise ValueError(f"a chunk holds {len(message.positions)} joint positions, not {numbers}")
    return ActionChunk(
        stamp=stamps.to_monotonic(message.header.stamp),
        sequence=message.sequence,
        positions=np.array(message.positions).reshape(HORIZON, len(JOINT_NAMES)),
        gripper=np.array(message.gripper),
        # The wire's single precision would make 0.1 s into 0.10000000149.
        dt=round(message.dt, 6),
    )


def joints_to_message(
    joints: NDArray[np.float64], gripper: float | None, stamp: Time
) -> JointState:
    """Return joint positions, shape (7,), rad, and the gripper's opening (m) if there is one."""
    names, positions = [*JOINT_NAMES], joints.tolist()
    if gripper is not None:
        names.append(GRIPPER)
        positions.append(gripper)
    message = JointState(name=names, position=array.array("d", positions))
    message.header.stamp, message.header.frame_id = stamp, BASE_FRAME
    return message


def target_from_message(message: JointState, stamps: Stamps) -> JointTarget:
    """Read a teleoperation target: the seven joints, in whatever order, and perhaps the gripper.

    Raises:
        ValueError: a joint or the stamp is missing, or a name is there twice.
    """
    positions = positions_by_name(message, "a teleoperation target")
    missing = [name for name in JOINT_NAMES if name not in positions]
    if missing:
        raise ValueError(f"a teleoperation target lacks {', '.join(missing)}")
    if message.header.stamp == Time():
        raise ValueError("a teleoperation target has no stamp; set header.stamp to the time now")
    stamp = stamps.to_monotonic(message.header.stamp)
    joints = np.array([positions[name] for name in JOINT_NAMES])
    return JointTarget(stamp, joints, positions.get(GRIPPER))


def reasoning_to_message(
    inference: Inference, stamp: Time, overridden: bool = False, doubt: float = math.nan
) -> Reasoning:
    """Return words and codes of an inference from an observation taken at `stamp`.

    Args:
        overridden: whether the words are an operator's.
        doubt: of the policy; above 1 it is unsure.
    """
    message = Reasoning(
        sequence=inference.sequence,
        status=Reasoning.OK,
        instruction=bounded(inference.instruction, TEXT),
        goal=bounded(inference.goal, TEXT),
        kinematics=bounded(inference.kinematics, TEXT),
        goal_codes=list(inference.goal_codes),
        kinematics_codes=list(inference.kinematics_codes),
        overridden=overridden,
        consistency=inference.consistency,
        doubt=doubt,
        draft_accepted=inference.draft_accepted,
        model_time=inference.model_time,
    )
    message.header.stamp = stamp
    return message


def status_to_message(status: Status, stamp: Time, arm: str = ARM) -> SafetyStatus:
    """Return what the arm is doing and why.

    Args:
        arm: the arm node's name: the way out goes by its services.
    """
    message = SafetyStatus(
        state=int(status.state),
        fault=int(status.fault),
        reason=bounded(status.reason.replace(f"{ARM}/", f"{arm}/")),
        joint=bounded(status.joint, 64),
        margin=float(status.margin),
        speed_scaling=100 * status.speed,
        takeover=status.takeover,
        refused_chunks=status.refused_chunks,
    )
    message.header.stamp = stamp
    return message
