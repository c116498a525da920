"""A converted OpenVLA in the policy node, from picture to chunk; small, and on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("onnxscript")

from fake_cell import JOINTS, FakeCell
from node_bench import SUCCESS, Bench, bench
from pictures import scene
from shipped_tasks import parse_instruction, parse_reasoning
from small_openvla import REACH, small_openvla
from std_msgs.msg import String

from kinevla_ros.base.observation import Observation
from kinevla_ros.generator import decoding_backend
from kinevla_ros.generator import policy as generator_policy
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.ros.messages import Stamps, chunk_from_message

CARROT = "hold the carrot by the upper part and place it on the right side of the plate"
IMAGES = {camera: scene(n, 96, 128) for n, camera in enumerate(("front", "wrist"))}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_openvla(tmp_path_factory.mktemp("openvla"), CARROT, IMAGES)


@pytest.fixture(params=[False, True], ids=["plain", "engine"])
def running(
    request: pytest.FixtureRequest, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setattr(decoding_backend, "wants_engine", lambda _: request.param)
    # Weights at random tell nothing of the words.
    parameters = {"image_transport": "compressed", "min_consistency": 0.0}
    with bench({"model": checkpoint, **parameters}) as node_bench:
        node = node_bench.add(PolicyNode)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        yield node_bench


def test_pictures_become_the_words_and_a_chunk(running: Bench) -> None:
    reasonings = running.record(Reasoning, "/kinevla/reasoning")
    chunks = running.record(ActionChunkMessage, "/kinevla/action_chunk")
    cell = FakeCell(running, IMAGES, "compressed")
    running.publisher(String, "/instruction").publish(String(data=CARROT))
    running.spin_until(lambda: len(chunks) >= 3, "chunks")
    assert {r.status for r in reasonings} == {Reasoning.ACCEPTED, Reasoning.OK}
    assert reasonings[-1].draft_accepted
    written = parse_reasoning(reasonings[-1].goal, reasonings[-1].kinematics)
    assert written == parse_instruction(CARROT)
    chunk = chunk_from_message(chunks[-1], Stamps(running.client.get_clock()))
    assert np.abs(chunk.positions - JOINTS).max() < REACH
    cell.cut = 100
    running.spin_until(lambda: reasonings[-1].status != Reasoning.OK, "complaint")
    assert "damaged" in reasonings[-1].detail


def test_both_decoders_give_the_same_chunk_to_the_models_words_and_to_an_operators(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Override.naming(parse_instruction(CARROT))
    found, seen = set(), Observation(IMAGES, JOINTS, 0.05, 1.0)
    for engine in (False, True):
        monkeypatch.setattr(decoding_backend, "wants_engine", lambda _, chosen=engine: chosen)
        policy = generator_policy.Policy(checkpoint)
        for override in (None, None, said):
            given = policy.infer(CARROT, seen, override, consistency=True)
            assert np.isfinite(given.consistency)
            found.add((given.goal, given.kinematics, given.goal_codes, given.kinematics_codes))
    assert len(found) == 1
