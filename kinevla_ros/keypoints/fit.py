"""Least squares over what is known of the keypoints: distances among them, the table, the arm.

Unknown are where each object stands (x, y, z, yaw) and where each camera is. An object's keypoints
keep their distances; it stands on the table, give or take; a camera is where it was calibrated,
give or take. The arm's points are known from its joints: so a front camera that has moved is found
again by the arm that it sees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.keypoints.detector import Peaks
from kinevla_ros.keypoints.rig import KeypointRig, RigCamera, in_picture

Array = NDArray[np.float64]

SURE = 0.25
"""A keypoint is seen from so much of its heat map's mass in one place."""

PIXEL = 1.0
"""Standard deviation of a sure keypoint's place, px."""

DEPTH = 0.08
"""Standard deviation of a depth, as a share of it."""

BENT = 2.5
"""From so many standard deviations on a keypoint counts for less and less."""

HEIGHT = 0.006
"""Standard deviation of an object's height above the table, m: it may lie on something flat."""

CAMERAS: Mapping[str, tuple[float, float]] = {
    "base": (0.05, math.radians(2.0)),
    "tool": (0.004, math.radians(0.7)),
}
"""Standard deviations of a camera's place (m) and turn (rad), by what carries it."""

_BENDS = (40.0, 15.0, 6.0, *[BENT] * 7)
"""Round by round: at first everything counts, for a camera may have moved far."""

_STEP, _ENOUGH = 1e-5, 3


@dataclass(frozen=True, eq=False)
class KeypointView:
    """What one camera shows.

    Attributes:
        camera: see there.
        position, rotation: where it was calibrated to be, as of `RigCamera.pose`.
        peaks: found in its picture.
    """

    camera: RigCamera
    position: Array
    rotation: Array
    peaks: Peaks

    def ways(self) -> Array:
        """Directions in which the keypoints are seen, one metre ahead, (K, 3), in `base_link`."""
        middle = np.array([self.camera.width, self.camera.height]) / 2
        flat = (self.peaks.pixels - middle) / self.camera.focal
        return np.asarray(np.column_stack([flat, np.ones(len(flat))]) @ self.rotation.T)

    def lifted(self) -> Array:
        """The keypoints by this picture and its depths alone, (K, 3), m."""
        return np.asarray(self.position + self.peaks.depths[:, None] * self.ways())


@dataclass(frozen=True, eq=False)
class FittedKeypoints:
    """The scene that fits best.

    Attributes:
        poses: name to (x, y, z, yaw), m and rad, of the objects that were fitted.
        spreads: standard deviations of their places in the table plane, m.
        inliers: for each view and keypoint, whether it is seen and fits, (views, K).
        shifts: for each view, how far the camera is from where it was calibrated to be, m.
    """

    poses: Mapping[str, Array]
    spreads: Mapping[str, float]
    inliers: NDArray[np.bool_]
    shifts: tuple[float, ...]


def fit(rig: KeypointRig, views: Sequence[KeypointView], arm: Array) -> FittedKeypoints:
    """Fit objects and cameras to what the cameras show.

    Args:
        rig: what the keypoints mean.
        views: of the cameras.
        arm: where the arm's points are, shape (N, 3), m, see `KeypointRig.arm_points`.
    """
    problem = _Problem(rig, views, arm, ())
    cameras = problem.solved(np.zeros(problem.size))[0]
    starts = {}
    for number, thing in enumerate(rig.objects):
        start = _start(rig, views, problem.cameras(cameras), number)
        if start is not None:
            starts[thing.name] = start
    problem = _Problem(rig, views, arm, tuple(starts))
    first = np.concatenate([cameras, *starts.values()])
    found, covariance = problem.solved(first)
    places = found[problem.before :].reshape(-1, 4)
    spreads = {}
    for number, name in enumerate(starts):
        at = problem.before + 4 * number
        spreads[name] = math.sqrt(max(0.0, float(np.trace(covariance[at : at + 2, at : at + 2]))))
    poses = {}
    for thing in rig.objects:
        if thing.name in starts:
            x, y, z, yaw = places[list(starts).index(thing.name)]
            poses[thing.name] = np.array([x, y, z, thing.yaw(math.remainder(yaw, math.tau))])
    shifts = np.linalg.norm(found[: problem.before].reshape(-1, 6)[:, :3], axis=1)
    return FittedKeypoints(poses, spreads, problem.inliers(found), tuple(shifts.tolist()))


