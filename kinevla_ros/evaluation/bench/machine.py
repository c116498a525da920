"""What a figure was measured on: the machine, and the versions of what ran."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kinevla_ros import __version__

PACKAGES = (
    "torch",
    "triton",
    "transformers",
    "onnxruntime",
    "mujoco",
    "ruckig",
    "numpy",
    "scikit-learn",
)


def machine() -> dict[str, str | int]:
    """Processor, cores this process may use, memory (GiB) and operating system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries whose numbers the figures depend on."""
    found = {"kinevla_ros": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
