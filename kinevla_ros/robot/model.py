"""The RealMan RM75-B and its EG2-4C2 gripper as numbers: the one source of the URDF and the MJCF.

Frames, limits and inertial values are the vendor's published ones (RM75-B, modified
Denavit-Hartenberg frames, joint axis z); shapes are primitives around the vendor's meshes.
Lengths in m, masses in kg, inertia in kg m^2 about the centre of mass, angles in rad.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

Vector = tuple[float, float, float]

FLANGE_LENGTH = 0.144
"""Joint 7 frame to flange, RM75-B (m)."""

TOOL_LENGTH = 0.122
"""Flange to tool centre point, between the finger pads (m)."""

Box = tuple[Vector, Vector]
"""Half sizes and centre (m)."""

PALM: Box = ((0.020, 0.045, 0.025), (0.0, 0.0, 0.025))
FINGERS: Box = ((0.010, 0.051, 0.041), (0.0, 0.0, 0.091))
"""Boxes around the gripper at whatever opening, in the flange's frame (that of link 7)."""


@dataclass(frozen=True)
class Link:
    """One link and the joint that carries it.

    `xyz` and `roll` place the joint frame in the parent's; the joint turns about its own z.
    `shape` is (kind, radius, from, to): a capsule or cylinder in the link's frame.
    """

    name: str
    xyz: Vector
    roll: float
    mass: float
    com: Vector
    inertia: tuple[float, float, float, float]  # ixx, iyy, izz, iyz
    shape: tuple[str, float, Vector, Vector]


_DOWN, _UP = -math.pi / 2, math.pi / 2

BASE = Link(
    "base_link", (0, 0, 0), 0, 1.862, (0.0005, 0.00005, 0.06002),
    (0.0017232, 0.0017051, 0.0009016, 0.0),
    ("cylinder", 0.055, (0, 0, 0), (0, 0, 0.1385)),
)  # fmt: skip

LINKS: tuple[Link, ...] = (
    Link("link1", (0, 0, 0.2405), 0, 1.574, (0.00024, -0.01327, -0.00995),
         (0.0024876, 0.002321, 0.0014506, 0.0001794),
         ("capsule", 0.041, (0, 0, -0.061), (0, 0, 0))),
    Link("link2", (0, 0, 0), _DOWN, 1.217, (-0.00036, -0.10679, 0.00533),
         (0.0034941, 0.0008927, 0.0034441, -0.0005839),
         ("capsule", 0.040, (0, 0, 0), (0, -0.112, 0))),
    Link("link3", (0, -0.256, 0), _UP, 1.110, (0, -0.01398, -0.01132),
         (0.0018367, 0.0014989, 0.0010625, 0.0000372),
         ("capsule", 0.035, (0, 0, -0.068), (0, 0, 0))),
    Link("link4", (0, 0, 0), _DOWN, 0.685, (-0.00001, -0.08466, 0.00475),
         (0.0012824, 0.000373, 0.0012562, -0.0002321),
         ("capsule", 0.034, (0, 0, 0), (0, -0.0945, 0))),
    Link("link5", (0, -0.210, 0), _UP, 0.619, (0.00008, -0.01294, -0.00878),
         (0.0006273, 0.0005425, 0.0003703, 0.000035),
         ("capsule", 0.029, (0, 0, -0.0525), (0, 0, 0))),
    Link("link6", (0, 0, 0), _DOWN, 0.602, (-0.00001, -0.07852, 0.00282),
         (0.0007808, 0.00029, 0.000764, -0.0001205),
         ("capsule", 0.029, (0, 0, 0), (0, -0.086, 0))),
    Link("link7", (0, -FLANGE_LENGTH, 0), _UP, 0.107, (0.00109, -0.00008, -0.01012),
         (0.0000441, 0.0000351, 0.0000654, 0.0),
         ("cylinder", 0.037, (0, 0, -0.029), (0, 0, 0))),
)  # fmt: skip

POSITION_LIMITS: tuple[float, ...] = tuple(
    math.radians(d) for d in (178, 130, 178, 135, 178, 128, 360)
)
"""Symmetric joint limits (rad): vendor manual and library."""

