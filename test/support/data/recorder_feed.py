"""A recorder without ROS, fed with messages as two cameras and an arm would send them.

    python recorder_feed.py FOLDER NOTES SECONDS

records episodes of `SECONDS` one after the other until it is killed, and writes to the file NOTES
when each message was received (ns), when an episode began, and the name of each that is finished.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from pathlib import Path

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.recording.episode_file import TopicDefinition
from kinevla_ros.data.recording.recorder import EpisodeRecorder
from kinevla_ros.data.recording.topics import recorded_topics
from kinevla_ros.data.synchronisation.images import picture_topic

STAMPED = TopicDefinition("test_msgs/msg/Stamped", "int32 sec\nuint32 nanosec\nuint8[] data")
FRONT, WRIST = (picture_topic(camera, "raw") for camera in CAMERAS)
JOINTS, STATUS = "/joint_states", "/kinevla/safety_status"
SIZES = {FRONT: 200_000, WRIST: 200_000, JOINTS: 400, STATUS: 100}
PERIODS = {FRONT: 33, WRIST: 33, JOINTS: 10, STATUS: 100}
"""Of each topic, ms."""


def message(stamp: int, size: int = 100) -> bytes:
    """A message as CDR, with a stamp (ns) as that of a header."""
    head = b"\0\1\0\0" + struct.pack("<iI", *divmod(stamp, 10**9))
    return head + bytes(size - len(head))


def recorder(root: Path, least_free: int = 10**6) -> EpisodeRecorder:
    """Of raw pictures."""
    return EpisodeRecorder(root, recorded_topics("raw"), least_free)


def feed(into: EpisodeRecorder, begin: int, seconds: float) -> int:
    """Hand over what so many seconds bring, by stamps that begin at `begin` (ns); returns the end.

    As fast as it goes.
    """
    for tick in range(int(1000 * seconds)):
        at = begin + tick * 10**6
        for topic, period in PERIODS.items():
            if tick % period == 0:
                into.receive(topic, STAMPED, at, message(at, SIZES[topic]))
    return begin + int(seconds * 1e9)


def main(root: Path, notes: Path, seconds: float) -> None:
    into, log = recorder(root), os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    due, began = time.monotonic(), 0.0
    for tick in range(10**9):
        due += 0.001
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.time_ns()
        for topic, period in PERIODS.items():
            if tick % period == 0:
                into.receive(topic, STAMPED, now, message(now, SIZES[topic]))
        os.write(log, f"{now}\n".encode())
        if began and time.monotonic() - began > seconds:
            os.write(log, f"{into.stop('success', now).partition(':')[0]}\n".encode())
            due, began = time.monotonic(), 0.0
        if not began and tick > 200:
            began, now = time.monotonic(), time.time_ns()
            os.write(log, f"began{now}\n".encode())
            into.start({"instruction": "fetch"}, now)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
