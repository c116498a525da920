"""What the policy node is asked to load, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy")

from kinevla_ros.nodes.policy.parameters import PARAMETERS
from kinevla_ros.nodes.policy.source import open_policy

VALUES: dict[str, Any] = {name: parameter.default for name, parameter in PARAMETERS.items()}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"keypoints": "k.onnx"}, "keypoints are found for skills"),
        ({"keypoints": "k.onnx", "skills": "s", "model": "m"}, "leave one of them out"),
        ({"keypoints": "k.onnx", "policy_url": "ws://127.0.0.1:1"}, "leave keypoints out"),
    ],
)
def test_keypoints_that_nothing_would_use_are_refused(given: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        open_policy(VALUES | given, False)


def test_a_keypoint_file_that_is_missing_is_named(tmp_path: Path) -> None:
    given = {"keypoints": str(tmp_path / "none.onnx"), "skills": str(tmp_path)}
    with pytest.raises(FileNotFoundError, match="kinevla train keypoints"):
        open_policy(VALUES | given, False)
