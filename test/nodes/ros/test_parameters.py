"""Parameters: a name that no node has is an error, and ROS's own names are not."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from node_bench import bench

from kinevla_ros.nodes.arm.node import ArmNode
from kinevla_ros.nodes.cell.node import CellNode
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.ros.managed import ManagedNode
from kinevla_ros.nodes.ros.parameter_sections import files_without
from kinevla_ros.nodes.ros.parameters import UnknownParameter


@pytest.mark.parametrize(
    ("make", "given", "right"),
    [
        (ArmNode, "speed_scalling", "speed_scaling"),
        (ArmNode, "limits.velocty", "limits.velocity"),
        (PolicyNode, "min_consistancy", "min_consistency"),
        (CellNode, "seeds", "seed"),
    ],
)
def test_a_misspelt_parameter_is_an_error_that_names_the_right_one(
    make: type[ManagedNode], given: str, right: str
) -> None:
    with (
        bench({given: 10.0}),
        pytest.raises(
            UnknownParameter, match=f'has no parameter "{given}"; did you mean "{right}"'
        ),
    ):
        make()


def test_a_misspelt_parameter_in_a_file_is_an_error_too(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("some:\n  ros__parameters:\n    limits:\n      jrk: [1.0]\n")
    import rclpy

    rclpy.init(args=["--ros-args", "--params-file", str(file)])
    try:
        with pytest.raises(UnknownParameter, match=r'/some has no parameter "limits.jrk"'):
            ManagedNode("some", {})
    finally:
        rclpy.try_shutdown()


def test_ros_own_parameters_are_taken_by_every_node() -> None:
    own = {
        "use_sim_time": False,
        "start_type_description_service": True,
        "qos_overrides./diagnostics.publisher.depth": 5,
    }
    with bench(own) as node_bench:
        node_bench.add(lambda: ManagedNode("some", {}))


@pytest.mark.parametrize(
    ("section", "node", "fits"),
    [
        ("arm", "/arm", True),
        ("/arm", "/arm", True),
        ("amr", "/arm", False),
        ("arm", "/left/arm", False),
        ("left/arm", "/left/arm", True),
        ("left:\n  arm", "/left/arm", True),
        ('"/**"', "/left/arm", True),
        ('"/**/arm"', "/left/arm", True),
        ('"/**/arm"', "/arm", True),
        ('"/*/arm"', "/left/arm", True),
        ('"/*/arm"', "/arm", False),
    ],
)
def test_a_parameter_file_that_leaves_a_node_out_is_named(
    section: str, node: str, fits: bool, tmp_path: Path
) -> None:
    file = tmp_path / "my.yaml"
    depth = 2 * section.count("\n") + 2
    file.write_text(f"{section}:\n{' ' * depth}ros__parameters:\n{' ' * depth}  rate: 50.0\n")
    warnings = list(files_without(node, ["--ros-args", "--params-file", str(file)]))
    assert len(warnings) == (not fits)
    assert fits or f"has nothing for {node}" in warnings[0]