VELOCITY_LIMITS: tuple[float, ...] = tuple(
    math.radians(d) for d in (180, 180, 225, 225, 225, 225, 225)
)
"""Largest joint speed (rad/s): vendor manual."""

DARK = ("base_link", "link7", "tool")
"""Links drawn darker than the others."""

EFFORT_LIMITS: tuple[float, ...] = (60, 60, 30, 30, 10, 10, 10)
"""Largest joint torque (N m): vendor URDF."""


MESHES = "package://kinevla_ros/meshes"
"""Where those who know the package find a mesh for each link."""


def urdf(meshes: str = "") -> str:
    """Return the arm with its gripper as URDF; root `base_link`, tip `tool`.

    Args:
        meshes: address of a folder with `<link>.stl` for each link, as `MESHES`; the collision
            shapes are shown where it is empty.
    """
    parts = ['<?xml version="1.0"?>', '<robot name="rm75">', _link_urdf(BASE, meshes)]
    parent = BASE.name
    for number, link in enumerate(LINKS, start=1):
        parts += [_link_urdf(link, meshes), _joint_urdf(number, link, parent)]
        parent = link.name
    gripper = '<origin xyz="0 0 -0.06"/><geometry><box size="0.04 0.09 0.12"/></geometry>'
    parts += [
        f'<link name="tool"><visual>{_mesh(meshes, "tool") or gripper}</visual></link>',
        # Turned by half a turn so that the tool's x axis points away from the base at home.
        f'<joint name="tool_joint" type="fixed"><parent link="{parent}"/><child link="tool"/>'
        f'<origin xyz="0 0 {TOOL_LENGTH}" rpy="0 0 {math.pi}"/></joint>',
        "</robot>",
    ]
    return "\n".join(parts)


def _mesh(meshes: str, name: str) -> str:
    """A link's mesh and colour; empty where there are no meshes."""
    if not meshes:
        return ""
    shade = "0.25 0.25 0.28 1" if name in DARK else "0.92 0.92 0.93 1"
    return (
        f"<geometry><mesh filename={quoteattr(f'{meshes}/{name}.stl')}/></geometry>"
        f'<material name={quoteattr(name)}><color rgba="{shade}"/></material>'
    )


def _link_urdf(link: Link, meshes: str) -> str:
    kind, radius, start, end = link.shape
    ixx, iyy, izz, iyz = link.inertia
    middle = " ".join(f"{(a + b) / 2:g}" for a, b in zip(start, end, strict=True))
    # Every shape lies along z or -y of its link.
    roll = 0.0 if start[:2] == end[:2] else _UP
    length = math.dist(start, end) + (2 * radius if kind == "capsule" else 0)
    geometry = (
        f'<origin xyz="{middle}" rpy="{roll} 0 0"/><geometry>'
        f'<cylinder radius="{radius}" length="{length:g}"/></geometry>'
    )
    com = " ".join(f"{c:g}" for c in link.com)
    return (
        f"<link name={quoteattr(link.name)}><inertial>"
        f'<origin xyz="{com}"/><mass value="{link.mass}"/>'
        f'<inertia ixx="{ixx}" iyy="{iyy}" izz="{izz}" ixy="0" ixz="0" iyz="{iyz}"/></inertial>'
        f"<visual>{_mesh(meshes, link.name) or geometry}</visual>"
        f"<collision>{geometry}</collision></link>"
    )


def _joint_urdf(number: int, link: Link, parent: str) -> str:
    xyz = " ".join(f"{c:g}" for c in link.xyz)
    limit = POSITION_LIMITS[number - 1]
    return (
        f'<joint name="joint{number}" type="revolute"><parent link="{parent}"/>'
        f'<child link="{link.name}"/><origin xyz="{xyz}" rpy="{link.roll} 0 0"/>'
        f'<axis xyz="0 0 1"/><limit lower="{-limit}" upper="{limit}" '
        f'velocity="{VELOCITY_LIMITS[number - 1]}" effort="{EFFORT_LIMITS[number - 1]}"/></joint>'
    )
