"""What other programs import: light, complete, typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import Distribution

import kinevla_ros

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "mujoco", "rclpy", "pinocchio", "onnxruntime", "cv2")


def loaded_by(statement: str) -> set[str]:
    """Which heavy libraries a fresh interpreter has loaded after this statement."""
    code = f"{statement}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import kinevla_ros", set()),
        ("from kinevla_ros import ActionChunk, ArmState, Observation, RM75_LIMITS", set()),
        ("from kinevla_ros import ArmStateMachine, SafetyGate", {"pinocchio"}),
        ("import kinevla_ros.serving.client", set()),
    ],
    ids=["package", "data", "gate", "served"],
)
def test_nothing_is_loaded_that_is_not_asked_for(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) <= allowed


@pytest.mark.parametrize("name", kinevla_ros.__all__)
def test_every_name_is_there_and_explained(name: str) -> None:
    assert name in dir(kinevla_ros)
    value = getattr(kinevla_ros, name)
    assert name == "RM75_LIMITS" or (value.__name__ == name and value.__doc__)
    assert kinevla_ros.__doc__ is not None
    assert name in kinevla_ros.__doc__


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'SafetyGait'"):
        kinevla_ros.SafetyGait  # noqa: B018


def test_a_type_checker_sees_the_types_from_outside(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    user = tmp_path / "user.py"
    user.write_text(
        "from kinevla_ros import Observation, Policy, SafetyGate\n"
        "reveal_type(SafetyGate().check)\n"
        "reveal_type(Policy.infer)\n"
        "from kinevla_ros import SafetyGait\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), user]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert "-> kinevla_ros.robot.gate.check_result.CheckResult" in said
    assert "-> kinevla_ros.generator.inference.Inference" in said
    assert 'has no attribute "SafetyGait"' in said
    assert "Found 1 error" in said


def test_the_type_marker_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    distribution = Distribution()
    distribution.parse_config_files()
    assert "py.typed" in distribution.package_data["kinevla_ros"]
    assert (ROOT / "kinevla_ros" / "py.typed").is_file()
