"""What a page shows: ages, names for numbers, the way out, the arm as lines."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pinocchio")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.msg import MissingSlot, Question, Reasoning, SafetyStatus
from kinevla_ros.nodes.arm.safety_markers import chunk_markers, safety_markers
from kinevla_ros.nodes.console.arm_view import arm_lines, markers_shown
from kinevla_ros.nodes.console.obstacles import NO_ARM, obstacles
from kinevla_ros.nodes.console.sayable import sayable
from kinevla_ros.nodes.console.seen import LOG_LENGTH, Seen
from kinevla_ros.nodes.console.shown import (
    REASONING,
    diagnoses_shown,
    joints_shown,
    question_shown,
    reasoning_shown,
    status_shown,
)
from kinevla_ros.nodes.console.web.encode import encode
from kinevla_ros.nodes.ros.messages import joints_to_message
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.margin import margin
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.kinematics import forward
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.status import SafetyState, Status

Q = np.array([0.2, 0.5, -0.1, 1.2, 0.1, 1.0, 0.3])
ALL_THERE = {"arm": True, "policy": True, "cell": False, "record": False}
CALM = status_shown(SafetyStatus(state=SafetyStatus.MOVING, speed_scaling=100.0))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def arm(**fields: Any) -> dict[str, Any]:
    """What has just been heard of an arm that differs from a calm one's status in `fields`."""
    given = {"state": SafetyStatus.MOVING, "speed_scaling": 100.0} | fields
    return status_shown(SafetyStatus(**given)) | {"age": 0.0}


def state(**parts: Any) -> dict[str, Any]:
    """A page's state in which all is well but for `parts`."""
    reasoning = {"status": "OK", "detail": "", "age": 0.1}
    return {"arm": CALM | {"age": 0.0}, "reasoning": reasoning, "question": None} | parts


def test_everything_grows_old_until_it_comes_again() -> None:
    clock = Clock()
    seen = Seen(clock)
    assert seen.to_json()["arm"] is None
    seen.put("arm", {"state": "READY"})
    clock.now += 2.5
    assert seen.to_json()["arm"] == {"state": "READY", "age": 2.5}
    seen.put("arm", {"state": "MOVING"})
    assert seen.to_json()["arm"]["age"] == 0.0
    seen.put("question", {"text": "?"})
    seen.put("question", None)
    assert seen.to_json()["question"] is None


def test_the_log_gives_each_page_what_it_has_not_had() -> None:
    seen = Seen()
    for number in range(LOG_LENGTH + 5):
        seen.note(f"line {number}")
    lines = seen.log(0)
    assert [text for _, _, text in lines] == [f"line {n}" for n in range(5, LOG_LENGTH + 5)]
    assert seen.log(lines[-1][0]) == []
    seen.note("another")
    assert [text for _, _, text in seen.log(lines[-1][0])] == ["another"]


def test_a_number_that_is_not_finite_reaches_a_page_as_null() -> None:
    assert json.loads(encode({"a": [1.5, math.nan, (math.inf,)]})) == {"a": [1.5, None, [None]]}


def test_states_and_faults_have_the_names_of_the_messages() -> None:
    for name, value in (("FAULTED", SafetyStatus.FAULTED), ("READY", SafetyStatus.READY)):
        assert status_shown(SafetyStatus(state=value))["state"] == name
    shown = status_shown(SafetyStatus(fault=SafetyStatus.SOFTWARE_STOP, margin=math.nan))
    assert (shown["fault"], shown["margin"]) == ("SOFTWARE_STOP", None)
    for number, name in enumerate(REASONING):
        assert getattr(Reasoning, name) == number
    assert "77" in status_shown(SafetyStatus(state=77))["state"]
    assert "77" in reasoning_shown(Reasoning(status=77))["status"]


def test_a_question_is_shown_with_its_choices_until_it_is_answered() -> None:
    missing = [MissingSlot(name="side", choices=["left", "right"])]
    shown = question_shown(Question(text="Which side?", missing=missing))
    assert shown is not None
    assert shown["missing"] == [{"name": "side", "choices": ["left", "right"]}]
    assert question_shown(Question()) is None


def test_diagnoses_come_with_their_figures_and_not_without_end() -> None:
    line = DiagnosticStatus(name="/arm", level=DiagnosticStatus.ERROR, message="no connection")
    line.values = [KeyValue(key=str(n), value="x") for n in range(100)]
    shown = diagnoses_shown([line])["/arm"]
    assert (shown["level"], shown["text"]) == ("error", "no connection")
    assert len(shown["figures"]) < 20


