"""The policy node says what is wrong with what it sees, and does not move by it."""

from __future__ import annotations

import array
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from fake_cell import GRIPPER, JOINTS, SCENES, compressed
from node_bench import FAILURE, SUCCESS, bench
from pictures import scene
from policy_bench import BREAD, FakePolicy, PolicyBench
from sensor_msgs.msg import CompressedImage, Image

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.synchronisation import joint_states
from kinevla_ros.data.synchronisation.images import picture_topic
from kinevla_ros.data.synchronisation.observation import Arrival, NoObservation, ReceivedObservation
from kinevla_ros.generator import policy as generator_policy
from kinevla_ros.generator.pictures.camera_shift import CameraReference, write_reference
from kinevla_ros.generator.pictures.checks import PictureFault, PictureLimits
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy import camera_watch
from kinevla_ros.nodes.policy import node as policy_module
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.policy.sight import Sight
from kinevla_ros.nodes.ros.images import to_message

SIZE = (96, 128, 3)
DEGREES = np.array([0.0, 90.0, 0.0, 45.0, 0.0, 30.0, 0.0])


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "front.png"
    write_reference(path, SCENES["front"])
    return path


def test_a_reference_that_is_missing_leaves_the_node_unconfigured(tmp_path: Path) -> None:
    with bench({"camera_reference": tmp_path / "none.png"}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == FAILURE
        node_bench.spin_until(
            lambda: "kinevla camera-reference" in str(node_bench.diagnosis("/policy")), "diagnosis"
        )


def test_until_a_first_observation_is_complete_what_is_missing_comes_with_how_to_start_it() -> None:
    values = {"max_observation_age": 0.5, "max_camera_skew": 0.05, "image_transport": "raw"}
    sight = Sight({**values, "camera_reference": ""})
    with pytest.raises(NoObservation, match=r"^no picture .* has come; .*not active yet; .*start"):
        sight.newest()
    now = time.monotonic()
    for camera in CAMERAS:
        image = to_message(SCENES[camera], Time(), "")
        sight.observations.add_image(camera, Arrival(now, now, now), image)
    sight.observations.add_joints(Arrival(now, now, now), np.zeros(7), 0.0)
    sight.newest()
    sight.observations.clear()
    with pytest.raises(NoObservation, match=r"^no picture on [^;]* has come$"):
        sight.newest()


def test_the_verb_writes_the_live_cameras_view_and_nothing_over_it(tmp_path: Path) -> None:
    out = tmp_path / "front.png"
    command = [sys.executable, "-m", "kinevla_ros.cli", "camera-reference", str(out)]
    with bench({}) as node_bench:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        publisher = node_bench.publisher(Image, picture_topic("front", "raw"))
        while process.poll() is None:
            publisher.publish(to_message(SCENES["front"], Time(), ""))
            node_bench.spin_for(0.02)
    assert process.returncode == 0
    assert CameraReference.read(out).shift(SCENES["front"]).pixels == 0
    with pytest.raises(FileExistsError, match="remove it"):
        write_reference(out, SCENES["front"])


@pytest.fixture(scope="module")
def running(reference: Path) -> Iterator[PolicyBench]:
    patch = pytest.MonkeyPatch()
    patch.setattr(generator_policy, "Policy", FakePolicy)
    for module, name in ((camera_watch, "PERIOD"), (policy_module, "COMPLAINT_PERIOD")):
        patch.setattr(module, name, 0.1)
    patch.setattr(joint_states, "MEMORY", 0.2)
    values = {"model": "fake", "chunk_period": 0.1, "min_consistency": 0.5}
    with bench({**values, "camera_reference": reference}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        yield PolicyBench(node_bench)
    patch.undo()


@pytest.fixture
def policy(running: PolicyBench) -> PolicyBench:
    running.reset()
    running.say(BREAD)
    running.expect(Reasoning.OK)
    return running


def expect_refusal(policy: PolicyBench, detail: str) -> None:
    """Refused with that reason, no chunk while it lasts, and motion returns with the cause gone."""
    policy.expect(Reasoning.NO_OBSERVATION, detail)
    policy.expect_no_chunks()
    policy.cell.reset()
    policy.reasonings.clear()
    policy.expect(Reasoning.OK)


@pytest.mark.parametrize(
    ("camera", "picture", "detail"),
    [
        ("wrist", np.zeros(SIZE, np.uint8), "dark"),
        ("front", np.full(SIZE, 255, np.uint8), "burnt out"),
        ("wrist", np.full(SIZE, (180, 60, 90), np.uint8), "one colour"),
        ("front", np.random.default_rng(0).integers(0, 256, SIZE, np.uint8), "noise"),
        ("wrist", np.zeros((1, 1, 3), np.uint8), "1 x 1"),
        ("front", np.zeros((1, 200_000, 3), np.uint8), "200000 x 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_picture_that_shows_nothing_moves_nothing(
    policy: PolicyBench, camera: str, picture: np.ndarray, detail: str
) -> None:
    policy.cell.pictures[camera] = picture
    policy.expect(Reasoning.NO_OBSERVATION, f"{camera} camera: ")
    expect_refusal(policy, detail)


def test_a_picture_frozen_while_the_arm_moves_is_named(policy: PolicyBench) -> None:
    policy.cell.pictures["front"] = np.roll(SCENES["front"], 1, 0)
    policy.cell.joints = JOINTS + 0.1
    policy.expect(Reasoning.NO_OBSERVATION, "wrist camera: the picture has not changed")
    policy.expect_no_chunks()
    policy.cell.pictures = {camera: np.roll(p, 2, 0) for camera, p in SCENES.items()}
    policy.reasonings.clear()
    policy.expect(Reasoning.OK)


def test_pictures_that_stay_the_same_while_the_arm_rests_are_followed(policy: PolicyBench) -> None:
    policy.chunks.clear()
    policy.bench.spin_until(lambda: len(policy.chunks) > 5, "chunks")
    assert {r.status for r in policy.reasonings} <= {Reasoning.ACCEPTED, Reasoning.OK}


def test_an_idle_policy_shows_on_diagnostics_what_it_will_not_be_able_to_use(
    policy: PolicyBench,
) -> None:
    policy.say("stop")
    policy.cell.pictures["wrist"] = np.zeros(SIZE, np.uint8)
    policy.bench.spin_until(
        lambda: (
            "wrist camera: the picture is dark"
            in str(policy.bench.diagnosis("/policy: observation"))
        ),
        "diagnosis",
    )


@pytest.mark.parametrize(
    ("joints", "gripper", "detail"),
    [
        (JOINTS, 714.0, "714 looks like the vendor's 0 to 1000"),
        (JOINTS, 50.0, "gripper is 50: metres are expected, 0 to 0.07"),
        (DEGREES, GRIPPER, "joint2 is 90: rad are expected, -2.27 to 2.27; 90 looks like degrees"),
    ],
)
def test_joint_states_in_other_units_move_nothing(
    policy: PolicyBench, joints: np.ndarray, gripper: float, detail: str
) -> None:
    policy.cell.joints, policy.cell.gripper = joints, gripper
    expect_refusal(policy, detail)


def test_a_joint_that_is_there_twice_moves_nothing(policy: PolicyBench) -> None:
    policy.cell.doubled = ("joint1",)
    expect_refusal(policy, "names joint1 more than once")


@pytest.mark.parametrize(
    ("stamp", "detail"),
    [
        (lambda _: Time(), "carries no time (its stamp is zero)"),
        (lambda s: Time(sec=s.sec % 10_000, nanosec=s.nanosec), "the device's own clock"),
        (
            lambda s: Time(sec=s.sec + 8 * 3600, nanosec=s.nanosec),
            "8.00 h ahead of this computer's clock, as by a time zone",
        ),
    ],
)
def test_stamps_of_another_clock_are_named_as_what_they_are(
    policy: PolicyBench, stamp: object, detail: str
) -> None:
    policy.cell.stamp = stamp
    expect_refusal(policy, detail)


def test_a_front_camera_that_has_moved_moves_nothing_until_it_is_back(policy: PolicyBench) -> None:
    front = SCENES["front"]
    policy.cell.pictures["front"] = np.roll(front, 3, 1)
    policy.bench.spin_until(
        lambda: (
            "shifted by 8 px" in str(policy.bench.diagnosis("/policy: front camera"))
            or "shifted by 7 px" in str(policy.bench.diagnosis("/policy: front camera"))
        ),
        "warning",
    )
    policy.reasonings.clear()
    policy.expect(Reasoning.OK)
    policy.cell.pictures["front"] = np.roll(front, 12, 1)
    expect_refusal(policy, "since camera_reference was taken")


def test_a_view_that_cannot_be_compared_is_a_warning_and_in_the_end_no_motion(
    policy: PolicyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy.cell.pictures["front"] = scene(9, *SIZE[:2])
    policy.bench.spin_until(
        lambda: "too little in common" in str(policy.bench.diagnosis("/policy: front camera")),
        "warning",
    )
    policy.reasonings.clear()
    policy.expect(Reasoning.OK)
    monkeypatch.setattr(camera_watch, "TRUST", 0.2)
    expect_refusal(policy, "too little in common")


def oversized_png(side: int) -> CompressedImage:
    """A small PNG whose header promises a square of that side."""
    picture = compressed(SCENES["front"], ".png", "rgb8; png compressed bgr8")
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    header = chunk + struct.pack(">I", zlib.crc32(chunk))
    picture.data[12 : 12 + len(header)] = array.array("B", header)
    return picture


@pytest.mark.parametrize(
    "message",
    [oversized_png(15_000), Image(height=15_000, width=15_000, encoding="rgb8", step=45_000)],
    ids=["png", "raw"],
)
def test_a_picture_too_large_is_refused_before_it_is_decoded(
    message: Image | CompressedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("decoded"))
    seen = ReceivedObservation(0.0, Time(), {"front": message}, JOINTS, GRIPPER, PictureLimits())
    with pytest.raises(PictureFault, match="front camera: a picture is 15000 x 15000"):
        _ = seen.images
