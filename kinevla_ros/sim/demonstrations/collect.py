"""Demonstrations as a dataset: random scenes, perturbed motion, the planned chunk as label."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.base.chunk import ACTION_DIM, CHUNK_DT, HORIZON, JOINT_NAMES, ActionChunk
from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import (
    ALTERNATIVES,
    ALTERNATIVES_VALID,
    CHUNK,
    SCENE,
    SIMULATION,
    Schema,
)
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_file import save_tasks
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.kinematics import UnreachableError, top_down_ik
from kinevla_ros.sim.cell.cell import QPOS_NAMES, Cell, CellState
from kinevla_ros.sim.cell.tasks import CELL_TASKS, TASKS
from kinevla_ros.sim.demonstrations.demonstrator import Plan, done, holding, plan
from kinevla_ros.sim.simulated_arm import LATENCY, SimulatedArm

REPLAN_STEPS = (2, 3)
NOISE = (0.0, 0.005, 0.015)
"""Standard deviations of the perturbation of executed joint targets (rad), by episode."""
LATENCIES = 0.05, 0.25
"""From pictures to their chunk where the cell is varied (s)."""
PERTURBED_START = 0.4
STARTS = 1 / 3
"""Share of the moments at the start of an episode."""
IDLE_SECONDS = 0.8

_STEPS = [f"{name}_{k}" for k in range(1, HORIZON + 1) for name in (*JOINT_NAMES, "gripper")]
VECTORS = {
    CHUNK: tuple(_STEPS),
    ALTERNATIVES: tuple(f"task{t.task_number}.{n}" for t in TASKS for n in _STEPS),
    ALTERNATIVES_VALID: tuple(f"task{t.task_number}" for t in TASKS),
    SCENE: tuple(f"{o}.{n}" for o in OBJECTS for n in ("x", "y", "cos", "sin")),
    SIMULATION: QPOS_NAMES,
}


class Driver(Protocol):
    """What moves the arm while the demonstrator labels the states it reaches.

    Attributes:
        seconds: longest episode (s).
        must_finish: whether an episode that does not end in success is left out.
    """

    seconds: float
    must_finish: bool

    def place(self, cell: Cell, rng: np.random.Generator) -> None:
        """Put the arm where the episode starts; the objects lie in their places."""

    def begin(self, said: str, rng: np.random.Generator) -> None:
        """Start an episode of the instruction `said`."""

    def chunk(self, cell: Cell, arm: SimulatedArm, planned: Plan) -> ActionChunk:
        """The chunk to execute, given what the demonstrator would do."""


class PerturbedDemonstrator:
    """The demonstrator's own plan, off by a random ramp, so that it meets its mistakes."""

    seconds = 16.0
    must_finish = True

    def place(self, cell: Cell, rng: np.random.Generator) -> None:
        """Start at home, or anywhere above the table."""
        place_at_random(cell, rng)

    def begin(self, said: str, rng: np.random.Generator) -> None:
        """Draw how large the perturbation is."""
        self._rng, self._noise = rng, float(rng.choice(NOISE))

    def chunk(self, cell: Cell, arm: SimulatedArm, planned: Plan) -> ActionChunk:
        """The perturbed plan."""
        ramp = np.arange(1, HORIZON + 1)[:, None] / HORIZON
        offset = self._rng.normal(0.0, self._noise, len(JOINT_NAMES)) * ramp
        return arm.chunk(planned.positions + offset, planned.gripper)


class Moment(PerturbedDemonstrator):
    """A moment in a scene of its own, near an object or where an episode starts.

    Whole demonstrations show few scenes, and each for long; the encoder and the first chunk of an
    episode, which meets a scene unseen, learn from many.
    """

    seconds = 0.45
    must_finish = False

    def place(self, cell: Cell, rng: np.random.Generator) -> None:
        """Start as an episode does, or near an object, the gripper open or half closed."""
        if rng.random() < STARTS:
            return place_at_random(cell, rng)
        opening = rng.uniform(0.03, GRIPPER_STROKE) if rng.random() < 0.2 else GRIPPER_STROKE
        while True:
            # Drawn again while out of reach.
            with contextlib.suppress(UnreachableError):
                return cell.place_arm(_near_an_object(cell, rng), opening)


