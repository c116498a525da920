"""What the nodes log: lines of bounded length."""

from __future__ import annotations

import os
from typing import Any

from rclpy.impl import rcutils_logger
from rclpy.impl.rcutils_logger import RcutilsLogger

from kinevla_ros.nodes.ros.logs.text import LINE, bounded

# Or every line would seem to come from here, and throttle the others.
rcutils_logger._internal_callers.append(os.path.realpath(__file__))


class BoundedLogger(RcutilsLogger):
    """A node's logger that cuts what is too long; see `bounded`."""

    def log(self, message: Any, severity: Any, **options: Any) -> bool:
        """See `RcutilsLogger.log`."""
        return bool(super().log(bounded(str(message), LINE), severity, **options))
