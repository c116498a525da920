"""Words are read from the motion, put to a person where they are not sure, and written down."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import DESKTOP, chromium, open_page, text_of
from dataset_faults import contradicting_task, findings, only_task
from demonstrations import LEFT, RIGHT, bread_motion, change_info, only, write_sound
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shipped_tasks import TASKS, goal_text, kinematics_text
from typer.testing import CliRunner

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.cli import app
from kinevla_ros.data.annotate.ask_model import ModelError, ask_model
from kinevla_ros.data.annotate.dataset import annotate, score
from kinevla_ros.data.annotate.motion import find_carry
from kinevla_ros.data.annotate.page import ReviewPage
from kinevla_ros.data.annotate.proposals import Suggester, read_import
from kinevla_ros.data.annotate.propose import Pose, propose
from kinevla_ros.data.annotate.reviews import FILE, Reviews
from kinevla_ros.data.annotate.words import PERSISTENT, read_persistent, write_words
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.language.command import Command
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.robot.kinematics import forward, tool_poses, top_down_ik

SLOTS = {"object": "bread", "direction": "left_front"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that has only its tasks."""
    root = write_sound(tmp_path_factory.mktemp("recorded"))
    only_task(root)
    return root


@pytest.fixture
def dataset(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "dataset"))


@given(arrays(np.float64, (4, 7), elements=st.floats(-3, 3)))
def test_the_tools_path_is_that_of_each_configuration(q: np.ndarray) -> None:
    positions, rotations = tool_poses(q)
    for number, joints in enumerate(q):
        position, rotation = forward(joints)
        np.testing.assert_allclose(positions[number], position, atol=1e-12)
        np.testing.assert_allclose(rotations[number], rotation, atol=1e-12)


def along(points: list[tuple[float, float, float]], openings: list[float]) -> np.ndarray:
    """States along straight lines between points of the tool, ten to each."""
    path = np.linspace(0, len(points) - 1, 10 * (len(points) - 1) + 1)
    columns = np.array(points).T
    tool = np.column_stack([np.interp(path, range(len(points)), axis) for axis in columns])
    opening = np.array([openings[min(int(place + 1e-9), len(openings) - 1)] for place in path])
    return np.column_stack([[top_down_ik(point, 0.0) for point in tool], opening])


def test_a_grasp_that_failed_is_not_what_was_carried() -> None:
    low, high = 0.02, 0.10
    states = along(
        [(0.2, 0, high), (0.2, 0, low), (0.2, 0.01, 0.06), (0.22, 0, low), (0.22, 0, high),
         (0.3, 0.1, high), (0.3, 0.1, low), (0.3, 0.1, high)],
        [0.07, 0.02, 0.07, 0.03, 0.03, 0.03, 0.07],
    )  # fmt: skip
    carry = find_carry(states)
    assert carry is not None
    assert 28 <= carry.grasp <= 32
    assert 58 <= carry.release <= 61
    np.testing.assert_allclose(carry.start, (0.22, 0, low), atol=0.01)
    np.testing.assert_allclose(carry.end, (0.3, 0.1, low), atol=0.01)
    assert carry.width == pytest.approx(0.03)


def test_what_is_not_lifted_was_not_carried() -> None:
    states = along([(0.2, 0, 0.02), (0.3, 0, 0.02), (0.3, 0, 0.1)], [0.02, 0.07])
    assert find_carry(states) is None
    assert propose(kine_realman(), None, {}).why == "nothing is grasped and lifted"


@pytest.mark.parametrize("command", TASKS[:3])
def test_the_direction_is_that_of_the_way(command: Command) -> None:
    seen = propose(kine_realman(), find_carry(bread_motion(command)), {}, known="bread")
    assert dict(seen.slots) == command.slots()
    assert seen.sure


def test_between_two_directions_nothing_is_sure() -> None:
    corner = np.tan(np.radians(22.5))
    low, high = 0.02, 0.10
    states = along(
        [(0.24, 0, low), (0.24, 0, high), (0.34, 0.1 * corner, high), (0.34, 0.1 * corner, low)],
        [0.03, 0.03, 0.03, 0.07],
    )
    opened = np.vstack([np.append(states[0, :7], 0.07), states])
    seen = propose(kine_realman(), find_carry(opened), {}, known="bread")
    assert not seen.sure


