"""What goes out to the arm when targets come in time, late, never, or for another motion."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kinevla_ros.robot.gate.braking import Brake
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.sent_targets import SentTargets
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.motion.target_sender import Point, Target, TargetSender

PERIOD = 0.02
WAY = np.linspace(0.01, 0.05, 5)[:, None] * np.ones(7)


def sender_in_motion(now: float = 0.0) -> TargetSender:
    sender = TargetSender(PERIOD)
    assert sender.offer(Target(np.zeros(7), 1, None, WAY), now)
    sender.sent(now)
    return sender


def test_a_target_goes_out_only_after_the_point_it_follows() -> None:
    sender = sender_in_motion()
    assert not sender.offer(Target(np.ones(7), 3, Point(2), WAY), PERIOD)
    assert not sender.offer(Target(np.ones(7), 3, None, WAY), PERIOD)
    assert sender.offer(Target(np.ones(7), 2, Point(1), WAY), PERIOD)


def test_without_a_next_target_the_way_to_rest_goes_out_step_by_step() -> None:
    sender, now, steps = sender_in_motion(), 0.0, []
    for _ in range(500):
        now += 0.001
        if (step := sender.overdue(now)) is not None:
            sender.sent(now)
            steps.append((now, step))
    np.testing.assert_array_equal([step for _, step in steps], WAY)
    gaps = np.diff([0.0, *(time for time, _ in steps)])
    assert gaps.max() < 2 * PERIOD
    assert not sender.moving


def test_a_late_target_joins_the_way_to_rest_where_it_is_and_nowhere_else() -> None:
    sender = sender_in_motion()
    assert sender.overdue(0.03) is not None
    sender.sent(0.03)
    assert not sender.offer(Target(np.ones(7), 2, Point(1), WAY), 0.035)
    assert sender.offer(Target(np.ones(7), 3, Point(1, 1), WAY), 0.036)


def test_after_a_gap_in_motion_the_arm_stands_and_nothing_planned_before_goes_out() -> None:
    sender = sender_in_motion()
    assert not sender.offer(Target(np.ones(7), 2, Point(1), WAY), 0.06)
    assert sender.overdue(0.07) is None
    assert sender.point(0.07) == Point(1, 0, True)
    assert sender.offer(Target(np.zeros(7), 3, Point(1, 0, True), WAY), 0.08)


def test_an_arm_at_rest_may_wait_as_long_as_it_likes() -> None:
    sender = TargetSender(PERIOD)
    sender.offer(Target(np.zeros(7), 1), 0.0)
    sender.sent(0.0)
    assert sender.point(60.0) == Point(1)
    assert sender.offer(Target(np.zeros(7), 2, Point(1)), 60.0)


class Planner:
    """A stream that is on its way to rest from full speed, as the gate would pass it."""

    def __init__(self) -> None:
        self.brake = Brake(RM75_LIMITS, PERIOD)
        self.sent = SentTargets()
        self.state = np.zeros(7), np.full(7, 1.5), np.zeros(7)

    def target(self) -> Target:
        way = self.brake.way(*self.state)
        position, velocity, acceleration = self.state
        self.state = position + PERIOD * velocity, velocity, acceleration
        sample = StreamSample(position, velocity, acceleration, None, position, False, way)
        return self.sent.next(sample)

    def catch_up(self, point: Point | None) -> None:
        if (motion := self.sent.missed(point)) is not None:
            self.state = motion.path[-1] + PERIOD * motion.velocity, motion.velocity, np.zeros(7)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 6]), min_size=5, max_size=40),
    st.integers(0, 19),
)
def test_whatever_is_late_the_arm_never_steps_faster_than_planned(
    lateness: list[int], phase: int
) -> None:
    """Targets are late by up to six periods; steps between points that went out are looked at."""
    planner, sender = Planner(), TargetSender(PERIOD)
    sent: list[tuple[float, np.ndarray]] = []
    now, due, late = 0.0, 0.0, list(lateness)

    def send(q: np.ndarray) -> None:
        sender.sent(now)
        sent.append((now, q))

    while late:
        now += 0.001
        if now >= due:
            due = now + PERIOD * (1 + late.pop()) + 0.0001 * phase
            planner.catch_up(sender.point(now))
            target = planner.target()
            if sender.offer(target, now):
                now = max(now, sender.earliest)
                send(target.q)
        if (step := sender.overdue(now)) is not None:
            send(step)
    assert len(sent) >= len(lateness) / 2
    steps = np.abs(np.diff([q for _, q in sent], axis=0)).max(axis=1)
    assert (steps <= 1.5 * PERIOD + 1e-9).all()