class _Problem:
    """Residuals of unknowns: six for each view's camera, four for each object that is fitted."""

    def __init__(
        self, rig: KeypointRig, views: Sequence[KeypointView], arm: Array, fitted: tuple[str, ...]
    ) -> None:
        self._rig, self._views, self._arm = rig, views, arm
        self._things = [each for each in rig.objects if each.name in fitted]
        self._spans = rig.spans
        self.before = 6 * len(views)
        self.size = self.before + 4 * len(self._things)
        used = np.zeros(rig.channels, bool)
        used[rig.arm] = True
        for thing in self._things:
            used[self._spans[thing.name]] = True
        self._seen = [used & (view.peaks.masses > SURE) for view in views]
        spreads = [[*[CAMERAS[v.camera.on][0]] * 3, *[CAMERAS[v.camera.on][1]] * 3] for v in views]
        heights = [
            [np.inf, np.inf, HEIGHT, 1e-3 if thing.symmetry == "round" else np.inf]
            for thing in self._things
        ]
        self._prior = 1.0 / np.array([s for part in (*spreads, *heights) for s in part])

    def cameras(self, unknown: Array) -> list[tuple[Array, Array]]:
        """Position and rotation of each view's camera for unknowns, shape (..., size)."""
        found = []
        for number, view in enumerate(self._views):
            moved = unknown[..., 6 * number : 6 * number + 6]
            found.append((view.position + moved[..., :3], view.rotation @ _turned(moved[..., 3:])))
        return found

    def _points(self, unknown: Array) -> Array:
        """All points, (..., K, 3); those of objects that are not fitted at the origin."""
        points = np.zeros((*unknown.shape[:-1], self._rig.channels, 3))
        points[..., self._rig.arm, :] = self._arm
        for number, thing in enumerate(self._things):
            at = self.before + 4 * number
            x, y, z, yaw = np.moveaxis(unknown[..., at : at + 4], -1, 0)[..., None]
            local, span = thing.places, self._spans[thing.name]
            cosine, sine = np.cos(yaw), np.sin(yaw)
            points[..., span, 0] = x + cosine * local[:, 0] - sine * local[:, 1]
            points[..., span, 1] = y + sine * local[:, 0] + cosine * local[:, 1]
            points[..., span, 2] = z + local[:, 2]
        return points

    def _misfits(self, unknown: Array) -> list[tuple[Array, Array]]:
        """For each view: of the keypoints seen in it, in pixels (..., N, 2) and depth (..., N)."""
        points, found = self._points(unknown), []
        for view, seen, (position, rotation) in zip(
            self._views, self._seen, self.cameras(unknown), strict=True
        ):
            camera = view.camera
            size = (camera.width, camera.height)
            pixels, ahead = in_picture(points[..., seen, :], position, rotation, camera.focal, size)
            off = (pixels - view.peaks.pixels[seen]) / PIXEL
            depth = (ahead / view.peaks.depths[seen] - 1.0) / DEPTH
            found.append((off, depth))
        return found

    def solved(self, first: Array) -> tuple[Array, Array]:
        """The unknowns that fit best, and their covariance."""
        unknown = first.copy()
        normal = np.diag(self._prior**2 + 1e-9)
        if not self.size:
            return unknown, normal
        steps = np.concatenate([np.zeros((1, self.size)), _STEP * np.eye(self.size)])
        for bent in _BENDS:
            rows, weights = self._rows(unknown + steps, bent)
            slope = (rows[1:] - rows[0]).T / _STEP
            weighted = slope * weights[:, None]
            normal = weighted.T @ slope + np.diag(self._prior**2 + 1e-9)
            change = np.linalg.solve(normal, -(weighted.T @ rows[0]) - self._prior**2 * unknown)
            unknown = unknown + np.clip(change, -0.3, 0.3)
            if bent == BENT and np.abs(change).max() < 1e-4:
                break
        return unknown, np.asarray(np.linalg.inv(normal), np.float64)

    def _rows(self, unknown: Array, bent: float) -> tuple[Array, Array]:
        """Residuals, (sets, rows), and how much each row counts at the first set."""
        rows, weights = [np.zeros((len(unknown), 0))], [np.zeros(0)]
        for (off, depth), view, seen in zip(
            self._misfits(unknown), self._views, self._seen, strict=True
        ):
            mass = view.peaks.masses[seen]
            trusted = mass / (1.0 + (off[0] ** 2).sum(axis=-1) / bent**2) ** 2
            rows += [off[..., 0], off[..., 1], depth]
            weights += [trusted, trusted, mass / (1.0 + depth[0] ** 2 / bent**2) ** 2]
        return np.concatenate(rows, axis=1), np.concatenate(weights)

    def inliers(self, unknown: Array) -> NDArray[np.bool_]:
        """Which keypoints are seen and fit, (views, K)."""
        found = np.zeros((len(self._views), self._rig.channels), bool)
        misfits = self._misfits(unknown)
        for row, (off, _), seen in zip(found, misfits, self._seen, strict=True):
            row[seen] = np.linalg.norm(off, axis=-1) < 2 * BENT
        return found