CARROT: list[Command] = list(TASKS[3:])


@pytest.mark.parametrize("command", CARROT)
def test_part_and_side_are_read_from_where_things_lie(command: Command) -> None:
    plate: Pose = (0.25, 0.15, 0.0)
    yaw = 0.4
    carrot: Pose = (0.22, -0.18, yaw)
    part = 0.03 if command.slot("part") == "upper" else -0.03
    grasp = (0.22 + part * np.cos(yaw), -0.18 + part * np.sin(yaw))
    side = 0.045 if command.slot("side") == "right" else -0.045
    release = (0.25 + part * np.cos(yaw), 0.15 + side + part * np.sin(yaw))
    states = along(
        [(*grasp, 0.12), (*grasp, 0.014), (*grasp, 0.12), (*release, 0.12), (*release, 0.04),
         (*release, 0.12)],
        [0.07, 0.03, 0.03, 0.03, 0.07],
    )  # fmt: skip
    poses = {"plate": plate, "carrot": carrot, "bread": (0.25, 0.0, 0.0)}
    seen = propose(kine_realman(), find_carry(states), poses)
    assert dict(seen.slots) == command.slots()
    assert seen.sure
    blind = propose(kine_realman(), find_carry(states), {}, known="carrot")
    assert blind.why == "part and side cannot be read from the motion"


def test_without_places_of_things_the_object_is_asked_for(dataset: Path) -> None:
    (first, *_) = Suggester(DatasetReader(dataset)).suggestions()
    assert not first.sure
    assert "which object" in first.note


def test_an_instruction_that_names_all_is_enough_where_the_motion_agrees(dataset: Path) -> None:
    suggester = Suggester(DatasetReader(dataset), from_task=True)
    suggestions = suggester.suggestions()
    assert all(one.sure and one.origin == "task" for one in suggestions)
    outcome = annotate(suggester, suggestions, {})
    assert outcome.written == (0, 1, 2)
    assert findings(dataset) == []
    frames = DatasetReader(dataset).frames
    assert frames["reasoning.goal"][0] == goal_text(LEFT)
    assert frames["reasoning.kinematics"][45] == kinematics_text(RIGHT)


def test_an_instruction_that_the_motion_contradicts_comes_first(dataset: Path) -> None:
    contradicting_task(dataset)
    suggestions = Suggester(DatasetReader(dataset), from_task=True).suggestions()
    assert [one.sure for one in suggestions] == [False, False, True]
    assert "direction right_front by the task, left_front by the motion" in suggestions[0].note


def test_lines_that_the_instruction_contradicts_are_not_sure(dataset: Path) -> None:
    given = {0: {"object": "carrot", "part": "upper", "side": "left"}}
    (first, *_) = Suggester(DatasetReader(dataset), given=given).suggestions()
    assert (first.episode, first.sure) == (0, False)
    assert first.note == "object carrot by the import, bread by the instruction"


def test_from_task_goes_before_the_words_that_a_dataset_has_already(dataset: Path) -> None:
    wrong = goal_text(LEFT), kinematics_text(RIGHT)
    write_words(dataset, {0: wrong})
    (first, *_) = Suggester(DatasetReader(dataset)).suggestions()
    assert first.note == "direction right_front by the dataset, left_front by the instruction"
    suggester = Suggester(DatasetReader(dataset), from_task=True)
    annotate(suggester, suggester.suggestions(), {})
    assert findings(dataset) == []


