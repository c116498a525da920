"""The arm's and the gripper's constants that every room knows."""

from __future__ import annotations

GRIPPER_STROKE = 0.070
"""Opening between the pads when fully open (m); the vendor's position 1000."""

GRIPPER_TOLERANCE = 0.01
"""So far beyond its stroke a gripper may read or be sent; it stops at its ends by itself (m)."""

STREAM_PERIOD = 0.02
"""Time from target to target of the arm's stream unless another is asked for (s)."""

ARM_PORT, STATE_PORT = 8080, 8089
"""TCP port of the arm's controller, and UDP port to which it sends the arm's state."""
