"""What the policy node does when the policy doubts itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy")

from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.caution import SLOW, Caution

SURE, UNSURE, UNKNOWN = 0.4, 1.7, float("nan")
HELD = (Reasoning.UNSURE, True)
SENT = (Reasoning.OK, False)


class Stand:
    """A node whose publisher sets the arm's speed, and the arm."""

    def __init__(self) -> None:
        self.speed = 100.0

    def resolve_service_name(self, name: str) -> str:
        return f"/left/{name}"

    def create_publisher(self, _: type, topic: str, __: int) -> Any:
        assert topic == "/left/arm/speed_scaling"
        return SimpleNamespace(publish=lambda message: setattr(self, "speed", message.data))


def caution(what: str, stand: Stand | None = None) -> Caution:
    stand = stand or Stand()
    found = Caution(stand, what, stand)  # type: ignore[arg-type]
    found.watch(SimpleNamespace(most_disagreement=2.0))
    return found


def acted(each: Caution, doubt: float, said: str = "bread", heard: int = 1) -> tuple[int, bool]:
    status, detail = each.act(doubt, said, heard)
    return status, bool(detail)


def test_doubt_is_disagreement_in_units_of_the_checkpoints_threshold() -> None:
    inference: Any = SimpleNamespace(disagreement=3.0)
    each = caution("report")
    assert each.doubt(inference) == 1.5
    each.watch(SimpleNamespace())
    assert str(each.doubt(inference)) == "nan"


def test_a_policy_without_a_threshold_may_only_report() -> None:
    caution("report").watch(SimpleNamespace())
    for what in ("slow", "ask"):
        with pytest.raises(ValueError, match="kinevla calibrate --episodes"):
            caution(what).watch(SimpleNamespace(most_disagreement=None))


def test_reported_doubt_moves_on() -> None:
    stand = Stand()
    assert acted(caution("report", stand), UNSURE) == SENT
    assert stand.speed == 100.0


def test_the_arm_is_slow_while_the_policy_doubts_and_then_as_fast_as_before() -> None:
    stand = Stand()
    stand.speed = 80.0
    each = caution("slow", stand)
    for doubt, speed in ((SURE, 80.0), (UNSURE, SLOW), (UNSURE, SLOW), (UNKNOWN, 80.0)):
        assert acted(each, doubt) == SENT
        assert stand.speed == speed


def test_the_end_of_a_task_gives_the_arm_its_speed_again() -> None:
    stand = Stand()
    each = caution("slow", stand)
    acted(each, UNSURE)
    each.end()
    assert stand.speed == 100.0


@pytest.mark.parametrize("persons", [30.0, 70.0])
def test_the_speed_that_a_person_sets_meanwhile_stays(persons: float) -> None:
    stand = Stand()
    each = caution("slow", stand)
    acted(each, UNSURE)
    stand.speed = persons
    acted(each, SURE)
    assert stand.speed == persons


def test_an_arm_that_is_slower_already_or_paused_is_left_as_it_is() -> None:
    for speed in (SLOW - 10.0, 0.0):
        stand = Stand()
        stand.speed = speed
        each = caution("slow", stand)
        for doubt in (UNSURE, SURE):
            acted(each, doubt)
            assert stand.speed == speed


def test_a_pause_during_doubt_does_not_lose_the_speed_of_before() -> None:
    stand = Stand()
    each = caution("slow", stand)
    acted(each, UNSURE)
    stand.speed = 0.0
    acted(each, SURE)
    stand.speed = SLOW
    acted(each, SURE)
    assert stand.speed == 100.0


def test_nothing_moves_from_the_first_doubt_on_until_the_instruction_is_said_again() -> None:
    each = caution("ask")
    assert acted(each, SURE) == SENT
    assert acted(each, UNSURE) == HELD
    assert acted(each, SURE) == HELD
    assert acted(each, UNSURE, heard=2) == SENT
    assert acted(each, UNSURE, heard=2) == SENT


def test_another_instruction_is_asked_about_again() -> None:
    each = caution("ask")
    acted(each, UNSURE)
    assert acted(each, SURE, "carrot", heard=2) == SENT
    assert acted(each, UNSURE, "carrot", heard=2) == HELD


def test_the_same_instruction_after_the_end_of_a_task_is_asked_about_again() -> None:
    each = caution("ask")
    acted(each, UNSURE)
    acted(each, SURE, heard=2)
    each.end()
    assert acted(each, UNSURE, heard=4) == HELD
