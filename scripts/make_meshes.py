"""Makes meshes/*.stl and urdf/rm75.urdf: the RM75 as RViz, MoveIt and Foxglove show it.

The meshes are drawn here from the sizes in `kinevla_ros/robot/model.py`: a tube a link and a
housing at each joint that turns across it. The shapes that the safety gate checks are rounder.
Needs trimesh: python scripts/make_meshes.py
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import trimesh
from trimesh.creation import box, cylinder, revolve

from kinevla_ros.robot.model import BASE, FINGERS, LINKS, MESHES, PALM, TOOL_LENGTH, Link, urdf

SECTIONS = 32
HOUSING = 0.8, 0.6
"""Radius and half length of a joint's housing, of the link's radius: its rim is on a sphere."""

NECK = 0.78
"""Radius of a tube between its ends, of the radius there."""

PAD = 0.008, 0.006
"""Half sizes of a finger along x and y (m)."""

OPENING = 0.035
"""Between the fingers as drawn (m): half open."""


def tube(link: Link) -> trimesh.Trimesh:
    """From one end of the link's shape to the other, slimmer between them."""
    kind, radius, first, last = link.shape
    start, end = np.array(first), np.array(last)
    along = (end - start) / math.dist(start, end)
    slim = kind == "capsule"
    if slim and start.any():  # the rounded end that is not at the link's own joint
        start = start - radius * along
    elif slim:
        end = end + radius * along
    length = float(np.linalg.norm(end - start))
    wide = HOUSING[0] * radius if slim else radius
    cap, neck = min(0.25 * length, 0.6 * wide), NECK * wide if slim else 0.94 * wide
    heights = (0, 0, 0.15 * cap, cap, 2 * cap, length - 2 * cap, length - cap)
    heights += (length - 0.15 * cap, length, length)
    radii = (0, 0.9 * wide, wide, wide, neck, neck, wide, wide, 0.9 * wide, 0)
    outline = np.column_stack([radii, np.maximum.accumulate(heights)])
    mesh = revolve(outline, sections=SECTIONS)
    mesh.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], along))
    mesh.apply_translation(start)
    return mesh


def housing(link: Link) -> trimesh.Trimesh:
    """At the link's origin, around the joint whose axis lies across the tube."""
    radius = link.shape[1]
    across = "y" if link.shape[2][2] != link.shape[3][2] else "z"
    mesh = cylinder(HOUSING[0] * radius, 2 * HOUSING[1] * radius, sections=SECTIONS)
    if across == "y":
        mesh.apply_transform(trimesh.transformations.rotation_matrix(math.pi / 2, [1, 0, 0]))
    return mesh


def gripper() -> trimesh.Trimesh:
    """Palm and two fingers in the tool's frame."""
    parts = [box(2 * np.array(PALM[0]))]
    parts[0].apply_translation(PALM[1])
    height = FINGERS[0][2]
    for side in (-1, 1):
        finger = box(2 * np.array([*PAD, height]))
        finger.apply_translation([0, side * (OPENING / 2 + PAD[1]), FINGERS[1][2]])
        parts.append(finger)
    mesh = trimesh.util.concatenate(parts)
    mesh.apply_translation([0, 0, -TOOL_LENGTH])
    return mesh


def meshes() -> dict[str, trimesh.Trimesh]:
    """A mesh for each link, in its frame (m), by name."""
    found = {BASE.name: tube(BASE)}
    for link in LINKS:
        parts = [tube(link)]
        if link.shape[0] == "capsule":
            parts.append(housing(link))
        found[link.name] = trimesh.util.concatenate(parts)
    return found | {"tool": gripper()}


def main() -> None:
    """Write the files."""
    root = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=root, help="folder for meshes/ and urdf/")
    output = parser.parse_args().output
    for folder in ("meshes", "urdf"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    for name, mesh in meshes().items():
        mesh.export(output / "meshes" / f"{name}.stl")
    (output / "urdf" / "rm75.urdf").write_text(urdf(MESHES) + "\n")


if __name__ == "__main__":
    main()
