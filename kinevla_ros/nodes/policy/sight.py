"""What the policy sees, and whether it may be inferred from."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from kinevla_ros.data.synchronisation.images import ImageError
from kinevla_ros.data.synchronisation.observation import (
    NoObservation,
    Observations,
    ReceivedObservation,
)
from kinevla_ros.generator.pictures.camera_shift import CameraReference
from kinevla_ros.generator.pictures.checks import PictureChecks, PictureFault
from kinevla_ros.nodes.policy.camera_watch import CameraWatch
from kinevla_ros.nodes.policy.parameters import picture_limits
from kinevla_ros.nodes.ros.managed import Diagnosis

STARTING = (
    "nothing was complete since the policy became active: the arm node, the cameras or the cell "
    "are not active yet; wait until `kinevla up` says that the nodes are active, or start them"
)

IDLE_PERIOD = 1.0
"""How often pictures are looked at while nobody wants motion, s."""


class Sight:
    """Pictures and joint states of the policy node, and all checks on the pictures.

    Args:
        values: the node's parameters.

    Attributes:
        observations: what has come.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        limits = picture_limits(values)
        self.observations = Observations(
            values["max_observation_age"],
            values["max_camera_skew"],
            values["image_transport"],
            limits,
        )
        self._values, self._checks = values, PictureChecks(limits)
        self._problem, self._looked_at = "", 0.0
        self._complete = False  # whether anything could be inferred from since the start
        self._watch: CameraWatch | None = None

    def configure(self) -> None:
        """Read the front camera's reference, if there is one.

        Raises:
            NoReference: see there.
        """
        given = self._values["camera_reference"]
        self._watch = self._make_watch(Path(given)) if given else None

    def _make_watch(self, reference: Path) -> CameraWatch:
        return CameraWatch(
            CameraReference.read(reference),
            lambda: self.observations.front(time.monotonic()),
            self._values["camera_shift_warning"],
            self._values["camera_shift_limit"],
        )

    def start(self) -> None:
        """Forget what was seen, and begin to watch."""
        self.observations.clear()
        self._checks.reset()
        self._problem, self._complete = "", False
        if self._watch:
            self._watch.start()

    def stop(self) -> None:
        """End watching."""
        if self._watch:
            self._watch.stop()

    def newest(self) -> ReceivedObservation:
        """What there is to infer from now; its pictures are still to be checked.

        Raises:
            NoObservation: something is missing or old, or the front camera has moved.
        """
        observation = self._newest(time.monotonic())
        if self._watch and self._watch.problem:
            raise NoObservation(self._watch.problem)
        return observation

    def _newest(self, now: float) -> ReceivedObservation:
        try:
            observation = self.observations.newest(now)
        except NoObservation as problem:
            if self._complete:
                raise
            raise NoObservation(f"{problem}; {STARTING}") from problem
        self._complete = True
        return observation

    def check(self, observation: ReceivedObservation) -> None:
        """Decode the pictures and look at them; one thread at a time.

        Raises:
            ImageError, PictureFault: see there.
        """
        try:
            self._checks.check(observation.images, observation.joints)
        except Exception as problem:
            self._problem = str(problem)
            raise
        self._problem = ""

    def check_idly(self) -> None:
        """Look now and then, so that `stages` reports before somebody wants motion."""
        now = time.monotonic()
        if now - self._looked_at > IDLE_PERIOD:
            self._looked_at = now
            # Whatever goes wrong in here, the thread that infers must live on.
            with suppress(Exception):
                self.check(self._newest(now))

    def stages(self) -> dict[str, Diagnosis]:
        """Lines for /diagnostics. Nothing is decoded here."""
        stages = {"observation": self._observation()}
        if self._watch:
            stages["front camera"] = self._watch.diagnosis()
        return stages

    def _observation(self) -> Diagnosis:
        now = time.monotonic()
        try:
            newest = self._newest(now)
            sizes = ", ".join(f"{width} x {height}" for width, height in newest.sizes.values())
        except (NoObservation, ImageError, PictureFault) as problem:
            return Diagnosis(str(problem), DiagnosticStatus.WARN)
        figures = {"age (s)": f"{now - newest.stamp:.3f}", "pictures": sizes}
        level = DiagnosticStatus.WARN if self._problem else DiagnosticStatus.OK
        return Diagnosis(self._problem or "fresh", level, figures)
