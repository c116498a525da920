"""What an episode holds: topics, and how each is treated."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from kinevla_ros.base import topics
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.synchronisation.images import picture_topic

STAMP = {False: struct.Struct(">iI"), True: struct.Struct("<iI")}
"""A header's stamp, the first field of its message, after four bytes of encapsulation."""

PICTURES = {"raw": "sensor_msgs/msg/Image", "compressed": "sensor_msgs/msg/CompressedImage"}
"""Message of each transport of pictures."""

INSTRUCTIONS, REASONING = f"/{topics.INSTRUCTION}", f"/{topics.REASONING}"
JOINTS, CHUNKS = f"/{topics.JOINT_STATES}", f"/{topics.ACTION_CHUNK}"
TARGETS, STATUS = f"/{topics.JOINT_TARGETS}", f"/{topics.SAFETY_STATUS}"
"""Names in a bag."""

STATIC = 32
"""Publishers of frames that never move, at most."""

ENCAPSULATION = 4
NANO = 10**9


@dataclass(frozen=True)
class TopicKind:
    """How a topic is recorded.

    Attributes:
        name: its name without a namespace, as it stands in the bag.
        type: of its messages, such as `sensor_msgs/msg/Image`.
        required: whether an episode starts only while its messages come.
        periodic: whether its stamps come at a steady rate, so that a gap between them is a loss.
        kept: how many messages of before an episode are written at its start, too.
        everywhere: whether its name is the same in every namespace.
    """

    name: str
    type: str
    required: bool = False
    periodic: bool = False
    kept: int = 0
    everywhere: bool = False

    @property
    def is_picture(self) -> bool:
        """Whether its messages are a camera's pictures."""
        return self.type in PICTURES.values()

    def stamp(self, data: bytes) -> int | None:
        """The stamp of a periodic topic's message, ns; None where there is none to read.

        Args:
            data: the message as CDR.
        """
        if not self.periodic or len(data) < ENCAPSULATION + STAMP[True].size:
            return None
        seconds, nanoseconds = STAMP[bool(data[1] & 1)].unpack_from(data, ENCAPSULATION)
        return int(seconds * NANO + nanoseconds)


def recorded_topics(transport: str) -> list[TopicKind]:
    """Everything that is recorded.

    Args:
        transport: `raw` or `compressed`: how the pictures come.
    """
    picture = PICTURES[transport]
    pictures = [
        TopicKind(picture_topic(camera, transport), picture, required=True, periodic=True)
        for camera in CAMERAS
    ]
    calibrations = [
        TopicKind(f"/camera/{camera}/color/camera_info", "sensor_msgs/msg/CameraInfo", kept=1)
        for camera in CAMERAS
    ]
    return [
        *pictures,
        *calibrations,
        TopicKind(JOINTS, "sensor_msgs/msg/JointState", required=True, periodic=True),
        TopicKind(STATUS, "kinevla_ros/msg/SafetyStatus", required=True, kept=1),
        TopicKind(INSTRUCTIONS, "std_msgs/msg/String", kept=1),
        TopicKind(REASONING, "kinevla_ros/msg/Reasoning"),
        TopicKind(f"/{topics.QUESTION}", "kinevla_ros/msg/Question"),
        TopicKind(CHUNKS, "kinevla_ros/msg/ActionChunk"),
        TopicKind(TARGETS, "sensor_msgs/msg/JointState"),
        TopicKind(f"/{topics.TELEOP_TARGETS}", "sensor_msgs/msg/JointState"),
        TopicKind("/robot_description", "std_msgs/msg/String", kept=1),
        TopicKind("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", everywhere=True),
        TopicKind("/tf", "tf2_msgs/msg/TFMessage", everywhere=True),
        TopicKind("/tf_static", "tf2_msgs/msg/TFMessage", kept=STATIC, everywhere=True),
    ]
