"""What the core logs, handed to a node's logger.

Not in `log`, whose frames rclpy skips when it looks for the place that logs.
"""

from __future__ import annotations

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger


class RosLog(logging.Handler):
    """Hands what the core logs to a node's logger."""

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log at the severity nearest to the record's; never raises."""
        try:
            text = self.format(record)
            # rclpy lets each place in the code log at one severity, hence three places.
            if record.levelno >= logging.ERROR:
                self._logger.error(text)
            elif record.levelno >= logging.WARNING:
                self._logger.warning(text)
            else:
                self._logger.info(text)
        except Exception:
            # The thread that logs may be the one that watches the arm.
            self.handleError(record)
