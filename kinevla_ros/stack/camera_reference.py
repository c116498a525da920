"""A picture of how the front camera shall look, from its topic."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray

from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.data.synchronisation.images import picture_size, picture_topic, to_array
from kinevla_ros.generator.pictures.camera_shift import median, write_reference
from kinevla_ros.generator.pictures.checks import PictureChecks, PictureLimits
from kinevla_ros.nodes.ros.images import TRANSPORTS
from kinevla_ros.nodes.ros.qos import image_qos
from kinevla_ros.stack.processes.launcher import client_node

CAMERA = "front"
"""Exit code of a process ended by Ctrl-C."""

PICTURES = 9
"""So many make one without noise."""


def write_live(out: Path, transport: str, timeout: float) -> int:
    """Write the front camera's view as it is now; returns the exit code. See `live_picture`."""
    try:
        write_reference(out, live_picture(transport, timeout))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ValueError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def live_picture(transport: str, timeout: float) -> NDArray[np.uint8]:
    """The median of the front camera's next pictures, RGB, shape (height, width, 3).

    Args:
        transport: how they come, of `TRANSPORTS`.
        timeout: longest wait, s.

    Raises:
        ImageError, PictureFault: a picture is unusable.
        TimeoutError: too few come.
        KeyboardInterrupt: Ctrl-C.
    """
    topic, messages = picture_topic(CAMERA, transport), list[Any]()
    with client_node("kinevla_camera_reference") as (node, interrupted):
        node.create_subscription(TRANSPORTS[transport], topic, messages.append, image_qos(False))
        deadline = time.monotonic() + timeout
        while len(messages) < PICTURES:
            rclpy.spin_once(node, timeout_sec=0.05)
            if interrupted.is_set():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{len(messages)} pictures came on {topic} in {timeout:.0f} s, {PICTURES} are "
                    "needed: start the camera, check ROS_DOMAIN_ID, or give --image-transport"
                )
    for message in messages:
        PictureLimits().require_size(CAMERA, *picture_size(message))
    picture = median([to_array(message) for message in messages[:PICTURES]])
    PictureChecks().check({CAMERA: picture}, np.zeros(7))
    return picture
