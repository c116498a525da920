"""Demonstrations of a LIBERO task set as a dataset: physics first, pictures of what was kept.

Scenes are sampled by LIBERO's own placement, from seeds: its fixed initial states are left for
evaluation.
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinevla_ros.base.action_space import RELATIVE, ActionSpace, GripperAxis
from kinevla_ros.base.files.atomic import copy
from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.base.resources import resource_path
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.task_file import FILE_NAME, load_tasks
from kinevla_ros.language.task_set import Goal, Way
from kinevla_ros.sim.libero.demonstrate import demonstrate
from kinevla_ros.sim.libero.installed import require_libero
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.pictures import SIZE
from kinevla_ros.sim.libero.scene import Array
from kinevla_ros.sim.libero.world import CONTROL_DT, LiberoWorld

SPACE = ActionSpace(
    names=("x", "y", "z", "turn_x", "turn_y", "turn_z", "gripper"),
    units=("1",) * 7,
    reference=RELATIVE,
    gripper=GripperAxis("gripper", closed=1.0, open=-1.0),
    state_names=("hand_x", "hand_y", "hand_z", "turn_x", "turn_y", "turn_z", "opening"),
    state_units=("m",) * 3 + ("rad",) * 3 + ("m",),
    rate=1 / CONTROL_DT,
)
"""Commands of LIBERO's controller, and `LiberoWorld.state`."""

FIRST_SEED = 1_000_000
"""Scenes of smaller seeds are those of the fixed initial states."""
NOISE = (0.0, 0.1, 0.25)
"""Standard deviations of the perturbation of executed commands, by episode."""
HELD = 10
"""Steps for which a perturbation is held."""


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
        self.positions: list[Array] = []
        self.actions: list[Array] = []

    def act(self, action: Array) -> None:
        """Carry out a command of the demonstrator."""
        if len(self.actions) % HELD == 0:
            self._offset[:3] = self._rng.normal(0.0, self._noise, 3)
        self.states.append(self._world.state())
        self.positions.append(self._world.data.qpos.copy())
        self.actions.append(np.clip(action, -1.0, 1.0))
        # Where the hand stands still it grips or lets go, and is not pushed.
        moving = np.linalg.norm(action[:3]) > 0.3
        self._world.step(action + self._offset if moving else action)


def collect(suite: str, root: Path, episodes: int, seed: int, workers: int) -> int:
    """Write demonstrations until the dataset holds `episodes`; returns how many were added.

    An existing dataset is continued. Episode number and seed alone fix an episode.

    Args:
        suite: task set.
        root: folder of the dataset.
        episodes: episodes that the dataset shall hold; the ways take turns.
        seed: of scenes and perturbations.
        workers: processes that simulate.

    Raises:
        DatasetError: the folder holds a dataset of another kind.
        LiberoMissingError: LIBERO is not installed.
    """
    require_libero()
    tasks = resource_path("config", f"{suite}.yaml")
    schema = Schema(height=SIZE, width=SIZE, space=SPACE)
    columns = (TextColumn("collect"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    context = multiprocessing.get_context("spawn")
    with (
        DatasetWriter.open(root, schema) as writer,
        Progress(*columns) as progress,
        context.Pool(workers, _start_worker, (tasks,)) as pool,
    ):
        copy(tasks, root / FILE_NAME)
        first = writer.episodes
        bar = progress.add_task("", total=episodes, completed=first)
        for episode in pool.imap(_episode, ((seed, index) for index in range(first, episodes))):
            writer.add(episode)
            progress.update(bar, advance=1)
        return writer.episodes - first


_worker: tuple[LiberoWorld, list[tuple[Goal, Way]]]


def _start_worker(tasks: Path) -> None:
    global _worker
    leave_interrupt_to_parent()
    _worker = LiberoWorld(), list(load_tasks(tasks).ways())


def _episode(job: tuple[int, int]) -> Episode:
    world, ways = _worker
    return record(world, *ways[job[1] % len(ways)], np.random.default_rng(job))


def record(world: LiberoWorld, goal: Goal, way: Way, rng: np.random.Generator) -> Episode:
    """Demonstrate a way in a new scene; again in another while the judge is not satisfied."""
    while True:
        recorder = Recorder(world, rng, float(rng.choice(NOISE)))
        scene = int(rng.integers(FIRST_SEED, 2**31))
        track = demonstrate(world, goal.key, way.slots, None, recorder.act, scene)
        if judge(track, goal.key, way.slots).kinematic:
            return Episode(way.say, _frames(world, recorder, goal.text, way.kinematics))


def _frames(world: LiberoWorld, kept: Recorder, goal: str, kinematics: str) -> list[Frame]:
    rows = zip(kept.positions, kept.states, kept.actions, strict=True)
    return [
        Frame(world.render(positions), state, action, goal, kinematics)
        for positions, state, action in rows
    ]
