"""Environment of every test: its own DDS domain, logs out of the way, offscreen rendering."""

from __future__ import annotations

import gc
import os
import sys
import tempfile

import pytest

# Set on import, before a test module can load rclpy or mujoco. Domains above 101 reach into the
# ports Linux hands out to clients.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 101)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_LOG_DIR"] = tempfile.mkdtemp(prefix="kinevla_ros_log_")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
os.environ.setdefault("MUJOCO_GL", "egl")


@pytest.fixture(scope="module", autouse=True)
def no_node_of_another_module() -> None:
    """A lifecycle node refers to itself: its services stay until the collector comes round."""
    gc.collect()
