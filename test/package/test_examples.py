"""The examples are short, and each does what it says."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from kinevla_ros.sim.libero.installed import is_installed

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("[1-9]*.py"))


def example(number: int) -> str:
    return next(str(path) for path in EXAMPLES if path.name.startswith(f"{number}_"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_page_and_begins_with_what_it_shows(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 40
    assert lines[0].startswith('"""')


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, ["goal:       place the carrot in the plate", "upper", "joint targets"]),
        (2, ["goal codes alone: joints off by 0.0", "all codes: joints off by 0.0"]),
        (3, ["+0.5 rad/s: passed", "VELOCITY_LIMIT", "TABLE_COLLISION", "margin -0.4"]),
        (5, ["moving", "0 chunks refused"]),
    ],
)
def test_it_prints_what_came_of_it(
    number: int, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(example(number), run_name="__main__")
    printed = capsys.readouterr().out
    for words in said:
        assert words in printed


def test_a_way_of_each_libero_suite_is_demonstrated_judged_and_drawn(tmp_path: Path) -> None:
    if not is_installed():
        pytest.skip("LIBERO is not installed: run scripts/libero.sh")
    command = [sys.executable, example(7), str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    assert done.stdout.count("goal True, LIBERO says True") == 2, done.stdout
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_a_program_of_the_vendors_runs_without_an_arm() -> None:
    pytest.importorskip("Robotic_Arm.rm_robot_interface")
    # In a process of its own: the vendor's library may end the one it is in.
    command = [sys.executable, example(6)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert "[20.0, 20.0, 0.0, 80.0, 0.0, 80.0, 0.0] degrees" in done.stdout
    assert "1 (1: the controller refuses)" in done.stdout


def test_another_policy_moves_the_arm_through_the_gate() -> None:
    pytest.importorskip("rclpy")
    from arm_node_bench import arm_node

    from kinevla_ros.msg import SafetyStatus

    with arm_node() as arm:
        arm.bench.spin_until(lambda: arm.joints and len(arm.joints[-1].name) == 8, "gripper")
        arm.become_ready()
        node = runpy.run_path(example(4))["OtherPolicy"]()
        arm.bench.executor.add_node(node)
        try:
            arm.bench.spin_until(lambda: arm.joints[-1].position[6] > 0.3, "the last joint turned")
        finally:
            node.destroy_node()
        assert arm.expect(SafetyStatus.MOVING).fault == SafetyStatus.NONE
