"""Demonstrations of a LIBERO task set as a dataset: physics first, pictures of what was kept.

Scenes are sampled by LIBERO's own placement, from seeds: its fixed initial states are left for
evaluation.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import CHUNK, SCENE, Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_file import save_tasks
from kinevla_ros.sim.libero.demonstrate import demonstrate
from kinevla_ros.sim.libero.installed import require_libero
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.pictures import SIZE
from kinevla_ros.sim.libero.scene import Array
from kinevla_ros.sim.libero.scene_vector import SCENE_NAMES, scene_vector
from kinevla_ros.sim.libero.tasks import libero_tasks
from kinevla_ros.sim.libero.world import LIBERO_SPACE, LiberoWorld

FIRST_SEED = 1_000_000
"""Scenes of smaller seeds are those of the fixed initial states."""
NOISE = (0.0, 0.1, 0.25)
"""Standard deviations of the perturbation of executed commands, by episode."""
HELD = 10
"""Steps for which a perturbation is held."""
SPARSE = 4
"""Steps from frame to frame where few are kept."""
VECTORS = {SCENE: SCENE_NAMES}
SPARSE_VECTORS = VECTORS | {
    CHUNK: tuple(f"{n}_{k}" for k in range(1, LIBERO_SPACE.horizon + 1) for n in LIBERO_SPACE.names)
}
"""Frames that do not follow each other carry their chunk."""


class Recorder:
    """Carries out perturbed commands, and keeps the clean ones with what was seen before each.

    Args:
        world: to act in.
        rng: of the perturbation.
        noise: its standard deviation, in shares of the largest displacement.
    """

    def __init__(self, world: LiberoWorld, rng: np.random.Generator, noise: float) -> None:
        self._world, self._rng, self._noise = world, rng, noise
        self._offset = np.zeros(7)
        self.states: list[np.ndarray] = []
        self.scenes: list[np.ndarray] = []
        self.positions: list[Array] = []
        self.actions: list[Array] = []

    def act(self, action: Array) -> None:
        """Carry out a command of the demonstrator."""
        self.states.append(self._world.state())
        self.scenes.append(scene_vector(self._world))
        self.positions.append(self._world.data.qpos.copy())
        self.actions.append(np.clip(action, -1.0, 1.0))
        self._world.step(self.executed(action))

    def frames(self, command: Command) -> list[Frame]:
        """What is kept of the episode, with its pictures."""
        return [self.frame(command, number) for number in range(len(self.actions))]

    def frame(self, command: Command, number: int, **vectors: np.ndarray) -> Frame:
        """What was seen before a step, and the command of the demonstrator."""
        return Frame(
            self._world.render(self.positions[number]),
            self.states[number],
            self.actions[number],
            command.goal,
            command.kinematics,
            {SCENE: self.scenes[number], **vectors},
        )

    def executed(self, action: Array) -> Array:
        """What is carried out in the place of a command."""
        if (len(self.actions) - 1) % HELD == 0:
            self._offset[:3] = self._rng.normal(0.0, self._noise, 3)
        # Where the hand stands still it grips or lets go, and is not pushed.
        moving = np.linalg.norm(action[:3]) > 0.3
        return action + self._offset if moving else action

    def chunk(self, number: int) -> np.ndarray:
        """Commands of the demonstrator from a step on, flat; past the end nothing moves."""
        last = self.actions[-1] * ([0.0] * 6 + [1.0])
        rest = [last] * LIBERO_SPACE.horizon
        return np.concatenate([*self.actions[number:], *rest][: LIBERO_SPACE.horizon])


class SparseRecorder(Recorder):
    """Keeps few frames, each with its whole chunk: neighbours teach the same, and cost pictures."""

    def frames(self, command: Command) -> list[Frame]:
        """Every so many steps a frame, from one of the first on."""
        first = int(self._rng.integers(SPARSE))
        numbers = range(first, len(self.actions), SPARSE)
        return [self.frame(command, n, **{CHUNK: self.chunk(n)}) for n in numbers]


class MakeRecorder(Protocol):
    """Makes what carries out the commands of an episode."""

    def __call__(
        self, world: LiberoWorld, rng: np.random.Generator, noise: float, said: str, tried: int
    ) -> Recorder:
        """For an instruction that was tried so often without success."""


def perturbed() -> MakeRecorder:
    """Demonstrations with noise on what is carried out."""
    return lambda world, rng, noise, said, tried: Recorder(world, rng, noise)


def sparse() -> MakeRecorder:
    """The same, and few frames of each."""
    return lambda world, rng, noise, said, tried: SparseRecorder(world, rng, noise)


def collect(
    suite: str,
    root: Path,
    episodes: int,
    seed: int,
    workers: int,
    recorders: Callable[[], MakeRecorder] = perturbed,
    vectors: Mapping[str, tuple[str, ...]] = VECTORS,
) -> int:
    """Write demonstrations until the dataset holds `episodes`; returns how many were added.

    An existing dataset is continued. Episode number and seed alone fix an episode.

    Args:
        suite: task set, see `libero_tasks`.
        root: folder of the dataset.
        episodes: episodes that the dataset shall hold; the ways take turns.
        seed: of scenes and perturbations.
        workers: processes that simulate.
        recorders: called once in each process; picklable.
        vectors: of the frames that they keep.

    Raises:
        DatasetError: the folder holds a dataset of another kind.
        LiberoMissingError: LIBERO is not installed.
    """
    require_libero()
    schema = Schema(vectors=vectors, height=SIZE, width=SIZE, space=LIBERO_SPACE)
    columns = (TextColumn("collect"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    context = multiprocessing.get_context("spawn")
    with (
        DatasetWriter.open(root, schema) as writer,
        Progress(*columns) as progress,
        context.Pool(workers, _start_worker, (suite, recorders)) as pool,
    ):
        save_tasks(libero_tasks(suite), root)
        first = writer.episodes
        bar = progress.add_task("", total=episodes, completed=first)
        for episode in pool.imap(_episode, ((seed, index) for index in range(first, episodes))):
            writer.add(episode)
            progress.update(bar, advance=1)
        return writer.episodes - first


_worker: tuple[LiberoWorld, MakeRecorder, tuple[Command, ...]]


def _start_worker(suite: str, recorders: Callable[[], MakeRecorder]) -> None:
    global _worker
    leave_interrupt_to_parent()
    _worker = LiberoWorld(), recorders(), libero_tasks(suite).commands


def _episode(job: tuple[int, int]) -> Episode:
    world, make, commands = _worker
    return record(world, commands[job[1] % len(commands)], np.random.default_rng(job), make)


def record(
    world: LiberoWorld, command: Command, rng: np.random.Generator, make: MakeRecorder
) -> Episode:
    """Demonstrate a way in a new scene; again in another while the judge is not satisfied."""
    goal, slots = command.goal_entry.key, dict(command.values)
    said = instruction(command, rng)
    tried = 0
    while True:
        recorder = make(world, rng, float(rng.choice(NOISE)), said, tried)
        scene = int(rng.integers(FIRST_SEED, 2**31))
        track = demonstrate(world, goal, slots, None, recorder.act, scene)
        if judge(track, goal, slots).kinematic:
            frames = recorder.frames(command)
            if frames:
                return Episode(said, frames)
        tried += 1
