"""What becomes of a person's wishes before the gate sees them."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import DT, HOME, ArmBench, assert_smooth, over_the_table
from numpy.typing import NDArray

from kinevla_ros.robot.gate.teleop_checks import MAX_AWAY
from kinevla_ros.robot.kinematics import forward, jacobian, tool_yaw
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.stack.teleop.person import Wish
from kinevla_ros.stack.teleop.session import APPROACH, CAUGHT_UP, LEAD, Session

Array = NDArray[np.float64]
START = over_the_table(0.15)
FORWARD = np.array([0.08, 0, 0, 0, 0, 0])


@pytest.fixture
def session() -> Session:
    return Session(RM75_LIMITS)


def hold(session: Session, seconds: float, place: Array, **wish: Array) -> list[Array]:
    """Hold the clutch for a while; the targets."""
    begin = session._at or 1.0
    found = []
    for tick in range(1, round(seconds / DT) + 1):
        target = session.tick(Wish(True, **wish), place, begin + tick * DT)
        if target is not None:
            found.append(target.positions)
            place = target.positions
    return found


def test_without_the_clutch_there_is_no_target(session: Session) -> None:
    assert session.tick(Wish(False, joints=HOME), HOME, 1.0) is None
    assert session.tick(Wish(False, twist=FORWARD), HOME, 1.02) is None
    assert not session.leads


def test_the_arm_comes_slowly_to_a_leader_that_is_near_and_then_follows_at_once(
    session: Session,
) -> None:
    leader = HOME + 0.25 * np.eye(7)[3]
    way = np.vstack([HOME, *hold(session, 3.0, HOME, joints=leader)])
    behind = abs(way - leader).max(axis=1)[:-1] > CAUGHT_UP
    speeds = abs(np.diff(way, axis=0)).max(axis=1)[behind] / DT
    assert len(speeds) > 50
    assert speeds.max() <= APPROACH * 1.001
    np.testing.assert_allclose(way[-1], leader, atol=1e-9)
    (followed,) = hold(session, DT, leader, joints=leader + 0.03)
    np.testing.assert_allclose(followed, leader + 0.03, atol=1e-9)


def test_a_leader_that_is_far_is_refused_with_the_joint_and_the_difference(
    session: Session,
) -> None:
    leader = HOME - 0.5 * np.eye(7)[3]
    assert hold(session, 0.2, HOME, joints=leader) == []
    assert not session.leads
    assert "joint4 of the leader is -0.50 rad" in session.refused
    assert f"within {MAX_AWAY} rad" in session.refused


def test_a_leader_that_runs_away_is_let_go(session: Session) -> None:
    hold(session, 1.0, HOME, joints=HOME)
    assert hold(session, DT, HOME, joints=HOME + 0.5) == []
    assert not session.leads and session.refused


def test_letting_go_and_taking_hold_again_begins_where_the_arm_is(session: Session) -> None:
    hold(session, 1.0, HOME, twist=FORWARD)
    assert session.tick(Wish(False), HOME, session._at + DT) is None
    (first,) = hold(session, DT, START, twist=FORWARD)
    np.testing.assert_allclose(first, START, atol=1e-12)


def test_the_tool_moves_straight_and_does_not_turn(session: Session) -> None:
    way = hold(session, 1.0, START, twist=np.array([-0.08, 0, 0.04, 0, 0, 0]))
    before, turned_before = forward(START)
    after, turned = forward(way[-1])
    np.testing.assert_allclose(after - before, [-0.08, 0, 0.04], atol=0.004)
    np.testing.assert_allclose(turned, turned_before, atol=0.02)


def test_the_tool_turns_on_the_spot(session: Session) -> None:
    way = hold(session, 1.0, START, twist=np.array([0, 0, 0, 0, 0, 0.5]))
    np.testing.assert_allclose(forward(way[-1])[0], forward(START)[0], atol=0.004)
    assert tool_yaw(way[-1]) - tool_yaw(START) == pytest.approx(0.5, abs=0.03)


def test_a_stretched_arm_is_slower_and_never_faster_than_is_asked_for(session: Session) -> None:
    way = np.array(hold(session, 4.0, START, twist=FORWARD))
    assert abs(np.diff(way, axis=0)).max() / DT < RM75_LIMITS.velocity.min()
    steps = np.diff(np.array([forward(q)[0][0] for q in way]))
    assert steps[-1] < steps[0] / 4


def test_a_session_that_was_held_up_does_not_make_up_for_it(session: Session) -> None:
    (first,) = hold(session, DT, START, twist=FORWARD)
    later = session.tick(Wish(True, twist=FORWARD), first, session._at + 5.0)
    assert later is not None
    moved = forward(later.positions)[0] - forward(first)[0]
    assert np.linalg.norm(moved) < 0.01


def test_an_arm_that_does_not_get_on_is_not_pushed(session: Session) -> None:
    target = START
    for tick in range(200):
        found = session.tick(Wish(True, twist=FORWARD), START, 1.0 + tick * DT)
        assert found is not None
        target = found.positions
    assert LEAD / 2 < abs(target - START).max() <= LEAD


def test_what_a_person_at_the_sticks_wants_passes_the_gate_and_is_smooth() -> None:
    bench, session = ArmBench(START), Session(RM75_LIMITS)
    assert bench.core.enable(bench.now).ok
    wishes = [FORWARD, -FORWARD, np.array([0, 0.08, 0.04, 0, 0, 0.3]), np.zeros(6)]
    for wish in np.repeat(wishes, 40, axis=0):
        place = bench.sent[-1].position if bench.sent[-1] is not None else bench.q
        target = session.tick(Wish(True, twist=wish), place, bench.now)
        assert target is not None
        assert (result := bench.core.lead(target, bench.now)).ok, result.reason
        bench.run(DT)
    assert_smooth(bench.sent, START)
    assert forward(bench.q)[0][1] > forward(START)[0][1] + 0.04


def test_the_jacobian_is_that_of_the_forward_kinematics() -> None:
    rng = np.random.default_rng(3)
    for q in rng.uniform(-1, 1, (5, 7)):
        j, step = jacobian(q), 1e-6
        for joint in range(7):
            moved = q + step * np.eye(7)[joint]
            way = (forward(moved)[0] - forward(q)[0]) / step
            np.testing.assert_allclose(j[:3, joint], way, atol=1e-5)
            turn = (forward(moved)[1] @ forward(q)[1].T - np.eye(3)) / step
            np.testing.assert_allclose(
                j[3:, joint], [turn[2, 1], turn[0, 2], turn[1, 0]], atol=1e-5
            )
