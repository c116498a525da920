"""How fast a chunk is followed that comes late.

A late chunk answers a picture from which the arm has since moved on along the chunk before. Two
that disagree would have it swing between them, ever wider; at less speed the arm is led less far
along each before the next one comes.
"""

from __future__ import annotations

FULL_SPEED_DELAY = 0.1
"""So long after its picture a chunk may come and be followed at full speed, s."""


def speed_share(delay: float) -> float:
    """Share of the speed at which a chunk is followed that comes so long after its picture, s."""
    return FULL_SPEED_DELAY / max(delay, FULL_SPEED_DELAY)
