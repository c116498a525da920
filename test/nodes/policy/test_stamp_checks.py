"""A stamp that is off is named by what makes it so."""

from __future__ import annotations

import pytest

from kinevla_ros.data.synchronisation.stamp_checks import Arrival, staleness

NOW, UNIX = 5000.0, 1.79e9
WHAT = "picture on /camera/front"


def arrivals(off: float, jitter: float = 0.0, said: float = UNIX) -> list[Arrival]:
    """Four messages, the last just come, whose stamps are `off` s behind."""
    times = [NOW - 0.1 * k for k in (3, 2, 1, 0)]
    return [Arrival(t - off - jitter * k, said + k, t) for k, t in enumerate(times)]


@pytest.mark.parametrize(
    ("off", "said", "text"),
    [
        (UNIX + NOW, 0.0, "carries no time"),
        (UNIX, 4321.5, r"device's own clock \(4324.5 s.*global_time_enabled"),
        (-8 * 3600 + 0.03, UNIX, "8.00 h ahead of.*time zone.*UTC"),
        (5.5 * 3600 + 0.05, UNIX, "5.50 h behind.*time zone"),
        (3 * 3600 + 77, UNIX, "10877.00 s behind.*always by the same.*chrony"),
        (0.5, UNIX, "0.50 s behind.*clocks agree"),
        (-77.0, UNIX, "77.00 s ahead of"),
    ],
)
def test_a_steady_error_of_the_stamps_is_a_clocks(off: float, said: float, text: str) -> None:
    found = arrivals(off, said=said)
    if said == 0:
        found[-1] = found[-1]._replace(said=0.0)
    with pytest.raises(ValueError, match=text):
        raise ValueError(staleness(WHAT, found, NOW, 0.3))


def test_messages_that_come_later_and_later_are_reported_as_late() -> None:
    assert "keep up" in staleness(WHAT, arrivals(0.5, jitter=0.2), NOW, 0.3)


@pytest.mark.parametrize("off", [0.0, 0.05, 8 * 3600.0])
def test_messages_that_no_longer_come_are_reported_as_missing(off: float) -> None:
    text = staleness(WHAT, arrivals(off), NOW + 20, 0.3)
    assert "came 20.00 s ago" in text
    assert "still published" in text
