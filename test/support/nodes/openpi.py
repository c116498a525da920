"""OpenPI's own client, from PyPI: the other end of the protocol."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = "openpi-client==0.1.2"


def openpi_client(folder: Path) -> ModuleType:
    """Its client module. It asks for numpy below 2 and runs on ours: hence without what it pins."""
    try:
        return importlib.import_module("openpi_client.websocket_client_policy")
    except ModuleNotFoundError:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", PACKAGE]
        done = subprocess.run([*command, "--target", str(folder)], capture_output=True, text=True)
    if done.returncode:
        # Where every change is tested the protocol's own client must be among what is tested.
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"{PACKAGE} cannot be fetched here: {done.stderr.strip()[-200:]}")
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    return importlib.import_module("openpi_client.websocket_client_policy")
