"""A policy that drives in the place of the demonstrator; no LIBERO is needed."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from shipped_tasks import TASKS

from kinevla_ros.data.episode import Frame
from kinevla_ros.data.lerobot.schema import CHUNK
from kinevla_ros.evaluation.libero import corrections
from kinevla_ros.evaluation.libero.corrections import OWN_STEPS, POLICY_STEPS, PolicyRecorder
from kinevla_ros.evaluation.libero.rollout import gripper_command
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.sim.libero import collect
from kinevla_ros.sim.libero.world import LIBERO_SPACE

OWN, POLICY = 0.5, -0.25
STEPS = 3 * (OWN_STEPS + POLICY_STEPS)
COMMAND = TASKS[0]


class StandIn:
    """World and policy in one."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.done = fails, []
        self.data = self
        self.qpos = np.zeros(3)

    def state(self) -> np.ndarray:
        return np.zeros(7, np.float32)

    def render(self, positions: object = None) -> dict[str, np.ndarray]:
        return {name: np.zeros((4, 4, 3), np.uint8) for name in LIBERO_SPACE.cameras}

    def step(self, action: np.ndarray) -> None:
        self.done.append(action)

    def reset(self) -> None:
        pass

    def infer(self, *_: object) -> Any:
        if self.fails:
            raise GenerationError("nothing")
        self.actions = np.full((POLICY_STEPS, 7), POLICY)
        return self


def recorded(monkeypatch, stand_in: StandIn, command: np.ndarray, tried: int = 0):
    monkeypatch.setattr(collect, "scene_vector", lambda _: np.zeros(32, np.float32))
    world = cast(Any, stand_in)
    recorder = PolicyRecorder(world, world, np.random.default_rng(0), 0.0, "say", tried)
    for _ in range(STEPS):
        recorder.act(command)
    return recorder


def moving() -> np.ndarray:
    return np.array([OWN, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])


def test_the_policy_drives_for_a_chunk_and_the_labels_stay_the_demonstrators(monkeypatch) -> None:
    world = StandIn()
    recorder = recorded(monkeypatch, world, moving())
    driven = np.array([action[0] for action in world.done])
    assert set(driven.tolist()) == {OWN, POLICY}
    assert 2 * POLICY_STEPS <= (driven == POLICY).sum() <= 3 * POLICY_STEPS
    assert {action[0] for action in recorder.actions} == {OWN}


def test_the_gripper_stays_the_demonstrators(monkeypatch) -> None:
    world = StandIn()
    recorded(monkeypatch, world, moving())
    assert {action[6] for action in world.done} == {1.0}


def test_only_frames_are_kept_whose_chunk_the_demonstrator_drove(monkeypatch) -> None:
    world = StandIn()
    frames: list[Frame] = recorded(monkeypatch, world, moving()).frames(COMMAND)
    driven = np.array([action[0] == POLICY for action in world.done])
    free = [not driven[i : i + LIBERO_SPACE.horizon].any() for i in range(STEPS)]
    assert 0 < len(frames) <= sum(free)
    for frame in frames:
        chunk = frame.vectors[CHUNK].reshape(LIBERO_SPACE.horizon, -1)
        assert set(chunk[:, 0].tolist()) <= {OWN, 0.0}


def test_who_stands_still_to_grip_is_obeyed(monkeypatch) -> None:
    world = StandIn()
    recorded(monkeypatch, world, np.array([0.0] * 6 + [1.0]))
    assert not any(np.any(action[:6]) for action in world.done)


def test_a_gripper_between_open_and_closed_keeps_its_opening() -> None:
    assert [gripper_command(g) for g in (-0.9, -0.6, 0.1, 0.4, 0.7)] == [-1.0, -1.0, 0.0, 0.0, 1.0]


def test_without_an_answer_the_demonstrator_drives(monkeypatch) -> None:
    world = StandIn(fails=True)
    recorded(monkeypatch, world, moving())
    assert {action[0] for action in world.done} == {OWN}


def test_after_some_failures_the_policy_is_left_out(monkeypatch) -> None:
    world = StandIn()
    recorded(monkeypatch, world, moving(), tried=corrections.TRIES)
    assert {action[0] for action in world.done} == {OWN}
