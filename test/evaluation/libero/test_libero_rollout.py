"""An episode of a policy in LIBERO's world, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from kinevla_ros.sim.libero.installed import is_installed

if not is_installed():
    pytest.skip("LIBERO is not installed: run scripts/libero.sh", allow_module_level=True)

from kinevla_ros.evaluation.libero.rollout import LiberoSeen, run_libero_episode
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Prediction
from kinevla_ros.language.command import Command
from kinevla_ros.sim.libero.demonstrate import demonstrate
from kinevla_ros.sim.libero.tasks import libero_tasks
from kinevla_ros.sim.libero.world import LIBERO_SPACE, LiberoWorld

TASKS = libero_tasks("libero")
COMMAND = TASKS.command({"object": "bowl_to_stove", "edge": "right"})


class Replay:
    """Does what was demonstrated from the same state, chunk by chunk, whatever it sees."""

    def __init__(self, world: LiberoWorld, command: Command, state: int) -> None:
        self.command, self.given = command, None
        self._actions: list[np.ndarray] = []
        self._left: list[np.ndarray] = []

        def act(action: np.ndarray) -> None:
            self._actions.append(action)
            world.step(action)

        demonstrate(world, command.goal_entry.key, dict(command.values), state, act)

    def reset(self) -> None:
        self._left = list(self._actions)

    def infer(
        self, instruction: str, observation: LiberoSeen, override: Override | None = None
    ) -> Prediction:
        self.given = override
        if not self._left:
            raise GenerationError("the demonstration is at its end")
        steps = LIBERO_SPACE.horizon
        chunk, self._left = self._left[:steps], self._left[steps:]
        texts = self.command.goal, self.command.kinematics
        return Prediction(np.array(chunk), *texts, (1, 2, 3), (4, 5, 6), False, 1, 0.0)


@pytest.fixture(scope="module")
def world() -> Iterator[LiberoWorld]:
    made = LiberoWorld()
    yield made
    made.close()


@pytest.fixture(scope="module")
def replay(world: LiberoWorld) -> Replay:
    return Replay(world, COMMAND, 0)


@pytest.fixture(scope="module")
def plain(world: LiberoWorld, replay: Replay) -> EpisodeResult:
    return run_libero_episode(world, replay, EpisodeSetup(COMMAND, 1, 0))


def test_a_demonstration_repeated_succeeds_by_both_judges(plain: EpisodeResult) -> None:
    assert plain.kinematic, plain.constraints
    assert plain.benchmark_goal
    assert plain.executed["edge"] == "right"
    assert plain.reasoning_correct == len(plain.warm) > 5


def test_the_same_motion_is_no_success_for_another_way(world: LiberoWorld, replay: Replay) -> None:
    other = COMMAND.siblings()[0]
    found = run_libero_episode(world, replay, EpisodeSetup(other, 1, 0))
    assert found.goal
    assert not found.kinematic
    assert not found.constraints["edge"]


def test_words_of_another_way_are_given_and_judged_by(world: LiberoWorld, replay: Replay) -> None:
    episode = EpisodeSetup(COMMAND, 1, 0, intervention="mismatched", condition="mismatched")
    found = run_libero_episode(world, replay, episode)
    assert found.worded == COMMAND.siblings()[0]
    assert replay.given == Override.naming(found.worded)
    assert found.kinematic
    assert not found.as_worded
