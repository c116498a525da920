"""What the operator reads is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinevla_ros.robot.gate.check_result import Fault

DOCUMENT = (Path(__file__).parents[2] / "docs" / "safety.md").read_text()


def section(title: str) -> str:
    _, _, rest = DOCUMENT.partition(f"## {title}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("fault", [fault.name for fault in Fault if fault is not Fault.NONE])
@pytest.mark.parametrize("title", ["What is checked, and what happens", "Out of each fault"])
def test_every_fault_is_explained_and_has_a_way_out(fault: str, title: str) -> None:
    assert f"`{fault}`" in section(title)
