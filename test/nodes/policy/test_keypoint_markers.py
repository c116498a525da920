"""What RViz shows of the keypoints that skills find."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker

from kinevla_ros.keypoints.seen import SeenObject
from kinevla_ros.nodes.policy.rviz import KINDS, keypoint_markers

BREAD = SeenObject(
    pose=np.array([0.25, 0.0, 0.3]),
    spread=0.0021,
    names=("centre", "end"),
    kinds=("positional", "boundary"),
    points=np.array([[0.25, 0.0, 0.03], [0.3, 0.0, 0.03]]),
    seen=np.array([True, False]),
)


def test_each_keypoint_is_a_ball_of_its_kind_and_pale_where_it_is_only_inferred() -> None:
    balls, text = keypoint_markers({"bread": BREAD}, Time(sec=5), "left/base_link").markers
    assert balls.type == Marker.SPHERE_LIST and balls.header.frame_id == "left/base_link"
    assert [(p.x, p.z) for p in balls.points] == [(0.25, 0.03), (0.3, 0.03)]
    colours = [(round(c.r, 3), round(c.g, 3), round(c.b, 3)) for c in balls.colors]
    assert colours == [KINDS["positional"], KINDS["boundary"]]
    assert balls.colors[0].a > 0.9 > balls.colors[1].a
    assert text.text == "bread ±2 mm"
    assert (balls.ns, balls.id) != (text.ns, text.id)


def test_nothing_that_is_seen_is_no_marker() -> None:
    assert keypoint_markers({}, Time()).markers == []
