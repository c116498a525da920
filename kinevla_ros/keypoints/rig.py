"""What keypoints there are, and which cameras see them: the contract of a network's file."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from kinevla_ros.robot.kinematics import link_poses

Array = NDArray[np.float64]

Kind = Literal["interaction", "positional", "boundary"]
"""Where a hand or another object meets it; what tells its place; where it ends."""

Symmetry = Literal["none", "half turn", "round"]
Metres = Annotated[float, Field(ge=-5.0, le=5.0, allow_inf_nan=False)]
Place = tuple[Metres, Metres, Metres]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class _RigPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Keypoint(_RigPart):
    """A point of an object or of the arm.

    Attributes:
        name, kind: see there.
        place: in the frame of what it belongs to, m.
        opens: by how much of the gripper's opening it moves along y, m/m.
    """

    name: Name
    kind: Kind
    place: Place
    opens: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0


class KeypointObject(_RigPart):
    """An object that stands or lies on the table; the first point is its centre.

    Attributes:
        name: as skills call it.
        symmetry: half turn: it looks the same after one, and its yaw is within a quarter turn of
            zero; round: its points keep the base's axes, and its yaw is zero.
        points: in the frame on the table below it.
    """

    name: Name
    symmetry: Symmetry
    points: Annotated[tuple[Keypoint, ...], Field(min_length=2)]

    @property
    def places(self) -> Array:
        """Of its points, shape (N, 3), m."""
        return np.array([point.place for point in self.points])

    def yaw(self, yaw: float) -> float:
        """The one yaw of those that look alike (rad)."""
        if self.symmetry == "round":
            return 0.0
        return math.remainder(yaw, math.pi) if self.symmetry == "half turn" else yaw


class RigCamera(_RigPart):
    """A camera as it was trained with.

    Attributes:
        name: as in an observation.
        on: what carries it, the base or the tool.
        position, rotation: pose in that frame, m; columns of the rotation: right, down, ahead.
        fovy: vertical field of view, degrees.
        width, height: of what the network reads, px; pictures are scaled to it.
    """

    name: Name
    on: Literal["base", "tool"]
    position: Place
    rotation: tuple[Place, Place, Place]
    fovy: Annotated[float, Field(gt=1.0, lt=170.0)]
    width: Annotated[int, Field(ge=16, le=4096)]
    height: Annotated[int, Field(ge=16, le=4096)]

    @property
    def focal(self) -> float:
        """Focal length, px."""
        return 0.5 * self.height / math.tan(math.radians(self.fovy) / 2)

    def pose(self, joints: Array) -> tuple[Array, Array]:
        """Position, shape (3,), m, and rotation, shape (3, 3), in `base_link`."""
        position, rotation = np.array(self.position), np.array(self.rotation)
        if self.on == "base":
            return position, rotation
        tool, turned = link_poses(joints)["tool"]
        return tool + turned @ position, turned @ rotation


class KeypointRig(_RigPart):
    """Everything that a network's outputs mean; channels are objects' points, then the arm's.

    Attributes:
        objects: see there.
        base, tool: points of the arm in the frame of its base and of its tool; by them a camera
            that has moved is found. Of two of the tool's that are mirrored, the first is the one
            farther towards the base's +y.
        cameras: see there.
    """

    objects: Annotated[tuple[KeypointObject, ...], Field(min_length=1, max_length=32)]
    base: tuple[Keypoint, ...]
    tool: tuple[Keypoint, ...]
    cameras: Annotated[tuple[RigCamera, ...], Field(min_length=1, max_length=4)]

    @property
    def channels(self) -> int:
        """Number of keypoints."""
        return sum(len(each.points) for each in self.objects) + len(self.base) + len(self.tool)

    @property
    def spans(self) -> dict[str, slice]:
        """Channels of each object."""
        found, first = {}, 0
        for each in self.objects:
            found[each.name] = slice(first, first + len(each.points))
            first += len(each.points)
        return found

    @property
    def arm(self) -> slice:
        """Channels of the arm."""
        return slice(self.channels - len(self.base) - len(self.tool), self.channels)

    @property
    def centres(self) -> list[int]:
        """Channels of the objects' centres."""
        return [span.start for span in self.spans.values()]

    @property
    def mirrored(self) -> list[int]:
        """For each channel the one that takes its place in a mirrored picture."""
        found: list[int] = []
        for points in (*(each.points for each in self.objects), self.base, self.tool):
            first, places = len(found), [point.place for point in points]
            opens = [point.opens for point in points]
            keys = [(*place, o) for place, o in zip(places, opens, strict=True)]
            others = [((x, -y, z), -o) for (x, y, z), o in zip(places, opens, strict=True)]
            found += [first + keys.index((*place, o)) for place, o in others]
        return found

    def arm_points(self, joints: Array, opening: float) -> Array:
        """Where the arm's points are, shape (N, 3), m, in `base_link`.

        Args:
            joints: shape (7,), rad.
            opening: of the gripper, m.
        """
        tool, turned = link_poses(joints)["tool"]
        # Left and right are told by the base's axes: a gripper looks alike after half a turn.
        side = 1.0 if turned[1, 1] >= 0 else -1.0
        local = np.array([p.place for p in self.tool]).reshape(-1, 3)
        local[:, 1] = side * (local[:, 1] + opening * np.array([p.opens for p in self.tool]))
        base = np.array([p.place for p in self.base]).reshape(-1, 3)
        return np.concatenate([base, tool + local @ turned.T])


def object_points(thing: KeypointObject, pose: Array) -> Array:
    """Where an object's points are, shape (N, 3), m, in `base_link`.

    Args:
        pose: (x, y, yaw) on the table or (x, y, z, yaw), m and rad.
    """
    x, y, yaw = pose[0], pose[1], thing.yaw(float(pose[-1]))
    z = pose[2] if len(pose) == 4 else 0.0
    cosine, sine = math.cos(yaw), math.sin(yaw)
    turned = thing.places @ np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    return turned + np.array([x, y, z])


def in_picture(
    points: Array, position: Array, rotation: Array, focal: float, size: tuple[float, float]
) -> tuple[Array, Array]:
    """Where points are in a picture.

    Args:
        points: shape (..., N, 3), m.
        position, rotation: of the camera, (..., 3) and (..., 3, 3); columns right, down, ahead.
        focal: px.
        size: width and height, px.

    Returns:
        Pixels from the upper left corner, (..., N, 2), and how far ahead, (..., N), m.
    """
    local = (points - position[..., None, :]) @ rotation
    ahead = local[..., 2]
    safe = np.where(np.abs(ahead) < 1e-3, 1e-3, ahead)
    return local[..., :2] / safe[..., None] * focal + np.array(size) / 2, ahead
