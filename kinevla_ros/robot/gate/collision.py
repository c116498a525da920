"""Distances of the arm from itself, the table and the walls of its workspace.

Kinematics by pinocchio, distances by coal, shapes from `robot.model`: the primitives around the
links and boxes around the gripper at whatever opening. What the model does not have (cables,
cameras, a held object) is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import coal
import numpy as np
import pinocchio
from numpy.typing import NDArray

from kinevla_ros.robot.gate.check_result import CheckResult, Fault, refused
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.model import BASE, FINGERS, LINKS, PALM, Box, Link, urdf

Array = NDArray[np.float64]

STEP = 0.03
"""Largest turn of a joint between two looks along a path (rad): 2 cm at the tool, arm stretched."""


@dataclass(frozen=True)
class Clearance:
    """The two bodies that are nearest to being too near.

    Attributes:
        margin: distance beyond the one to be kept, m; negative when they are too near.
        fault: what it is when they are.
        body: link or part of the gripper.
        other: another one, the table, or a wall of the workspace.
    """

    margin: float
    fault: Fault
    body: str
    other: str


def too_near(found: Clearance, who: str) -> CheckResult:
    """Return the result that `who` would bring these two nearer than they may be."""
    reason = (
        f"{who} would bring {found.body} {-found.margin * 1000:.0f} mm too near to {found.other}"
    )
    return refused(found.fault, reason, found.body, found.margin)


@dataclass(frozen=True)
class _Body:
    """A shape on a joint: 1 to 7, or 0 for what does not move."""

    joint: int
    shape: coal.ShapeBase
    placement: pinocchio.SE3


class CollisionModel:
    """Clearances of the arm in one workspace; for one thread at a time."""

    def __init__(self, workspace: Workspace) -> None:
        self._arm = pinocchio.buildModelFromXML(urdf())
        self._shapes = pinocchio.GeometryModel()
        bodies = _bodies(workspace)
        ids = {name: self._add(name, body) for name, body in bodies.items()}
        self._pairs = tuple(_pairs(workspace, bodies))
        for body, other, _, _ in self._pairs:
            self._shapes.addCollisionPair(pinocchio.CollisionPair(ids[body], ids[other]))
        self._kept = np.array([distance for _, _, _, distance in self._pairs])
        self._arm_data, self._shape_data = self._arm.createData(), self._shapes.createData()
        self._by_reserve: dict[float, pinocchio.GeometryData] = {}

    def _add(self, name: str, body: _Body) -> int:
        shape = pinocchio.GeometryObject(name, body.joint, body.placement, body.shape)
        return int(self._shapes.addGeometryObject(shape))

    def nearest(self, q: Array) -> Clearance:
        """Return the least clearance at joint positions `q`, shape (7,), rad.

        Raises:
            ValueError: A position is not finite.
        """
        if not np.isfinite(q).all():
            raise ValueError(f"joint positions {q} are not finite")
        pinocchio.computeDistances(self._arm, self._arm_data, self._shapes, self._shape_data, q)
        found = [result.min_distance for result in self._shape_data.distanceResults]
        margins = np.array(found) - self._kept
        index = int(margins.argmin())
        body, other, fault, _ = self._pairs[index]
        return Clearance(float(margins[index]), fault, body, other)

    def obstacle(self, path: Array, reserve: float = 0.0) -> Clearance | None:
        """Return what is in the way on straight ways through `path`, shape (n, 7), rad, if any.

        Looks at every `STEP`; much faster than `nearest` where nothing is.

        Args:
            path: joint positions to go through.
            reserve: distance added to those to be kept, m, if it is there at the start: who stands
                inside the reserve may leave it.

        Raises:
            ValueError: A position is not finite.
        """
        if not np.isfinite(path).all():
            raise ValueError(f"joint positions {path} are not finite")
        if reserve and self._blocked(path[0], reserve):
            reserve = 0.0
        for q in _way(path):
            if self._blocked(q, reserve):
                found = self.nearest(q)
                return replace(found, margin=min(found.margin - reserve, 0.0))
        return None

    def _blocked(self, q: Array, reserve: float) -> bool:
        looks = self._looks(reserve)
        found = pinocchio.computeCollisions(self._arm, self._arm_data, self._shapes, looks, q, True)
        return bool(found)

    def _looks(self, reserve: float) -> pinocchio.GeometryData:
        """What pinocchio needs to look for pairs that are nearer than to be kept with `reserve`."""
        if reserve not in self._by_reserve:
            looks = self._shapes.createData()
            for request, kept in zip(looks.collisionRequests, self._kept, strict=True):
                request.security_margin = float(kept) + reserve
            self._by_reserve[reserve] = looks
        return self._by_reserve[reserve]


def _way(path: Array) -> Iterator[Array]:
    """Joint positions on straight ways, `STEP` apart or less."""
    yield path[0]
    for start, end in pairwise(path):
        looks = max(1, int(np.ceil(abs(end - start).max() / STEP)))
        for look in range(1, looks + 1):
            yield start + look / looks * (end - start)


def _pairs(
    workspace: Workspace, bodies: dict[str, _Body]
) -> Iterator[tuple[str, str, Fault, float]]:
    """Body, other body, fault and distance to be kept (m), of all that can meet."""
    links = [name for name in bodies if name not in _WALLS]
    for a, b in combinations(links, 2):
        if abs(bodies[a].joint - bodies[b].joint) > 1:
            yield a, b, Fault.SELF_COLLISION, workspace.self_clearance
    for link in links:
        # Base and link 1 turn on the spot.
        if bodies[link].joint > 1:
            fingers = link == "fingers"
            kept = workspace.finger_clearance if fingers else workspace.link_clearance
            yield link, "table", Fault.TABLE_COLLISION, kept
            for wall in _WALLS[1:]:
                yield link, wall, Fault.WORKSPACE_LIMIT, 0.0


_WALLS = ("table", "back wall", "front wall", "left wall", "right wall", "ceiling")


def _bodies(workspace: Workspace) -> dict[str, _Body]:
    found = {BASE.name: _of_link(0, BASE)}
    found |= {link.name: _of_link(number, link) for number, link in enumerate(LINKS, start=1)}
    found |= {"palm": _of_box(PALM), "fingers": _of_box(FINGERS)}
    (back, front), (left, right) = workspace.x, workspace.y
    planes = [
        ((0, 0, 1), workspace.table),
        ((1, 0, 0), back),
        ((-1, 0, 0), -front),
        ((0, 1, 0), left),
        ((0, -1, 0), -right),
        ((0, 0, -1), -workspace.top),
    ]
    for name, (normal, offset) in zip(_WALLS, planes, strict=True):
        solid = coal.Halfspace(np.array(normal, dtype=float), offset)
        found[name] = _Body(0, solid, pinocchio.SE3.Identity())
    return found


def _of_link(joint: int, link: Link) -> _Body:
    kind, radius, start, end = link.shape
    way = np.subtract(end, start)
    length = float(np.linalg.norm(way))
    turn = pinocchio.Quaternion.FromTwoVectors(np.array([0.0, 0.0, 1.0]), way / length)
    shape = coal.Capsule(radius, length) if kind == "capsule" else coal.Cylinder(radius, length)
    middle = np.add(start, end) / 2
    return _Body(joint, shape, pinocchio.SE3(turn.toRotationMatrix(), middle))


def _of_box(box: Box) -> _Body:
    half, centre = np.array(box)
    return _Body(len(LINKS), coal.Box(*(2 * half)), pinocchio.SE3(np.eye(3), centre))
