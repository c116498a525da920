from __future__ import annotations

from kinevla_ros.robot.driver.backoff import FIRST, LAST, SETTLED, BackOff


def test_after_a_good_connection_the_next_attempt_comes_at_once() -> None:
    back_off = BackOff()
    back_off.connected(0.0)
    assert back_off.wait(SETTLED) == 0.0


def test_failing_attempts_are_further_and_further_apart() -> None:
    back_off = BackOff()
    waits = [back_off.wait(float(now)) for now in range(8)]
    assert waits[:4] == [0.0, FIRST, 2 * FIRST, 4 * FIRST]
    assert waits[-1] == LAST


def test_what_connects_and_dies_at_once_is_no_success() -> None:
    back_off = BackOff()
    waits = []
    for now in range(4):
        waits.append(back_off.wait(float(now)))
        back_off.connected(now + 0.5)
    assert waits == [0.0, FIRST, 2 * FIRST, 4 * FIRST]
    assert back_off.wait(3.5 + SETTLED) == 0.0
