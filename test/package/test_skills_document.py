"""What the page on movement primitives shows can be typed as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

DOCUMENT = (Path(__file__).parents[2] / "docs" / "skills.md").read_text()


def test_the_example_of_the_page_runs_and_meets_its_new_end() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    path, goal = names["path"], names["goal"]
    assert np.linalg.norm(path.means[-1] - goal.origin) < 0.001  # type: ignore[attr-defined]
