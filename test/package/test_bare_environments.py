"""The policy on a machine without the robot's libraries, the robot on one without the policy's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kinevla_ros

PACKAGE = Path(kinevla_ros.__file__).parent

REFUSING = """
import importlib, sys
missing, modules = sys.argv[1].split(), sys.argv[2].split()

class Absent:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in missing):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for module in modules:
    importlib.import_module(module)
exec(sys.argv[3])
print("there:", *(name for name in missing if name in sys.modules))
"""

ROBOTS = "av coal mujoco pinocchio ruckig rclpy Robotic_Arm"
NEITHERS = f"{ROBOTS} torch transformers onnx onnxruntime"
POLICYS = "torch transformers tokenizers av mujoco onnx rclpy"

INFER = """
import numpy as np
from kinevla_ros import Observation, Policy
from kinevla_ros.base.cameras import plain_pictures
from kinevla_ros.base.resources import resource_path
policy = Policy(resource_path("models", "kinevla-tiny"))
policy.warm_up(consistency=True)
print(policy.reader.read("pick up the bread and move it to the front"))
"""

LEARN = """
from kinevla_ros.skills.learning.learn import learn
from kinevla_ros.skills.policy import SkillPolicy
"""

CHECK = """
import numpy as np
from kinevla_ros import RM75_LIMITS, ActionChunk, ArmState, SafetyGate
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
home = np.array([0.0, 0.3, 0.0, 1.5, 0.0, 1.3, 0.0])
gate = SafetyGate(RM75_LIMITS, DEFAULT_WORKSPACE)
chunk = ActionChunk(1.0, 1, np.tile(home, (5, 1)), np.full(5, 0.03))
assert gate.check(chunk, ArmState(home, 1.0), 1.05).ok
"""


def modules_of(*rooms: str) -> list[str]:
    paths = [path for room in rooms for path in sorted((PACKAGE / room).rglob("*.py"))]
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize(
    ("missing", "rooms", "work"),
    [
        (ROBOTS, ("base", "language", "codec", "generator"), INFER),
        (POLICYS, ("robot",), CHECK),
        (NEITHERS, ("primitives", "skills"), LEARN),
    ],
    ids=["policy", "robot", "skills"],
)
def test_a_computer_with_half_of_the_libraries_does_its_half(
    missing: str, rooms: tuple[str, ...], work: str
) -> None:
    command = [sys.executable, "-c", REFUSING, missing, " ".join(modules_of(*rooms)), work]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "there:"


def test_the_policy_node_needs_nothing_of_the_robots() -> None:
    pytest.importorskip("rclpy")
    missing = "coal mujoco pinocchio ruckig Robotic_Arm"
    node = "import kinevla_ros.nodes.policy.node"
    command = [sys.executable, "-c", REFUSING, missing, "", node]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "there:"


def test_the_recorder_node_needs_neither_torch_nor_video() -> None:
    pytest.importorskip("rclpy")
    pytest.importorskip("mcap")
    missing = "torch transformers av mujoco pinocchio coal ruckig Robotic_Arm mcap_ros2"
    rooms = " ".join(modules_of("nodes/recorder", "data/recording"))
    command = [sys.executable, "-c", REFUSING, missing, rooms, ""]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "there:"
