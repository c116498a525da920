"""What is true of the arm and the cameras stands in one place, and is imported elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kinevla_ros

PACKAGE = Path(kinevla_ros.__file__).parent
GENERATED = ("action", "msg", "srv")

FACTS = {
    "stroke of the gripper": (r"\b0\.070\b|\[0\.07\]|\(0\.07,\)", "base/arm.py"),
    "period of the stream": (
        r"STREAM_PERIOD = |(?i:dt|period): float = 0\.02\b",
        "base/arm.py",
    ),
    "columns of reasoning": (r'"reasoning\.goal"', "data/lerobot/schema.py"),
    "columns of chunks": (r'"action\.chunk"', "data/lerobot/schema.py"),
    "column of the scene": (r'"environment_state"', "data/lerobot/schema.py"),
    "names of the cameras": (r"""["']front["'], ?["']wrist["']""", "base/cameras.py"),
    "size of the pictures": (r"\b(240, 320|320, 240)\b", "base/cameras.py"),
    "speed of the gripper": (r"SPEED = 0\.16\b|\b0\.16 \* \w*(DT|dt|PERIOD)\b", "sim/gripper.py"),
    "a gripper that an object holds open": (r"(?i)held off by an object", "sim/gripper.py"),
    "ready pose of the arm": (r"0\.0, 0\.3, 0\.0, 1\.5,", "sim/controller/plant.py"),
    "tolerance of the gripper": (r"GRIPPER_TOLERANCE = ", "base/arm.py"),
    "when a stream stands": (r"STANDING = ", "robot/motion/target_sender.py"),
    "levels of reasoning": (r"LEVELS\b.* = \(.goal", "language/tokenizer/vocabulary.py"),
    "first bytes of a JPEG": (r"xff.xd8", "generator/pictures/header.py"),
    "what a figure was measured on": (r'"machine": machine\(\)', "evaluation/bench/publish.py"),
    "topic of the pictures": (r"color/image_raw\"", "base/topics.py"),
    "ports of the controller": (r"\b8080(?:, 8089)?\b|\b8089\b", "base/arm.py"),
    "full position of the gripper": (r"FULL_POSITION = ", "robot/realman/gripper.py"),
}


@pytest.mark.parametrize(("pattern", "home"), FACTS.values(), ids=FACTS)
def test_a_fact_stands_once(pattern: str, home: str) -> None:
    files = [p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] not in GENERATED]
    found = [str(p.relative_to(PACKAGE)) for p in files if re.search(pattern, p.read_text())]
    assert found == [home]
    assert len(re.findall(pattern, (PACKAGE / home).read_text())) == 1