def _start(
    rig: KeypointRig,
    views: Sequence[KeypointView],
    cameras: Sequence[tuple[Array, Array]],
    number: int,
) -> Array | None:
    """Where an object is by the view that shows most of it, each point at its own height."""
    thing = rig.objects[number]
    span, best, chosen = rig.spans[thing.name], 0.0, None
    for view, pose in zip(views, cameras, strict=True):
        masses = np.where(view.peaks.masses[span] > SURE, view.peaks.masses[span], 0.0)
        if (masses > 0).sum() >= min(_ENOUGH, len(masses)) and masses.sum() > best:
            best, chosen = float(masses.sum()), (view, pose, masses)
    if chosen is None:
        return None
    view, (position, rotation), masses = chosen
    ways = replace(view, rotation=rotation).ways()[span]
    down = np.where(np.abs(ways[:, 2]) < 1e-3, -1e-3, ways[:, 2])
    ahead = (thing.places[:, 2] - position[2]) / down
    masses = masses * (ahead > 0)
    if not masses.any():
        return None
    flat = position[:2] + ahead[:, None] * ways[:, :2]
    return _planar(thing.places[:, :2], flat, masses, thing.symmetry == "round")


def _planar(local: Array, seen: Array, weights: Array, still: bool) -> Array:
    """(x, y, 0, yaw) that brings points of a plane nearest to where they are seen."""
    share = weights / weights.sum()
    here, there = share @ local, share @ seen
    a, b = local - here, seen - there
    sine = share @ (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    cosine = share @ (a * b).sum(axis=1)
    yaw = 0.0 if still else math.atan2(sine, cosine)
    c, s = math.cos(yaw), math.sin(yaw)
    x, y = there - np.array([[c, -s], [s, c]]) @ here
    return np.array([x, y, 0.0, yaw])


def _turned(vectors: Array) -> Array:
    """Rotation matrices of rotation vectors, (..., 3) to (..., 3, 3)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = cross.reshape(*vectors.shape[:-1], 3, 3)
    safe = np.maximum(angle, 1e-9)
    return np.asarray(
        np.eye(3) + np.sin(angle) / safe * cross + (1 - np.cos(angle)) / safe**2 * cross @ cross
    )
