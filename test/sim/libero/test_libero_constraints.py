"""Constraints of LIBERO's ways on tracks made by hand; no LIBERO is needed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kinevla_ros.sim.libero import constraints as ask
from kinevla_ros.sim.libero import push_constraints as pushed
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.scene import BOTTLE, BOWL, OBJECTS, PLATE, SIDES, TOP_SIDE
from kinevla_ros.sim.libero.track import Track, TrackedMoment
from kinevla_ros.sim.libero.world import Touch

START = TrackedMoment(
    hand=np.array([-0.2, 0.0, 1.2]),
    rotation=np.diag([1.0, -1.0, -1.0]),
    opening=0.08,
    positions={name: np.array([0.05, -0.02, 0.9]) for name in OBJECTS},
    rotations={name: np.eye(3) for name in OBJECTS},
    drawers={"top": 0.0, "middle": 0.0, "bottom": 0.0},
    knob=0.0,
    touches={},
    sites={TOP_SIDE: np.array([0.036, -0.25, 1.13])},
    stove=np.array([-0.254, 0.2, 0.905]),
)


def moved(name: str, *corners: tuple[float, float], steps: int = 30) -> Track:
    """A track in which the hand takes an object along the table from corner to corner."""
    track, place = Track(START), START.positions[name][:2]
    for corner in corners:
        for share in np.linspace(0, 1, steps + 1)[1:]:
            point = np.array([*((1 - share) * place + share * np.array(corner)), 0.9])
            positions = {**START.positions, name: point}
            touches = {name: Touch(point, 2)}
            track.add(replace(START, hand=point, positions=positions, touches=touches))
        place = np.array(corner)
    for _ in range(4):
        track.add(replace(track.end, touches={}))
    return track


def lifted(grip: np.ndarray, name: str = BOWL) -> Track:
    """A track in which both fingers lift an object, `grip` from its origin."""
    track = Track(START)
    for height in (0.9, 0.9, 0.93, 0.96):
        point = np.array([0.05, -0.02, height])
        positions = {**START.positions, name: point}
        track.add(replace(START, positions=positions, touches={name: Touch(point + grip, 2)}))
    return track


def turned_label(degrees: float) -> Track:
    """A track that ends with the bottle turned from its start about the vertical."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    track = Track(START)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    track.add(replace(START, rotations={**START.rotations, BOTTLE: turn}))
    return track


def test_right_then_back_is_no_diagonal_and_a_diagonal_is_not_right_then_back() -> None:
    corner = moved(PLATE, (0.05, 0.22), (-0.06, 0.22))
    line = moved(PLATE, (-0.06, 0.22))
    found = [
        [pushed.plate_path(path)(track)[0] for path in ("right_back", "diagonal")]
        for track in (corner, line)
    ]
    assert found == [[True, False], [False, True]]


def test_back_then_right_is_neither() -> None:
    track = moved(PLATE, (-0.06, -0.02), (-0.06, 0.22))
    assert not any(pushed.plate_path(path)(track)[0] for path in ("right_back", "diagonal"))


def test_close_and_far_are_distinguished_and_neither_is_another_place() -> None:
    close, far = moved(PLATE, (-0.08, 0.22)), moved(PLATE, (-0.03, 0.22))
    ways = [{"path": "diagonal", "distance": distance} for distance in ("close", "far")]
    found = [[judge(t, "plate_before_stove", way).kinematic for way in ways] for t in (close, far)]
    assert found == [[True, False], [False, True]]
    assert not judge(moved(PLATE, (-0.08, 0.4)), "plate_before_stove", ways[0]).goal


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_edge_is_where_the_fingers_lift_the_bowl(side: str) -> None:
    track = lifted(0.047 * SIDES[side])
    assert ask.edge(side)(track)[0]
    assert not ask.edge({"left": "right", "right": "left"}[side])(track)[0]


def test_a_bowl_that_was_never_lifted_is_held_by_no_edge() -> None:
    track = moved(BOWL, (-0.06, 0.22))
    assert not any(ask.edge(side)(track)[0] for side in ("left", "right"))
    assert not ask.order(BOWL)(track)[0]


def test_neck_and_body_are_heights_of_the_grip() -> None:
    for part, height in (("neck", 0.12), ("body", 0.045)):
        track = lifted(np.array([0.0, 0.0, height]), BOTTLE)
        held = {name: ask.bottle_part(name)(track)[0] for name in ("neck", "body")}
        assert held == {"neck": part == "neck", "body": part == "body"}


@pytest.mark.parametrize(("side", "degrees"), [("left", 0), ("front", 90), ("right", 180)])
def test_the_label_faces_one_side_alone(side: str, degrees: float) -> None:
    for slack in (-29.0, 29.0):
        track = turned_label(degrees + slack)
        assert [name for name in SIDES if ask.label(name)(track)[0]] == [side]
    assert not any(ask.label(name)(turned_label(degrees + 45))[0] for name in SIDES)


def test_extents_of_a_drawer_do_not_overlap() -> None:
    for width, extent in ((0.157, "completely"), (0.08, "halfway"), (0.035, "slightly")):
        track = Track(START)
        track.add(replace(START, drawers={**START.drawers, "top": width}))
        assert [name for name in ask.EXTENTS if ask.extent("top", name)(track)[0]] == [extent]


def test_a_goal_that_no_set_has_is_an_error() -> None:
    with pytest.raises(KeyError):
        judge(Track(START), "bread", {})
