"""Environment of every test: its own DDS domain, logs out of the way, offscreen rendering."""

from __future__ import annotations

import os
import sys
import tempfile

# Set on import, before a test module can load rclpy or mujoco. Domains above 101 reach into the
# ports Linux hands out to clients.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 101)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_LOG_DIR"] = tempfile.mkdtemp(prefix="kinevla_ros_log_")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
os.environ.setdefault("MUJOCO_GL", "egl")
