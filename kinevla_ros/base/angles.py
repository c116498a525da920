"""Angles."""

from __future__ import annotations

import math


def wrapped(angle: float) -> float:
    """An angle (rad) within half a turn either way."""
    return math.remainder(angle, 2 * math.pi)
