"""How the simulated gripper travels, whether the cell or the emulated controller moves it."""

from __future__ import annotations

SPEED = 0.16
"""Of the opening, m/s; assumed, the vendor gives none."""


def start_of_travel(commanded: float, measured: float, target: float) -> float:
    """Where the pads start towards a target, m.

    Held off by an object they are wider open than commanded, and open from there.

    Args:
        commanded: opening commanded last, m.
        measured: opening now, m.
        target: opening to travel to, m.
    """
    return max(commanded, min(measured, target))
