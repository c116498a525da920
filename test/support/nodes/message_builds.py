"""Message packages that have no wheel, built once from the few definitions the tests need."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from kinevla_ros.rosidl_build import build

DEFINITIONS = Path(__file__).parents[2] / "interfaces"


def message_package(name: str, config: pytest.Config) -> Any:
    """Return `name.msg`: that of a sourced workspace, else one built into pytest's cache."""
    if importlib.util.find_spec(name) is None:
        folder = DEFINITIONS / name / "msg"
        sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.msg")))
        version = hashlib.sha256(sources).hexdigest()[:12]
        built = config.cache.mkdir(f"rosidl_{name}") / version
        if not (built / name).exists():
            build(name, folder.parent, built, ["builtin_interfaces", "std_msgs", "geometry_msgs"])
        # Where a recorder looks for them.
        shutil.copytree(folder, built / "share" / name / "msg", dirs_exist_ok=True)
        sys.path.insert(0, str(built))
        # For processes that a test starts.
        paths = [str(built), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    return importlib.import_module(f"{name}.msg")