@pytest.mark.parametrize(
    ("parts", "text", "do"),
    [
        ({"arm": None}, NO_ARM, ""),
        ({"arm": CALM | {"age": 5.0}}, NO_ARM, ""),
        ({"arm": arm(state=SafetyStatus.DISABLED)}, "disabled", "enable"),
        ({"arm": arm(state=SafetyStatus.HOLDING, speed_scaling=0.0)}, "held", "resume"),
        ({"arm": arm(state=SafetyStatus.HOLDING, reason="no chunk")}, "no chunk", ""),
        ({"arm": arm(takeover=True)}, "a person leads", ""),
        ({"arm": arm(shadow=True)}, "shadow mode", ""),
        ({"question": {"text": "Which side?"}}, "waits for an answer", ""),
        ({"reasoning": None}, "no instruction", ""),
        ({"reasoning": {"status": "VETOED", "detail": "", "age": 0.5}}, "vetoed", "release"),
        ({"reasoning": {"status": "NO_OBSERVATION", "detail": "dark", "age": 9}}, "dark", ""),
        ({"reasoning": {"status": "OK", "detail": "", "age": 9}}, "silent", ""),
    ],
)
def test_what_keeps_the_arm_from_moving_comes_with_its_way_out(
    parts: dict[str, Any], text: str, do: str
) -> None:
    found = obstacles(state(**parts), ALL_THERE)
    assert any(text in one.text and one.do == do for one in found)


def test_a_fault_is_shown_with_its_reason_and_a_reset() -> None:
    fault = {"state": SafetyStatus.FAULTED, "fault": SafetyStatus.STALE_STATE}
    (found,) = obstacles(state(arm=arm(**fault, reason="0.2 s old")), ALL_THERE)
    assert "STALE_STATE: 0.2 s old" in found.text and found.do == "reset"


def test_nothing_is_in_the_way_of_an_arm_that_moves() -> None:
    assert obstacles(state(), ALL_THERE) == []
    assert "policy" in obstacles(state(), ALL_THERE | {"policy": False})[0].text


def test_the_arm_is_drawn_where_its_tool_is() -> None:
    narrow, wide = (np.array(arm_lines(Q, opening)[-2:]) for opening in (0.0, 0.07))
    tool = forward(Q)[0]
    assert np.linalg.norm(narrow[:, 3:6].mean(axis=0) - tool) < 0.02
    spread = np.linalg.norm(wide[0, 3:6] - wide[1, 3:6])
    assert spread - np.linalg.norm(narrow[0, 3:6] - narrow[1, 3:6]) == pytest.approx(0.07, abs=1e-3)


def test_the_ghost_stands_where_the_arm_will_stand() -> None:
    markers, positions = chunk_of(Q)
    ghost = np.array(markers_shown(markers)["ghost"])
    links = np.array(arm_lines(positions[-1], 0.0)[1:8])
    assert ghost.shape == links.shape == (7, 7)
    middles = [(lines[:, :3] + lines[:, 3:6]) / 2 for lines in (ghost, links)]
    assert np.abs(middles[0] - middles[1]).max() < 1e-3
    assert ghost[:, 6] == pytest.approx(links[:, 6], abs=1e-4)


def test_the_path_has_the_room_that_its_colours_stand_for() -> None:
    markers, positions = chunk_of(Q)
    shown = markers_shown(markers)
    space = CollisionModel(DEFAULT_WORKSPACE)
    ends = [min(max(margin(q, RM75_LIMITS, space), 0.0), 1.0) for q in positions]
    assert [shown["path"][0][3], shown["path"][-1][3]] == pytest.approx(
        [ends[0], ends[-1]], abs=0.01
    )
    assert shown["room"] == min(point[3] for point in shown["path"])
    assert np.allclose(shown["path"][-1][:3], forward(positions[-1])[0], atol=1e-3)
    assert len(shown["edges"]) == 12


def chunk_of(q: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Markers of a chunk from `q`, and its joint positions."""
    positions = q + np.linspace(0.02, 0.1, 5)[:, None]
    chunk = ActionChunk(0.0, 1, positions, np.full(5, 0.05))
    drawn = chunk_markers(chunk, RM75_LIMITS, CollisionModel(DEFAULT_WORKSPACE))
    status = Status(SafetyState.MOVING, Fault.NONE, "", "", math.nan, 0)
    return safety_markers(status, drawn, DEFAULT_WORKSPACE, Time()).markers, positions


def test_joint_states_of_something_else_are_left_alone_and_broken_ones_refused() -> None:
    message = joints_to_message(Q, 0.03, Time())
    shown = joints_shown(message)
    assert shown is not None and shown["q"] == pytest.approx(Q.tolist(), abs=1e-3)
    assert len(shown["lines"]) == 11
    message.position[2] = math.nan
    with pytest.raises(ValueError, match="finite"):
        joints_shown(message)
    message.name = [f"lift_{name}" for name in message.name]
    assert joints_shown(message) is None


def test_what_can_be_said_is_read_from_the_checkpoint_of_the_policy(tmp_path: Any) -> None:
    shipped = sayable("", "")
    assert kine_realman().example in shipped["sentences"] and shipped["problem"] == ""
    assert any("carrot" in line for line in shipped["overview"])
    absent = sayable(str(tmp_path / "elsewhere"), "")
    assert absent["sentences"] == [] and str(tmp_path) in absent["problem"]
    (tmp_path / "tasks.yaml").write_text("name: [")
    assert "tasks.yaml" in sayable(str(tmp_path), "")["problem"]
    assert "server" in sayable("", "ws://127.0.0.1:8000")["problem"]
