"""Why messages that come are not fresh: what their stamps look like, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

QUARTER, HOUR = 900.0, 3600.0

ZONE_TOLERANCE = 5.0
"""A stamp off by quarters of an hour, give or take this, is in another time zone's time, s."""

STEADY = 0.1
"""Ages that differ by less come from a clock that is off, not from a slow way, s."""

SINCE_1970 = 1e9
"""Stamps below were in 2001; a device that counts from its start never gets there, s."""


class Arrival(NamedTuple):
    """When a message came and what its stamp says.

    Attributes:
        stamp: its stamp on this process's monotonic clock, s.
        said: its stamp as it stands in the message, s.
        at: when it came, on the monotonic clock, s.
    """

    stamp: float
    said: float
    at: float


def staleness(what: str, arrivals: Sequence[Arrival], now: float, most: float) -> str:
    """Say why the newest of at least one arrival is not fresh.

    Args:
        what: the messages' name.
        most: largest permitted age, s.
    """
    last = arrivals[-1]
    silent = now - last.at
    if last.said == 0:
        return (
            f"the last {what} carries no time (its stamp is zero): let its driver stamp each "
            "message with the system's time"
        )
    ages = [arrival.at - arrival.stamp for arrival in arrivals]
    off = min(ages, key=abs)
    steady = max(ages) - min(ages) < STEADY and silent < most
    if not steady or abs(off) < STEADY:
        return (
            f"the last {what} is {now - last.stamp:.2f} s old (at most {most:.2f}) and came "
            f"{silent:.2f} s ago: check that it is still published, that network and computer "
            "keep up, and that the computers' clocks agree"
        )
    if last.said < SINCE_1970:
        return (
            f"the last {what} is stamped by the device's own clock ({last.said:.1f} s, counted "
            "from its start): let its driver stamp with the system's time, for a RealSense "
            "rgb_camera.global_time_enabled: true"
        )
    side = "behind" if off > 0 else "ahead of"
    if abs(off) > HOUR / 2 and abs(off - QUARTER * round(off / QUARTER)) < ZONE_TOLERANCE:
        return (
            f"the last {what} is stamped {abs(off) / HOUR:.2f} h {side} this computer's clock, as "
            "by a time zone: let its computer's clock and its driver keep UTC"
        )
    return (
        f"the last {what} is stamped {abs(off):.2f} s {side} this computer's clock, always by the "
        "same: check that the computers' clocks agree (chrony), or that the driver stamps with "
        "the system's time and not with the device's own clock"
    )
