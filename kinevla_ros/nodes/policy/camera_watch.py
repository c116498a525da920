"""Whether the front camera still looks where it did, now and then, beside the policy's own work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from numpy.typing import NDArray

from kinevla_ros.generator.pictures.camera_shift import WIDTH, CameraReference, NoReference, Shift
from kinevla_ros.nodes.ros.managed import Diagnosis

PERIOD, FIRST = 1.0, 0.05
"""Time between two comparisons, and until the first picture is there, s."""

TRUST = 10.0
"""A view that was where it should be is taken to be there so long without a clear look, s: the
arm or a person may stand before it."""

CURE = "put the camera back, or take a new reference with `kinevla camera-reference`"

UNSEEN = "front camera: its view has not been compared with camera_reference for a while"


class CameraWatch:
    """Compares pictures with a reference in a thread of its own.

    Args:
        reference: the view as it should be.
        look: gives the newest picture, RGB, or None; raises ValueError for one that is unusable.
        warning, limit: shifts that are reported, and above which nothing may move, in pixels of a
            picture 320 wide.
    """

    def __init__(
        self,
        reference: CameraReference,
        look: Callable[[], NDArray[np.uint8] | None],
        warning: float,
        limit: float,
    ) -> None:
        self._reference, self._look = reference, look
        self._warning, self._limit = warning, limit
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._forget()

    def start(self) -> None:
        """Begin; until the first clear look nothing may move."""
        self.stop()
        self._forget()
        self._stop = threading.Event()
        work = (self._stop,)
        self._thread = threading.Thread(target=self._run, args=work, name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PERIOD)

    @property
    def problem(self) -> str:
        """Why nothing may move; empty when something may."""
        if self._moved or time.monotonic() - self._in_place_at < TRUST:
            return self._moved
        return self._doubt or UNSEEN

    def diagnosis(self) -> Diagnosis:
        """One line for /diagnostics."""
        shift = self._shift
        figures = {}
        if shift:
            figures = {"shift (px)": f"{shift.pixels:.1f}", "alike": f"{shift.alike:.2f}"}
        if self.problem:
            return Diagnosis(self.problem, DiagnosticStatus.ERROR, figures)
        if self._doubt:
            return Diagnosis(self._doubt, DiagnosticStatus.WARN, figures)
        if shift and shift.pixels > self._warning:
            text = f"{_shifted(shift)}: {CURE}"
            return Diagnosis(text, DiagnosticStatus.WARN, figures)
        return Diagnosis("the front camera looks where it should", figures=figures)

    def _forget(self) -> None:
        self._shift: Shift | None = None
        self._in_place_at = float("-inf")
        self._moved, self._doubt = "", UNSEEN

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(PERIOD if self._shift else FIRST):
            try:
                picture = self._look()
                if picture is not None:
                    self._judge(self._reference.shift(picture))
            except NoReference as problem:
                self._moved = f"front camera: {problem}"
            except Exception as problem:
                # Without a clear look trust ends.
                self._doubt = f"front camera: {problem}"

    def _judge(self, shift: Shift) -> None:
        self._shift = shift
        if not shift.clear:
            self._doubt = (
                f"front camera: what it sees has too little in common with camera_reference "
                f"({shift.alike:.2f}) to tell whether it has moved: clear its view; else {CURE}"
            )
            return
        self._doubt = ""
        if shift.pixels > self._limit:
            self._moved = f"{_shifted(shift)} (at most {self._limit:.0f}): {CURE}"
            return
        self._moved, self._in_place_at = "", time.monotonic()


def _shifted(shift: Shift) -> str:
    return (
        f"front camera: its view has shifted by {shift.pixels:.0f} px (of {WIDTH} px in all) since "
        "camera_reference was taken"
    )
