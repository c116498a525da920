"""A policy over a websocket, in OpenPI's protocol: ours for its clients, its servers for ours."""

from __future__ import annotations

import http.client
import math
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from openpi import openpi_client

pytest.importorskip("msgpack")
pytest.importorskip("websockets")

from foreign_policy import ACTIONS, HOME, METADATA, foreign, listening
from websockets.exceptions import InvalidStatus
from websockets.server import ServerProtocol
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.serving import client
from kinevla_ros.serving.client import RemotePolicy
from kinevla_ros.serving.dictionaries import ACTION_SPACE, observation_from_dictionary
from kinevla_ros.serving.errors import RemotePolicyError
from kinevla_ros.serving.server import PolicyServer, Serves
from kinevla_ros.serving.wire import WireError, pack, unpack

PICTURE = np.arange(240 * 320 * 3, dtype=np.uint8).reshape(240, 320, 3)
SEEN = Observation({"front": PICTURE, "wrist": PICTURE}, HOME, 0.03, 12.5)
SENT = {
    "observation/image": PICTURE,
    "observation/wrist_image": PICTURE,
    "observation/state": np.append(HOME, 0.03),
    "prompt": "take the bread",
}


class Stay:
    """Stays where the arm is; does not understand `coffee`, breaks on `bug`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Observation]] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def infer(self, instruction: str, seen: Observation) -> Inference:
        self.seen.append((instruction, seen))
        if instruction == "coffee":
            raise NotUnderstood("say for example: take the bread")
        if instruction == "bug":
            raise KeyError("lost")
        chunk = ActionChunk(seen.stamp, 1, np.tile(seen.joints, (5, 1)), np.full(5, seen.gripper))
        words = {"goal": "to the front", "kinematics": "slowly"}
        return Inference(
            1, seen.stamp, instruction, **words, goal_codes=(), kinematics_codes=(),
            draft_accepted=False, passes=1, model_time=0.01, chunk=chunk, consistency=math.nan,
        )  # fmt: skip


@pytest.fixture
def stay() -> Stay:
    return Stay()


@contextmanager
def running(policy: Serves, port: int = 0) -> Iterator[PolicyServer]:
    server = PolicyServer(policy, port=port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.close()
    thread.join()


@pytest.fixture
def server(stay: Stay) -> Iterator[PolicyServer]:
    with running(stay) as server:
        yield server


@pytest.fixture(scope="module")
def openpi(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return openpi_client(tmp_path_factory.mktemp("openpi"))


@pytest.mark.parametrize(("ci", "outcome"), [("", "Skipped"), ("true", "Failed")])
def test_without_openpis_client_tests_are_skipped_and_fail_in_continuous_integration(
    ci: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    no_network = subprocess.CompletedProcess([], 1, stderr="no network")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: no_network)
    monkeypatch.setitem(sys.modules, "openpi_client", None)
    monkeypatch.setitem(sys.modules, "openpi_client.websocket_client_policy", None)
    with pytest.raises(BaseException, match="cannot be fetched here") as ended:
        openpi_client(tmp_path)
    assert type(ended.value).__name__ == outcome


def accepted(listener: socket.socket) -> socket.socket:
    """A connection whose other end has sent its metadata and does nothing more."""
    connection = listener.accept()[0]
    protocol = ServerProtocol()
    protocol.receive_data(connection.recv(4096))
    protocol.send_response(protocol.accept(protocol.events_received()[0]))
    protocol.send_binary(pack(METADATA))
    connection.sendall(b"".join(protocol.data_to_send()))
    return connection


class TestWire:
    @given(
        arrays(
            st.sampled_from([np.uint8, np.float32, np.float64, np.int64, np.bool_]),
            st.tuples(st.integers(0, 3), st.integers(0, 3)),
        )
    )
    def test_an_array_comes_back_as_it_went(self, array: np.ndarray) -> None:
        back = unpack(pack({"x": [array, array.dtype.type(1)]}))["x"]
        assert back[0].dtype == array.dtype
        np.testing.assert_array_equal(back[0], array)
        assert back[1] == 1

    @given(st.binary(max_size=200))
    def test_bytes_that_are_no_message_are_a_wire_error_and_nothing_else(self, data: bytes) -> None:
        with suppress(WireError):
            unpack(data)

    @pytest.mark.parametrize(
        "changed",
        [
            {b"dtype": "|O"},
            {b"dtype": "x"},
            {b"dtype": "<f3"},
            {b"dtype": 8},
            {b"shape": [10**12]},
            {b"shape": "x"},
            {b"data": 7},
            {b"__npgeneric__": True, b"dtype": "|i1", b"data": 10**9},
        ],
        ids=range(8),
    )
    def test_a_malformed_array_is_refused(self, changed: dict) -> None:
        array = {b"__ndarray__": True, b"data": b"\0" * 8, b"dtype": "<f8", b"shape": [1]}
        with pytest.raises(WireError):
            unpack(pack(array | changed))


class TestOurServer:
    def test_openpis_client_gets_metadata_first_and_then_actions(
        self, openpi: ModuleType, server: PolicyServer, stay: Stay
    ) -> None:
        policy = openpi.WebsocketClientPolicy(server.url)
        assert policy.get_server_metadata()["actions"] == ACTION_SPACE
        answer = policy.infer(SENT)
        np.testing.assert_allclose(answer["actions"], ACTIONS)
        assert answer["goal"] == "to the front"
        instruction, seen = stay.seen[0]
        assert instruction == "take the bread"
        np.testing.assert_array_equal(seen.images["wrist"], PICTURE)

    def test_the_shipped_policy_answers_openpis_client_as_it_answers_us(
        self, openpi: ModuleType
    ) -> None:
        policy = Policy(resource_path("models", "kinevla-tiny"))
        words = "pick up the bread and move it to the front"
        seen = observation_from_dictionary(SENT, 0.0)[1]
        own = policy.infer(words, seen).chunk
        with running(policy) as server:
            answer = openpi.WebsocketClientPolicy(server.url).infer(SENT | {"prompt": words})
        np.testing.assert_array_equal(answer["actions"][:, :7], own.positions)
        np.testing.assert_array_equal(answer["actions"][:, 7], own.gripper)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"prompt": "coffee"}, "say for example"),
            ({"prompt": "bug"}, "KeyError"),
            ({"prompt": 7}, "a text"),
            ({"observation/state": np.zeros(7)}, r"has shape \(7,\)"),
            ({"observation/state": np.degrees(ACTIONS[0])}, "looks like"),
            ({"observation/state": "home"}, "no numbers"),
            ({"observation/image": PICTURE.astype(np.float32)}, "float32"),
        ],
    )
    def test_what_it_cannot_use_is_answered_in_words_and_the_next_is_served(
        self, openpi: ModuleType, server: PolicyServer, changed: dict, said: str
    ) -> None:
        policy = openpi.WebsocketClientPolicy(server.url)
        with pytest.raises(RuntimeError, match=said):
            policy.infer(SENT | changed)
        assert policy.infer(SENT)["actions"].shape == (5, 8)

    def test_a_missing_key_is_named_with_those_that_are_there(
        self, openpi: ModuleType, server: PolicyServer
    ) -> None:
        policy = openpi.WebsocketClientPolicy(server.url)
        with pytest.raises(RuntimeError, match='"observation/image" is missing; there is image'):
            policy.infer({"image": PICTURE})

    def test_bytes_that_are_no_message_harm_nobody(
        self, openpi: ModuleType, server: PolicyServer
    ) -> None:
        with connect(server.url) as rude:
            rude.recv()
            for message in (b"\xc1", b"", "text", pack([1, 2])):
                rude.send(message)
                assert isinstance(rude.recv(timeout=5), str)
        assert openpi.WebsocketClientPolicy(server.url).infer(SENT)

    def test_each_client_begins_with_a_policy_that_remembers_nothing(
        self, server: PolicyServer, stay: Stay
    ) -> None:
        one, other = RemotePolicy(server.url), RemotePolicy(server.url)
        for policy in (one, one, other, one):
            policy.infer("take the bread", SEEN)
        assert stay.resets == 3
        one.close()
        other.close()

    def test_a_page_in_a_browser_is_refused(self, server: PolicyServer) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            connect(server.url, origin="http://example.org")

    def test_it_says_that_it_is_there(self, server: PolicyServer) -> None:
        asked = http.client.HTTPConnection(server.url.removeprefix("ws://"), timeout=5)
        asked.request("GET", "/healthz")
        assert asked.getresponse().read() == b"OK\n"


class TestAnothersPolicy:
    def test_its_actions_become_a_chunk_of_the_observations_time(self) -> None:
        asked = []

        def answer(question: Any) -> Any:
            asked.append(question)
            return {"actions": np.tile(ACTIONS, (2, 1)).astype(np.float32)}

        with foreign(answer) as url:
            policy = RemotePolicy(url)
            first, second = (policy.infer("do it", SEEN) for _ in range(2))
            policy.close()
        np.testing.assert_allclose(first.chunk.positions, ACTIONS[:, :7], atol=1e-6)
        assert (first.stamp, first.sequence, second.sequence) == (12.5, 1, 2)
        assert asked[0]["prompt"] == "do it"
        assert asked[0]["observation/image"].shape == (240, 320, 3)

    def test_ours_sends_its_words_too(self, server: PolicyServer) -> None:
        policy = RemotePolicy(server.url)
        policy.warm_up()
        assert policy.infer("take the bread", SEEN).kinematics == "slowly"
        policy.close()

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"actions": ACTIONS[:, :7]}, r"shape \(5, 7\); this arm needs \(5 or more, 8\)"),
            ({"actions": ACTIONS[:4]}, r"shape \(4, 8\)"),
            ({"actions": ACTIONS[0]}, "output transform"),
            ({"actions": ACTIONS * np.nan}, "NaN"),
            ({"actions": "up"}, "no numbers"),
            ({"action": ACTIONS}, '"actions" is missing; there is action'),
            ([1, 2], "not a dictionary"),
            (b"\xc1", "no message"),
            ("Traceback\nValueError: no such key", "answers: ValueError: no such key"),
        ],
        ids=range(9),
    )
    def test_an_answer_that_does_not_fit_is_no_chunk_and_names_the_fix(
        self, answer: Any, said: str
    ) -> None:
        with foreign(lambda _: answer) as url:
            policy = RemotePolicy(url)
            with pytest.raises(RemotePolicyError, match=said):
                policy.infer("do it", SEEN)
            policy.close()

    @pytest.mark.parametrize(
        ("metadata", "given", "said"),
        [
            ({}, "", "Set policy_actions to absolute"),
            ({"actions": ACTION_SPACE | {"dt": 0.05}}, "absolute", "dt is 0.05, not 0.1"),
            ({"actions": {"reference": "delta"}}, "absolute", "reference is 'delta'"),
            ("hello", "absolute", "not metadata"),
        ],
        ids=range(4),
    )
    def test_actions_that_mean_something_else_are_refused_before_any_is_asked_for(
        self, metadata: Any, given: str, said: str
    ) -> None:
        asked: list[Any] = []
        with foreign(asked.append, metadata) as url:
            policy = RemotePolicy(url, given)
            with pytest.raises(RemotePolicyError, match=said):
                policy.infer("do it", SEEN)
            policy.close()
        assert not asked

    def test_a_server_that_says_nothing_of_its_actions_is_believed_its_user(self) -> None:
        with foreign(lambda _: {"actions": ACTIONS}, {"reset_pose": [0] * 8}) as url:
            policy = RemotePolicy(url, "absolute")
            assert policy.infer("do it", SEEN).sequence == 1
            policy.close()

    def test_a_late_answer_is_never_that_to_a_later_observation(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.3)
        late, delays = threading.Event(), iter([5.0, 0.0])

        def answer(question: Any) -> Any:
            late.wait(next(delays))
            return {"actions": ACTIONS + 0.01 * question["observation/state"][0]}

        with foreign(answer) as url:
            policy = RemotePolicy(url)
            with pytest.raises(RemotePolicyError, match="does not answer in time"):
                policy.infer("do it", SEEN)
            late.set()
            turned = Observation(SEEN.images, HOME + 1.0, 0.03, 13.0)
            given = policy.infer("do it", turned)
            policy.close()
        assert given.chunk.positions[0, 0] == pytest.approx(0.01)

    def test_a_server_that_stops_reading_gives_no_chunk(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.5)
        large = np.zeros((3000, 4000, 3), np.uint8)  # more than the system keeps on the way
        with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as frozen:
            accepting = threading.Thread(target=lambda: frozen.enter_context(accepted(listener)))
            accepting.start()
            policy = RemotePolicy("ws://127.0.0.1:{1}".format(*listener.getsockname()))
            with pytest.raises(RemotePolicyError, match="Is the policy server"):
                policy.infer("do it", Observation(dict.fromkeys(SEEN.images, large), HOME, 0, 1))
            policy.close()
            accepting.join()

    def test_two_answers_to_one_question_are_no_chunk(self) -> None:
        def talk(connection: ServerConnection) -> None:
            connection.send(pack(METADATA))
            for _ in connection:
                for _ in range(2):
                    connection.send(pack({"actions": ACTIONS}))

        with listening(talk) as url:
            policy = RemotePolicy(url)
            policy.infer("do it", SEEN)
            with pytest.raises(RemotePolicyError, match="was not asked"):
                for _ in range(3):
                    time.sleep(0.1)
                    policy.infer("do it", SEEN)
            policy.close()

    def test_a_server_that_dies_gives_no_chunk_and_is_found_again(self) -> None:
        with foreign(lambda _: {"actions": ACTIONS}) as url:
            policy = RemotePolicy(url)
            policy.infer("do it", SEEN)
        for _ in range(2):
            with pytest.raises(RemotePolicyError, match="Is the policy server running"):
                policy.infer("do it", SEEN)
        port = int(url.rpartition(":")[2])
        with running(Stay(), port):
            assert policy.infer("do it", SEEN).sequence == 2
            policy.close()

    def test_a_server_that_answers_in_words_and_hangs_up_is_asked_again(self) -> None:
        def talk(connection: ServerConnection) -> None:
            connection.send(pack(METADATA))
            for message in connection:
                if unpack(message)["prompt"] == "bug":
                    connection.send("Traceback: lost")
                    return  # as OpenPI's own server does
                connection.send(pack({"actions": ACTIONS}))

        with listening(talk) as url:
            policy = RemotePolicy(url)
            with pytest.raises(RemotePolicyError, match="lost"):
                policy.infer("bug", SEEN)
            time.sleep(0.2)
            assert policy.infer("do it", SEEN).sequence == 1
            policy.close()

    def test_words_cannot_be_put_in_the_place_of_its_own(self) -> None:
        with pytest.raises(RemotePolicyError, match="takes no words"):
            RemotePolicy("ws://127.0.0.1:1").infer("do it", SEEN, object())

    @pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:8000", "ws://", "nonsense"])
    def test_a_url_that_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="give one such as ws://"):
            RemotePolicy(url)

    @pytest.mark.parametrize("host", ["192.168.1.7", "lab.example", "0.0.0.0", "[fe80::1]"])
    def test_another_machine_is_refused_unless_it_is_asked_for(self, host: str) -> None:
        url = f"ws://{host}:8000"
        with pytest.raises(ValueError, match="Set policy_url_anywhere"):
            RemotePolicy(url)
        assert RemotePolicy(url, anywhere=True).url == url

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
    def test_this_machine_is_taken(self, host: str) -> None:
        assert RemotePolicy(f"ws://{host}:8000")