def test_lines_of_a_person_or_a_model_are_taken_and_held_against_the_motion(
    dataset: Path, tmp_path: Path
) -> None:
    file = tmp_path / "words.jsonl"
    right = {"episode": 1, "goal": goal_text(RIGHT), "kinematics": kinematics_text(RIGHT)}
    lines = [{"episode": 0, "slots": SLOTS}, right, {"episode": 2, "slots": RIGHT.slots()}]
    file.write_text("\n".join(map(json.dumps, lines)))
    reader = DatasetReader(dataset)
    given = read_import(file, Suggester(reader).words)
    by_number = {one.episode: one for one in Suggester(reader, given=given).suggestions()}
    assert by_number[0].sure and by_number[1].sure and not by_number[2].sure
    assert "by the import" in by_number[2].note


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", ":1: "),
        ('{"slots": {"object": "bread"}}', "names no episode"),
        ('{"episode": 0, "slots": {"object": "bread", "direction": "up"}}', "no way with"),
        (
            '{"episode": 0, "slots": {"object": "bread"}}',
            r"no way with object bread alone; its ways are bread \(direction\)",
        ),
        ('{"episode": 0, "slots": "bread"}', "slots are written"),
        ('{"episode": 0, "goal": "move the bread"}', "neither slots nor both texts"),
        ('{"episode": 0, "goal": "fly", "kinematics": "fly away"}', "fly"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named(
    dataset: Path, tmp_path: Path, line: str, message: str
) -> None:
    file = tmp_path / "words.jsonl"
    file.write_text(line)
    words = Suggester(DatasetReader(dataset)).words
    with pytest.raises(ValueError, match=rf"words\.jsonl:1: .*{message}|{message}"):
        read_import(file, words)


def test_words_for_an_episode_that_is_not_there_are_refused(dataset: Path) -> None:
    with pytest.raises(ValueError, match="has no episode 99; its last one is 2"):
        Suggester(DatasetReader(dataset), given={0: SLOTS, 99: SLOTS})


def test_words_are_written_for_lerobot_too_and_read_back(dataset: Path) -> None:
    write_words(dataset, {0: ("goal 0", "way 0"), 2: ("goal 2", "way 2")})
    reader = DatasetReader(dataset)
    frames = reader.frames
    assert frames["reasoning.goal"][[0, 39, 40, 119]].tolist() == ["goal 0", "goal 0", "", "goal 2"]
    assert read_persistent(reader) == {0: ("goal 0", "way 0"), 2: ("goal 2", "way 2")}
    rows = pq.read_table(only(dataset, "data/*/*"))[PERSISTENT][5].as_py()
    assert [(row["style"], row["content"]) for row in rows] == [
        ("subtask", "goal 0"),
        ("motion", "way 0"),
    ]
    assert all(row["role"] == "assistant" and row["camera"] is None for row in rows)
    assert any(line.startswith("episode 1, frame 0, reasoning.goal: it is empty")
               for line in findings(dataset))  # fmt: skip


def test_rows_of_other_styles_and_other_words_stay(dataset: Path) -> None:
    write_words(dataset, {0: ("goal 0", "way 0"), 1: ("goal 1", "way 1")})
    path = only(dataset, "data/*/*")
    table = pq.read_table(path)
    plan = {"role": "assistant", "content": "a plan", "style": "plan", "timestamp": 0.5}
    rows = [[plan, *(row or [])] for row in table[PERSISTENT].to_pylist()]
    column = pa.array(rows)
    pq.write_table(table.set_column(table.column_names.index(PERSISTENT), PERSISTENT, column), path)
    write_words(dataset, {1: ("another goal", "another way")})
    found = pq.read_table(path)[PERSISTENT]
    styles = [row["style"] for row in found[50].as_py()]
    assert styles == ["plan", "subtask", "motion"]
    assert read_persistent(DatasetReader(dataset))[0] == ("goal 0", "way 0")
    assert DatasetReader(dataset).frames["reasoning.goal"][50] == "another goal"


def test_a_kill_while_words_are_written_leaves_a_dataset_that_is_whole(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = DatasetReader(dataset).frames

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for survived in range(2):
        replace, moves = os.replace, []

        def killed_after(*paths: object, replace=replace, moves=moves, survived=survived) -> None:
            if len(moves) == survived:
                raise KeyboardInterrupt
            moves.append(paths)
            replace(*paths)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed_after)
            with pytest.raises(KeyboardInterrupt):
                write_words(dataset, {0: ("goal", "way")})
        after = DatasetReader(dataset).frames
        assert set(after) == set(before)
    write_words(dataset, {0: ("goal", "way")})
    assert DatasetReader(dataset).frames["reasoning.goal"][0] == "goal"


def test_words_that_lerobot_keeps_are_proposed(dataset: Path) -> None:
    words = {n: (goal_text(c), kinematics_text(c)) for n, c in enumerate((LEFT, RIGHT, LEFT))}
    write_words(dataset, words)

    def forget(info: dict) -> None:
        del info["features"]["reasoning.goal"], info["features"]["reasoning.kinematics"]

    change_info(dataset, forget)
    suggestions = Suggester(DatasetReader(dataset)).suggestions()
    assert all(one.sure and one.origin == "dataset" for one in suggestions)


def test_decisions_outlive_the_process_and_can_be_undone(dataset: Path) -> None:
    reviews = Reviews(dataset)
    reviews.decide(0, SLOTS)
    reviews.decide(0, None)
    reviews.decide(1, None)
    assert reviews.undo() == 1
    assert Reviews(dataset).decided == {0: None}
    again = Reviews(dataset)
    assert again.undo() == 0
    assert again.decided == {0: SLOTS}
    assert again.undo() == 0
    assert again.undo() is None
    assert Reviews(dataset).decided == {}
    (dataset / FILE).write_text('{"episode": 0}\n')
    with pytest.raises(FileError, match=r"annotation\.jsonl:1"):
        Reviews(dataset)


@pytest.fixture
def page(dataset: Path) -> Iterator[ReviewPage]:
    suggester = Suggester(DatasetReader(dataset))
    shown = ReviewPage(suggester, suggester.suggestions(), Reviews(dataset))
    thread = threading.Thread(target=shown.run)
    thread.start()
    yield shown
    with suppress(ConnectionError):  # it may be about to end
        if thread.is_alive():
            post(shown, {"finish": True})
    thread.join(10)
    assert not thread.is_alive()


def host(page: ReviewPage) -> str:
    return page.url.removeprefix("http://").rstrip("/")


def get(page: ReviewPage, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host(page))
    connection.request("GET", f"/{path}", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def post(page: ReviewPage, said: object, origin: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host(page))
    headers = {"Origin": origin or f"http://{host(page)}"}
    connection.request("POST", "/decide", json.dumps(said), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_on_the_page_a_person_accepts_corrects_discards_and_takes_back(
    page: ReviewPage, dataset: Path
) -> None:
    assert page.url.startswith("http://127.0.0.1:")
    status, content = get(page, "")
    assert status == 200 and b"<title>Annotate" in content
    state = json.loads(get(page, "state")[1])
    assert state["slots"]["direction"]["left_front"] == "left front"
    assert [one["episode"] for one in state["episodes"]] == [0, 1, 2]
    assert get(page, "picture/0/first")[1].startswith(b"\xff\xd8")
    path = json.loads(get(page, "path/1")[1])
    assert len(path["points"]) == 40 and path["grasp"] < path["release"]
    assert post(page, {"episode": 0, "slots": SLOTS})[0] == 200
    assert post(page, {"episode": 1, "discard": True})[0] == 200
    assert post(page, {"episode": 2, "discard": True})[0] == 200
    answer = json.loads(post(page, {"undo": True})[1])
    assert [one["decided"] for one in answer["episodes"]] == [True, True, False]
    assert Reviews(dataset).decided == {0: SLOTS, 1: None}


def test_the_page_refuses_what_the_task_set_does_not_know(page: ReviewPage) -> None:
    status, reason = post(page, {"episode": 0, "slots": {"object": "bread", "direction": "up"}})
    assert status == 400 and b"up" in reason
    for said in ({"episode": 99, "discard": True}, {"episode": 0}, [], {"episode": "0"}):
        assert post(page, said)[0] == 400
    assert get(page, "picture/99/first")[0] == 404
    assert get(page, "../meta/info.json")[0] == 404


def test_the_page_answers_no_other_site(page: ReviewPage) -> None:
    discard = {"episode": 0, "discard": True}
    assert post(page, discard, origin="http://elsewhere.example")[0] == 403
    assert get(page, "state", Host="elsewhere.example")[0] == 403
    assert not any(one["decided"] for one in json.loads(get(page, "state")[1])["episodes"])


def test_suggestions_are_scored_against_words_that_are_there(dataset: Path) -> None:
    reader = DatasetReader(dataset)
    suggester = Suggester(reader, from_task=True)
    annotate(suggester, suggester.suggestions(), {})
    found = score(Suggester(DatasetReader(dataset), from_task=True, own_words=False))
    assert str(found).startswith("6 of 6 slots right (100.0%)")
    blind = score(Suggester(DatasetReader(dataset), own_words=False))
    assert (blind.right, blind.sure) == (0, 0)


def test_the_command_writes_what_is_sure_and_says_what_is_left(dataset: Path) -> None:
    run = CliRunner().invoke
    result = run(app, ["annotate", str(dataset)])
    assert result.exit_code == 1
    assert "0 of 3 episodes have their words" in result.output
    assert "kinevla annotate" in result.output and "--page" in result.output
    Reviews(dataset).decide(1, None)
    result = run(app, ["annotate", str(dataset), "--from-task"])
    assert result.exit_code == 0, result.output
    assert "2 of 3 episodes have their words" in result.output
    assert "--drop 1" in result.output
    target = dataset.parent / "new"
    assert run(app, ["convert", str(dataset), str(target), "--drop", "1"]).exit_code == 0
    assert run(app, ["check", str(target)]).exit_code == 0
    assert len(DatasetReader(target).episodes) == 2


def test_a_person_works_through_the_page_with_the_keyboard(page: ReviewPage, dataset: Path) -> None:
    errors: list[object] = []
    with chromium() as browser:
        shown = open_page(browser, page.url, DESKTOP, errors)
        text_of(shown, "title", "Episode 0")
        shown.select_option("select[name=object]", "bread")
        shown.select_option("select[name=direction]", "left_front")
        shown.click("button[type=submit]")
        text_of(shown, "title", "Episode 1")
        shown.click("h1")
        shown.keyboard.press("d")
        text_of(shown, "title", "Episode 2")
        shown.keyboard.press("u")
        text_of(shown, "title", "Episode 1")
        text_of(shown, "count", "2 to look at")
        assert shown.locator("#path circle").count() == 2
        assert shown.evaluate("document.getElementById('first').naturalWidth") == 64
        shown.click("#finish")
        shown.wait_for_function("document.body.textContent.includes('Written')")
    assert not errors
    assert Reviews(dataset).decided == {0: SLOTS}


class FakeModel(BaseHTTPRequestHandler):
    """Answers as a chat model would: what the test wants, one answer after the other."""

    answers: ClassVar[list[str]] = []
    asked: ClassVar[list[dict]] = []

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.asked.append(json.loads(self.rfile.read(length)) | {"path": self.path})
        said = self.answers.pop(0) if self.answers else "nothing"
        body = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200 if said != "refuse" else 429)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def endpoint() -> Iterator[str]:
    FakeModel.answers, FakeModel.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeModel)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_what_a_model_says_is_held_against_task_set_and_motion(
    dataset: Path, endpoint: str
) -> None:
    up = json.dumps({"object": "bread", "direction": "up"})
    right = json.dumps(RIGHT.slots())
    FakeModel.answers = ["no JSON", json.dumps(SLOTS), right, up, up]
    suggester = Suggester(DatasetReader(dataset))
    found = ask_model(suggester, endpoint, "some-model", "")
    # Asked again where the answer was none; left out where it stayed so.
    assert found == {0: SLOTS, 1: RIGHT.slots()}
    body = FakeModel.asked[0]
    assert (body["path"], body["model"]) == ("/v1/chat/completions", "some-model")
    kinds = [part["type"] for part in body["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "image_url", "image_url"]
    assert "left_front" in body["messages"][0]["content"][0]["text"]
    FakeModel.answers = [right, right, right]
    wrong = ask_model(suggester, endpoint, "some-model", "")
    sure = {one.episode: one.sure for one in
            Suggester(DatasetReader(dataset), given=wrong).suggestions()}  # fmt: skip
    assert sure == {0: False, 1: True, 2: False}


def test_an_answer_of_a_model_may_stand_in_a_fence_or_among_words(
    dataset: Path, endpoint: str
) -> None:
    slots = json.dumps(SLOTS)
    FakeModel.answers = [f"```json\n{slots}\n```", f"It is {slots}.", slots]
    found = ask_model(Suggester(DatasetReader(dataset)), endpoint, "m", "")
    assert found == {0: SLOTS, 1: SLOTS, 2: SLOTS}


def test_an_endpoint_that_refuses_or_is_not_there_is_named(dataset: Path, endpoint: str) -> None:
    suggester = Suggester(DatasetReader(dataset))
    FakeModel.answers = ["refuse"]
    with pytest.raises(ModelError, match=r"refuses \(429\)"):
        ask_model(suggester, endpoint, "m", "")
    with pytest.raises(ModelError, match="gives no answer"):
        ask_model(suggester, "http://127.0.0.1:9/v1", "m", "")
    with pytest.raises(ModelError, match="no address"):
        ask_model(suggester, "file:///etc/passwd", "m", "")
