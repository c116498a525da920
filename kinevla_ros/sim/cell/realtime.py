"""The cell at the pace of the clock, in a thread of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell, CellState
from kinevla_ros.sim.cell.judge import Judge, Judgement

Array = NDArray[np.float64]
Images = dict[str, NDArray[np.uint8]]
Result = TypeVar("Result")

BATCH = 0.01
"""Wall time between two bursts of physics, s."""

WATCH_PERIOD = 0.05
"""How often the judge looks, s."""

LONGEST_LAG = 0.25
"""Simulated time is given up, not caught up, when the computer was away for longer, s."""

AT_REST = 0.02
"""Joint speed below which the arm counts as resting, rad/s."""

CALL_TIMEOUT = 10.0


class CellError(RuntimeError):
    """The cell does not run, or cannot do now what it is asked for."""


class RealTimeCell:
    """A running `Cell`; what an emulated controller moves (`ArmPlant`).

    Args:
        seed: fixes the sequence of random scenes.
        camera_rate: pictures a second of each camera.
        on_images: called from the cell's thread with the pictures of all cameras, each
            shape (height, width, 3), RGB, and their time (monotonic, s).
    """

    def __init__(
        self, seed: int, camera_rate: float, on_images: Callable[[Images, float], None]
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._cell = Cell()
        self._cell.reset(self._rng)
        self._measure()
        self._frame_period = 1 / camera_rate
        self._on_images = on_images
        self._targets: deque[tuple[float, Array]] = deque()
        self._opening: float | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._judge: Judge | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cell", daemon=True)
        self.lost_time = 0.0
        """Simulated time given up so far, s."""
        self.failure: Exception | None = None
        """What ended the thread, if it was not `stop`."""

    def start(self) -> None:
        """Let the world run.

        Raises:
            CellError: nothing can be rendered here.
        """
        self._thread.start()
        self._call(lambda: None)

    def stop(self) -> None:
        """End the thread and free the renderer."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def joint_positions(self) -> Array:
        """Measured joint positions, shape (7,), rad."""
        return self._q

    def gripper(self) -> float:
        """Measured opening, m."""
        return self._gripper

    def set_joint_target(self, q: Array) -> None:
        """Let the joints follow `q`, shape (7,), rad, from this moment on."""
        self._targets.append((time.monotonic(), q))

    def set_gripper(self, opening: float) -> None:
        """Let the gripper follow `opening`, m."""
        self._opening = opening

    def reset_scene(self) -> None:
        """Lay out the objects in a new scene; the arm stays where it is and opens its gripper.

        Raises:
            CellError: the arm moves.
        """
        self._call(self._reset_scene)

    def watch(self, command: Command | None) -> None:
        """Judge from now on how `command` is carried out; None to stop judging."""
        self._call(lambda: self._watch(command))

    def judgement(self) -> Judgement | None:
        """Judge the state as it is now; None without a command."""
        return self._call(lambda: self._judge.judgement() if self._judge else None)

    def state(self) -> CellState:
        """Simulator truth as it is now."""
        return self._call(self._cell.state)

    def _call(self, function: Callable[[], Result]) -> Result:
        """Run a function in the cell's thread and return what it gives."""
        future: Future[Result] = Future()

        def job() -> None:
            try:
                future.set_result(function())
            except Exception as error:
                future.set_exception(error)

        self._jobs.put(job)
        deadline = time.monotonic() + CALL_TIMEOUT
        while not wait([future], timeout=0.1).done:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise CellError(f"the cell does not run: {self.failure or 'stopped or too slow'}")
        return future.result()

    def _run(self) -> None:
        try:
            # A renderer belongs to the thread that makes it.
            self._cell.render()
            self._loop()
        except Exception as error:
            self.failure = error
        finally:
            self._cell.close()

    def _loop(self) -> None:
        simulated = due = next_frame = next_watch = time.monotonic()
        while not self._stop.wait(max(due - time.monotonic(), 0)):
            now = time.monotonic()
            due = max(due + BATCH, now)
            if (late := now - simulated - LONGEST_LAG) > 0:
                self.lost_time += late
                simulated += late
            simulated = self._advance(simulated, now)
            self._measure()
            while not self._jobs.empty():
                self._jobs.get()()
            if self._judge is not None and now >= next_watch:
                self._judge.watch(self._cell.state())
                next_watch = now + WATCH_PERIOD
            if now >= next_frame:
                self._on_images(self._cell.render(), simulated)
                next_frame = max(next_frame + self._frame_period, now)

    def _advance(self, simulated: float, until: float) -> float:
        """Step to `until`; each target takes effect at the time it came."""
        step = self._cell.dt
        while simulated + step <= until:
            while self._targets and self._targets[0][0] <= simulated:
                self._cell.set_joint_target(self._targets.popleft()[1])
            if self._opening is not None:
                self._cell.set_gripper(self._opening)
            self._cell.step(step)
            simulated += step
        return simulated

    def _measure(self) -> None:
        self._q, self._gripper = self._cell.joint_positions(), self._cell.gripper()

    def _reset_scene(self) -> None:
        if np.abs(self._cell.data.qvel[:7]).max() > AT_REST:
            raise CellError("the arm moves; stop it before the scene is reset")
        self._judge, self._opening = None, None
        self._targets.clear()
        self._cell.reset(self._rng, self._cell.joint_positions())
        self._measure()

    def _watch(self, command: Command | None) -> None:
        self._judge = Judge(self._cell, command) if command is not None else None
