"""The recorder node: what goes over DDS is in the bag, in order, and becomes a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mcap_ros2")

import rclpy
from cameras_and_arm import CamerasAndArm
from mcap.reader import make_reader
from message_builds import message_package
from node_bench import FAILURE, SUCCESS, Bench, bench
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message
from std_srvs.srv import SetBool, Trigger
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.convert.bag_frames import synchronise
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.recording.bag import Bag
from kinevla_ros.data.recording.folders import FILE_NAME
from kinevla_ros.data.recording.topics import recorded_topics
from kinevla_ros.msg import RecordStatus
from kinevla_ros.nodes.recorder import listening as listening_module
from kinevla_ros.nodes.recorder.definitions import definition_of, message_class
from kinevla_ros.nodes.recorder.listening import Listening
from kinevla_ros.nodes.recorder.node import RecorderNode

SAID = "pick up the bread and move it to the left front"
FRONT, WRIST = (f"/camera/{name}/color/image_raw" for name in ("front", "wrist"))


class Recording:
    """A recorder, and cameras and an arm that it records."""

    def __init__(self, graph: Bench, root: Path) -> None:
        self.graph, self.root = graph, root
        self.node = graph.add(RecorderNode)
        self.robot = CamerasAndArm(graph.client)
        self.statuses: list[RecordStatus] = graph.record(RecordStatus, "record/status")
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS
        self.ready()

    def ready(self) -> None:
        """Wait until all that is published is listened to, and has a rate."""
        heard = self.robot.heard
        wanted = [FRONT, WRIST, "/joint_states", "/kinevla/joint_targets", "/instruction"]
        self.graph.spin_until(lambda: all(map(heard, wanted)), "subscriptions")
        self.graph.spin_until(lambda: self.statuses and not self.status.waits_for, "all topics")

    @property
    def status(self) -> RecordStatus:
        return self.statuses[-1]

    def call(self, name: str, data: bool | None = None) -> Trigger.Response:
        kind = Trigger if data is None else SetBool
        request = Trigger.Request() if data is None else SetBool.Request(data=data)
        return self.graph.call(kind, f"record/{name}", request)

    def episode(self, seconds: float = 1.0, success: bool = True) -> Path:
        """Record one; returns its folder."""
        assert self.call("start").success
        self.graph.spin_for(seconds)
        done = self.call("stop", success)
        assert done.success, done.message
        return self.root / done.message.partition(":")[0]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with bench({"folder": tmp_path / "bags", "least_free": 1}) as graph:
        yield Recording(graph, tmp_path / "bags")


def stored(folder: Path) -> list[tuple[str, bytes]]:
    with (folder / FILE_NAME).open("rb") as file:
        return [(c.topic, m.data) for _, c, m in make_reader(file).iter_messages()]


def test_what_is_sent_is_in_the_bag_whole_and_in_order(recording: Recording) -> None:
    found = stored(recording.episode(2.0))
    for topic in (FRONT, WRIST, "/joint_states", "/kinevla/joint_targets"):
        sent = [m for name, m in recording.robot.sent if name == topic]
        ours = [deserialize_message(data, type(sent[0])) for name, data in found if name == topic]
        assert len(ours) > 15
        (first,) = (place for place, message in enumerate(sent) if message == ours[0])
        same = [a == b for a, b in zip(ours, sent[first:], strict=False)]
        assert all(same)


def test_a_bag_is_read_by_another_library(recording: Recording) -> None:
    rosbags = pytest.importorskip("rosbags.highlevel")
    recording.robot.say(SAID)
    folder = recording.episode()
    with rosbags.AnyReader([folder]) as reader:
        assert reader.message_count == len(stored(folder))
        for connection, _, data in reader.messages():
            assert reader.deserialize(data, connection.msgtype) is not None
        types = {connection.topic: connection.msgtype for connection in reader.connections}
        offers = {c.topic: c.ext.offered_qos_profiles for c in reader.connections}
    assert types[FRONT] == "sensor_msgs/msg/Image"
    assert types["/kinevla/safety_status"] == "kinevla_ros/msg/SafetyStatus"
    assert "*id" not in (folder / "metadata.yaml").read_text()  # references
    (offer,) = offers["/kinevla/safety_status"]
    assert offer.durability.name == "TRANSIENT_LOCAL"


def test_frames_are_in_the_bag_where_tf2_msgs_is(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    messages = message_package("tf2_msgs", request.config)
    with bench({"folder": tmp_path / "bags", "least_free": 1}) as graph:
        recording = Recording(graph, tmp_path / "bags")
        frames = graph.client.create_publisher(messages.TFMessage, "/tf", 10)
        timer = graph.client.create_timer(0.05, lambda: frames.publish(messages.TFMessage()))
        graph.spin_until(frames.get_subscription_count, "the recorder listens to /tf")
        found = [data for name, data in stored(recording.episode()) if name == "/tf"]
        timer.cancel()
    assert len(found) > 5
    assert deserialize_message(found[0], messages.TFMessage) == messages.TFMessage()


def test_the_metadata_says_what_was_asked_with_what_and_how_it_ended(recording: Recording) -> None:
    recording.robot.say(SAID)
    recording.graph.spin_until(lambda: recording.status.instruction == SAID, "instruction")
    stated = Bag(recording.episode(success=False)).stated
    assert stated["instruction"] == SAID
    assert stated["verdict"] == "failure"
    assert stated["task_set"] == "kine_realman"
    assert len(stated["task_set_sha256"]) == 64
    assert "kinevla_ros" in stated["versions"]
    assert stated["teaching"] == "targets"
    given = Parameter("instruction", value="bring the bread")
    assert recording.node.set_parameters([given])[0].successful
    assert Bag(recording.episode()).stated["instruction"] == "bring the bread"


def test_calibration_and_the_instruction_of_before_are_in_every_bag(recording: Recording) -> None:
    recording.robot.say(SAID)
    recording.robot.mute |= {"/camera/front/color/camera_info"}
    recording.graph.spin_until(lambda: recording.status.instruction, "instruction")
    topics = {topic for topic, _ in stored(recording.episode(0.3))}
    assert {"/camera/front/color/camera_info", "/instruction", "/kinevla/safety_status"} <= topics


def test_without_a_camera_nothing_starts_and_it_is_named(recording: Recording) -> None:
    recording.robot.mute.add(WRIST)
    recording.graph.spin_until(lambda: list(recording.status.waits_for) == [WRIST], "silence")
    answer = recording.call("start")
    assert not answer.success
    assert WRIST in answer.message
    diagnosis = recording.graph.diagnosis
    recording.graph.spin_until(lambda: WRIST in diagnosis("/recorder").message, "diagnosis")
    recording.robot.mute.clear()
    recording.ready()
    assert recording.episode().is_dir()


def test_what_is_pressed_at_the_wrong_time_is_refused_and_the_node_lives(
    recording: Recording,
) -> None:
    assert "start an episode first" in recording.call("stop", True).message
    assert "start an episode first" in recording.call("discard").message
    assert recording.call("start").success
    assert "is being recorded" in recording.call("start").message
    assert "discarded" in recording.call("discard").message
    assert list(recording.root.glob("episode*")) == []
    assert recording.episode().name == "episode_0001"


def test_the_status_shows_rates_gaps_skew_and_room(recording: Recording) -> None:
    assert recording.call("start").success
    recording.graph.spin_for(2.5)
    recording.graph.spin_until(lambda: recording.status.seconds > 2, "two seconds")
    status = recording.status
    topics = {topic.name: topic for topic in status.topics}
    assert status.episode == "episode_0001"
    assert status.size > 1_000_000
    assert status.free > 0
    assert topics[FRONT].messages > 15
    assert topics[FRONT].rate == pytest.approx(15, abs=8)
    assert status.skew == pytest.approx(0.0, abs=0.03)
    recording.call("stop", True)


def test_a_node_that_is_deactivated_keeps_the_episode_as_a_failure(recording: Recording) -> None:
    assert recording.call("start").success
    recording.graph.spin_for(0.5)
    assert recording.node.trigger_deactivate() == SUCCESS
    (folder,) = recording.root.glob("episode*")
    assert Bag(folder).stated["verdict"] == "failure"
    assert not recording.call("start").success
    assert recording.node.trigger_activate() == SUCCESS
    recording.ready()
    assert recording.episode().name == "episode_0002"


def test_a_task_set_that_is_none_or_a_folder_in_use_refuses_to_configure(tmp_path: Path) -> None:
    wrong = tmp_path / "tasks.yaml"
    wrong.write_text("name: 3")
    with bench({"folder": tmp_path / "bags", "tasks": wrong}) as graph:
        node = graph.add(RecorderNode)
        assert node.trigger_configure() == FAILURE
        graph.spin_until(lambda: "tasks.yaml" in str(graph.diagnosis("/recorder")), "diagnosis")


def test_every_definition_of_what_is_recorded_is_found() -> None:
    kinds = {kind.type for way in ("raw", "compressed") for kind in recorded_topics(way)}
    for name in kinds - {"tf2_msgs/msg/TFMessage"}:  # not on every computer
        assert message_class(name) is not None
        text = definition_of(name)
        assert "float" in text or "string" in text or "uint8" in text
    assert message_class("nobodys_msgs/msg/Nothing") is None
    assert "MSG: std_msgs/Header" in definition_of("sensor_msgs/msg/Image")
    assert "MSG: kinevla_ros/MissingSlot" in definition_of("kinevla_ros/msg/Question")
    with pytest.raises(ModuleNotFoundError):
        definition_of("nobodys_msgs/msg/Nothing")


def test_a_topic_without_its_definition_is_named_and_the_others_are_recorded(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        if name == "sensor_msgs/msg/CameraInfo":
            raise FileNotFoundError("the definition is missing")
        return definition_of(name)

    monkeypatch.setattr(listening_module, "definition_of", missing)
    problems: list[str] = []
    kinds = [kind for kind in recorded_topics("raw") if not kind.everywhere]
    listening = Listening(recording.graph.client, kinds, lambda *_: None, problems.append)
    listening.look()
    listening.look()
    assert len(problems) == 2
    assert "camera_info is not recorded: the definition is missing" in problems[0]
    assert len(listening._found) > 3
    listening.close()


def test_what_was_recorded_becomes_a_dataset_of_the_same_frames(
    recording: Recording, tmp_path: Path
) -> None:
    robot = recording.robot
    robot.say(SAID)
    recording.graph.spin_until(lambda: recording.status.instruction == SAID, "instruction")
    folder = recording.episode(3.0)
    target = tmp_path / "dataset"
    run = CliRunner().invoke
    result = run(app, ["convert", str(recording.root), str(target)])
    assert result.exit_code == 0, result.output
    reader = DatasetReader(target)
    assert {entry.instruction for entry in reader.episodes} == {SAID}
    stretches, _ = synchronise(Bag(folder), "targets")
    seen = [frame.observation for stretch in stretches for frame in stretch.seen]
    # Nothing was invented between DDS and dataset.
    states = np.array([np.append(o.joints, o.gripper) for o in seen])
    for state in reader.frames["observation.state"]:
        assert np.abs(states - state).max(axis=1).min() < 1e-6
    sent = [message for topic, message in robot.sent if topic == "/joint_states"]
    measured = np.array([message.position for message in sent])
    assert np.abs(measured[:, None] - states[None]).max(axis=2).min(axis=0).max() < 1e-9
    assert sum(entry.length for entry in reader.episodes) >= 20
    assert run(app, ["annotate", str(target), "--from-task"]).exit_code in (0, 1)


def test_what_was_recorded_says_where_a_person_led(recording: Recording, tmp_path: Path) -> None:
    robot, graph = recording.robot, recording.graph
    robot.say(SAID)
    graph.spin_until(lambda: recording.status.instruction == SAID, "instruction")
    assert recording.call("start").success
    graph.spin_for(1.0)
    robot.takeover = True
    graph.spin_for(2.0)
    robot.takeover = False
    graph.spin_for(1.0)
    assert recording.call("stop", True).success
    target = tmp_path / "corrections"
    words = ["convert", str(recording.root), str(target), "--only", "takeover"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    frames = sum(entry.length for entry in DatasetReader(target).episodes)
    assert 10 <= frames <= 22


def test_in_a_namespace_and_remapped_the_topics_of_that_arm_are_recorded_by_their_plain_names(
    recording: Recording,
) -> None:
    remap = ["--ros-args", "-r", "camera/front/color/image_raw:=/cam0/image"]
    node = rclpy.create_node("listener", namespace="left", cli_args=remap)
    try:
        kinds = recorded_topics("compressed")
        listening = Listening(node, kinds, lambda *_: None, lambda _: None)
        names = {kind.name: name for kind, name in listening._names.items()}
    finally:
        node.destroy_node()
    assert names["/camera/front/color/image_raw/compressed"] == "/cam0/image/compressed"
    assert names["/joint_states"] == "/left/joint_states"
    assert names["/kinevla/action_chunk"] == "/left/kinevla/action_chunk"
    assert names["/diagnostics"] == "/diagnostics"
