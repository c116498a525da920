"""The URDF and its meshes as files: what is drawn is the arm that the package knows."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trimesh")

import trimesh

from kinevla_ros.base.resources import resource_path
from kinevla_ros.robot.model import BASE, FINGERS, LINKS, MESHES, TOOL_LENGTH, Link, urdf

NAMES = [link.name for link in (BASE, *LINKS)] + ["tool"]


def mesh(name: str) -> trimesh.Trimesh:
    return trimesh.load_mesh(resource_path("meshes", f"{name}.stl"))


def test_the_files_are_what_the_script_makes(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "scripts/make_meshes.py"
    subprocess.run([sys.executable, script, "--output", tmp_path], check=True)
    made = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*.*")}
    assert sorted(made) == sorted([*(f"meshes/{name}.stl" for name in NAMES), "urdf/rm75.urdf"])
    assert made["urdf/rm75.urdf"].read_text() == resource_path("urdf", "rm75.urdf").read_text()
    for name in NAMES:
        remade = trimesh.load_mesh(made[f"meshes/{name}.stl"])
        np.testing.assert_allclose(remade.triangles, mesh(name).triangles, atol=1e-6)


def test_the_urdf_names_a_mesh_that_exists_for_every_link() -> None:
    text = urdf(MESHES)
    assert text.count("<mesh filename=") == len(NAMES)
    for name in NAMES:
        assert f'filename="{MESHES}/{name}.stl"' in text
        assert resource_path("meshes", f"{name}.stl").stat().st_size < 50_000


@pytest.mark.parametrize("link", [BASE, *LINKS], ids=lambda link: link.name)
def test_a_link_is_as_thick_and_as_long_as_the_shape_that_the_gate_checks(link: Link) -> None:
    _, radius, first, last = link.shape
    start, end = np.array(first), np.array(last)
    along = (end - start) / math.dist(start, end)
    points = mesh(link.name).vertices - start
    heights = points @ along
    across = np.linalg.norm(points - np.outer(heights, along), axis=1)
    assert 0.79 * radius < across.max() <= radius + 1e-6
    assert heights.min() >= -radius - 1e-6
    assert heights.max() <= math.dist(start, end) + radius + 1e-6


def test_the_fingers_end_where_the_gate_has_them_around_the_tool_centre_point() -> None:
    vertices = mesh("tool").vertices
    tip = FINGERS[0][2] + FINGERS[1][2] - TOOL_LENGTH
    assert vertices[:, 2].max() == pytest.approx(tip, abs=1e-6)
    assert vertices[:, 2].min() == pytest.approx(-TOOL_LENGTH, abs=1e-6)
    between = vertices[vertices[:, 2] > -0.01]
    assert (abs(between[:, 1]) >= 0.017).all()
