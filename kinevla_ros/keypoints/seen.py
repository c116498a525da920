"""Where objects are by the keypoints in the pictures of one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.inference import NoMotion
from kinevla_ros.keypoints.detector import KeypointDetector
from kinevla_ros.keypoints.fit import FittedKeypoints, KeypointView, fit
from kinevla_ros.keypoints.rig import KeypointObject, object_points
from kinevla_ros.keypoints.steady import SteadyPoses

Array = NDArray[np.float64]

FEWEST = 3
"""Keypoints of an object that must be seen and fit its shape."""

LARGEST_SPREAD = 0.012
"""Of an object's place; one that is less sure is not seen (m)."""

LARGEST_LIFT = 0.025
"""An object so far above or below the table is not where the keypoints say (m)."""


@dataclass(frozen=True, eq=False)
class SeenObject:
    """An object in the pictures.

    Attributes:
        pose: (x, y, yaw) in `base_link`, m and rad.
        spread: standard deviation of its place, m.
        names, kinds: of its keypoints.
        points: where they are, (K, 3), m.
        seen: which of them were seen in a picture; the others follow from the shape.
    """

    pose: Array
    spread: float
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    points: Array
    seen: NDArray[np.bool_]


class SeenKeypoints:
    """Finds objects by their keypoints; a source of poses for skills. One thread.

    Args:
        path: file of a keypoint network.
        threads: of its arithmetic.

    Attributes:
        objects: those of the last observation that were seen well enough.
        unseen: why the others were not, by name.
        shifts: how far each camera was from where it was calibrated to be, m.
        stamp: time of the last observation, s; None before the first.
        views: what each camera showed, in the order of the rig.

    Raises:
        FileNotFoundError, KeypointFileError: see `KeypointDetector`.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path, self._detector = path, KeypointDetector(path, threads)
        self.rig = self._detector.rig
        self.objects: Mapping[str, SeenObject] = {}
        self.unseen: Mapping[str, str] = {}
        self.shifts: Mapping[str, float] = {}
        self._steady = SteadyPoses()
        self.stamp: float | None = None
        self.views: Sequence[KeypointView] = ()

    def find(self, observation: Observation) -> dict[str, Array]:
        """Poses of the objects that are seen: (x, y, yaw) in `base_link`, m and rad.

        One that differs from those of the second before is believed when more confirm it.

        Raises:
            NoMotion: a camera's picture is missing, or of another shape.
        """
        if missing := [c.name for c in self.rig.cameras if c.name not in observation.images]:
            raise NoMotion(f"keypoints need a picture of {' and '.join(missing)}")
        try:
            self.views = views = [
                KeypointView(
                    camera,
                    *camera.pose(observation.joints),
                    self._detector(camera, observation.images[camera.name]),
                )
                for camera in self.rig.cameras
            ]
        except ValueError as problem:
            raise NoMotion(str(problem)) from problem
        arm = self.rig.arm_points(observation.joints, observation.gripper)
        found = fit(self.rig, views, arm)
        self.shifts = {v.camera.name: s for v, s in zip(views, found.shifts, strict=True)}
        reasons = {thing.name: self._problem(thing, found) for thing in self.rig.objects}
        self.unseen = {name: reason for name, reason in reasons.items() if reason}
        self.objects = {
            thing.name: self._seen(thing, found)
            for thing in self.rig.objects
            if not reasons[thing.name]
        }
        self.stamp = observation.stamp
        poses = {name: each.pose for name, each in self.objects.items()}
        return self._steady.follow(observation.stamp, poses)

    def _problem(self, thing: KeypointObject, found: FittedKeypoints) -> str:
        """Why an object is not seen well enough; empty if it is."""
        count = int(found.inliers[:, self.rig.spans[thing.name]].any(axis=0).sum())
        total = len(thing.points)
        if thing.name not in found.poses or count < min(FEWEST, total):
            return f"{count} of its {total} keypoints are seen and fit its shape"
        if found.spreads[thing.name] > LARGEST_SPREAD:
            return f"its keypoints tell its place to {1e3 * found.spreads[thing.name]:.0f} mm only"
        if abs(lift := found.poses[thing.name][2]) > LARGEST_LIFT:
            return f"its keypoints are {1e3 * lift:.0f} mm above the table"
        return ""

    def _seen(self, thing: KeypointObject, found: FittedKeypoints) -> SeenObject:
        pose = found.poses[thing.name]
        return SeenObject(
            pose=pose[[0, 1, 3]],
            spread=found.spreads[thing.name],
            names=tuple(point.name for point in thing.points),
            kinds=tuple(point.kind for point in thing.points),
            points=object_points(thing, pose),
            seen=np.asarray(found.inliers[:, self.rig.spans[thing.name]].any(axis=0)),
        )