def _near_an_object(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """Joint positions that hold the tool down, close to an object."""
    name = rng.choice(OBJECTS, p=(0.15, 0.6, 0.25))
    x, y, _, yaw = cell.state().poses[name]
    along, across = rng.uniform(-0.06, 0.06), rng.normal(0.0, 0.025)
    c, s = np.cos(yaw), np.sin(yaw)
    height = 0.015 + min(rng.exponential(0.04), 0.15)
    position = np.array([x + c * along - s * across, y + s * along + c * across, height])
    turn = np.clip(rng.normal(0.0, 0.25), -0.6, 0.6)
    return top_down_ik(position, math.remainder(yaw + turn, math.pi))


def collect(
    root: Path,
    episodes: int,
    seed: int,
    workers: int = 1,
    make_driver: Callable[[], Driver] = PerturbedDemonstrator,
    *,
    varied: bool = False,
) -> int:
    """Write demonstrations until the dataset holds `episodes`; returns how many were added.

    An existing dataset is continued. Episode number and seed alone fix an episode.

    Args:
        root: folder of the dataset.
        episodes: episodes that the dataset shall hold.
        seed: of scenes, phrasings and perturbations.
        workers: processes that simulate.
        make_driver: makes what moves the arm, once in each process.
        varied: draw for each episode how the cell looks, see `sim.cell.variety`, and the latency.

    Raises:
        DatasetError: the folder holds a dataset of another kind.
    """
    schema = Schema(vectors=VECTORS, height=CAMERA_HEIGHT, width=CAMERA_WIDTH)
    columns = (TextColumn("collect"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    context = multiprocessing.get_context("spawn")
    with (
        DatasetWriter.open(root, schema) as writer,
        Progress(*columns) as progress,
        context.Pool(workers, _start_worker, (make_driver, varied)) as pool,
    ):
        save_tasks(CELL_TASKS, root)
        first = writer.episodes
        bar = progress.add_task("", total=episodes, completed=first)
        jobs = ((seed, index) for index in range(first, episodes))
        for episode in pool.imap(_episode, jobs):
            writer.add(episode)
            progress.update(bar, advance=1)
        return writer.episodes - first


_worker: tuple[Cell, Driver]


def _start_worker(make_driver: Callable[[], Driver], varied: bool) -> None:
    global _worker
    leave_interrupt_to_parent()
    _worker = Cell(varied=varied), make_driver()


def _episode(job: tuple[int, int]) -> Episode:
    command = TASKS[job[1] % len(TASKS)]
    return demonstrate(*_worker, command, np.random.default_rng(job))


def demonstrate(cell: Cell, driver: Driver, command: Command, rng: np.random.Generator) -> Episode:
    """Let the driver follow a command in a new random scene; the demonstrator labels each state.

    Draws again while the driver must finish and does not, so that no dataset teaches a stuck arm.
    """
    while True:
        cell.reset(rng)
        driver.place(cell, rng)
        said = instruction(command, rng)
        driver.begin(said, rng)
        frames, finished = _run(cell, driver, command, rng)
        if finished or not driver.must_finish:
            return Episode(said, frames)


def place_at_random(cell: Cell, rng: np.random.Generator) -> None:
    """Leave the arm at home or, in a share of the episodes, put it anywhere above the table."""
    if rng.random() < PERTURBED_START:
        cell.place_arm(_random_start(rng))


def _random_start(rng: np.random.Generator) -> np.ndarray:
    reach, angle = rng.uniform(0.22, 0.38), rng.uniform(-0.9, 0.9)
    position = [reach * np.cos(angle), reach * np.sin(angle), rng.uniform(0.11, 0.21)]
    return top_down_ik(np.array(position), rng.uniform(-0.8, 0.8))


def _run(
    cell: Cell, driver: Driver, command: Command, rng: np.random.Generator
) -> tuple[list[Frame], bool]:
    """Frames at 10 Hz until the task is done or the time is over, and which it was."""
    latency = rng.uniform(*LATENCIES) if cell.varied else LATENCY
    arm, frames, idle, next_chunk = SimulatedArm(cell, latency), [], 0.0, 0.0
    while arm.now < driver.seconds and arm.core.status(arm.now).fault is Fault.NONE:
        state = cell.state()
        planned = plan(state, command)
        frames.append(_frame(cell, state, arm.opening, command, planned))
        if arm.now >= next_chunk - 1e-6:
            arm.follow(driver.chunk(cell, arm, planned))
            next_chunk = arm.now + rng.choice(REPLAN_STEPS) * CHUNK_DT
        arm.run(CHUNK_DT)
        idle = idle + CHUNK_DT if done(state, command) else 0.0
        if idle > IDLE_SECONDS:
            return frames, True
    return frames, False


def _frame(cell: Cell, state: CellState, opening: float, command: Command, planned: Plan) -> Frame:
    images = cell.render()
    alternatives = np.zeros((len(TASKS), HORIZON, ACTION_DIM), np.float32)
    valid = np.zeros(len(TASKS), np.float32)
    busy = holding(state, command)
    for index, other in enumerate(TASKS):
        # With something in the grip only the same goal makes sense.
        if busy and other != command and other not in command.siblings():
            continue
        chosen = planned if other == command else plan(state, other)
        alternatives[index] = _matrix(chosen)
        valid[index] = 1.0
    matrix = _matrix(planned)
    return Frame(
        images=images,
        state=np.append(state.q, opening).astype(np.float32),
        action=matrix[0],
        goal=command.goal,
        kinematics=command.kinematics,
        vectors={
            CHUNK: matrix.ravel(),
            ALTERNATIVES: alternatives.ravel(),
            ALTERNATIVES_VALID: valid,
            SCENE: state.vector(),
            SIMULATION: cell.qpos(),
        },
    )


def _matrix(planned: Plan) -> np.ndarray:
    return np.column_stack([planned.positions, planned.gripper]).astype(np.float32)
