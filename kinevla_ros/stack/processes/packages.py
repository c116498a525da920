"""ROS packages that a launch needs and may not have: missed before anything starts."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ament_index_python.packages import PackageNotFoundError, get_package_prefix


def require_packages(names: Sequence[str]) -> None:
    """Look for packages.

    Raises:
        ValueError: some are not installed; says how to install or avoid them.
    """
    missing = [name for name in names if not is_installed(name)]
    if missing:
        distribution = os.environ.get("ROS_DISTRO", "jazzy")
        debian = " ".join(f"ros-{distribution}-{name.replace('_', '-')}" for name in missing)
        raise ValueError(
            f"{' and '.join(missing)} cannot be found: sudo apt install {debian}, or leave out "
            "rviz:=true and give cameras:=none (or, for RealSense, pip install pyrealsense2)"
        )


def is_installed(name: str) -> bool:
    """Whether ROS finds a package."""
    try:
        get_package_prefix(name)
    except PackageNotFoundError:
        return False
    return True
