"""Environment of every test: its own DDS domain, logs out of the way, offscreen rendering."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from kinevla_ros.evaluation.bench.recording import Observation
    from kinevla_ros.generator.network.model import Generator
    from kinevla_ros.language.command import Command
    from kinevla_ros.language.tokenizer.vocabulary import Vocabulary


def own_folder(name: str) -> str:
    """A folder for this run that goes with it."""
    folder = tempfile.mkdtemp(prefix=f"kinevla_ros_{name}_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# Set on import, before a test module can load rclpy or mujoco. Domains above 101 reach into the
# ports Linux hands out to clients.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 101)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_LOG_DIR"] = own_folder("log")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as many as the policy takes; more only wait
os.environ["XDG_CACHE_HOME"] = own_folder("cache")
# A loaded computer is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
if not os.path.exists("/dev/nvidiactl"):
    os.environ["TRITON_INTERPRET"] = "1"  # kernels are read when they are imported


ROOT = Path(__file__).parent
FAST = (
    "base", "codec", "data/test_lerobot.py", "language", "package/test_facts.py",
    "package/test_layout.py", "primitives", "robot/gate", "robot/motion", "robot/test_limits.py",
    "robot/test_kinematics.py", "robot/test_reported_state.py", "sim/controller", "skills",
)  # fmt: skip
"""Rooms and files whose tests need neither models nor real time; all others are slow."""


def _is_fast(path: Path) -> bool:
    return any(path == place or place in path.parents for place in (ROOT / name for name in FAST))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no slow test where none is to run: that alone takes as long as a fast room."""
    unwanted = config.option.markexpr == "not slow" and collection_path.suffix == ".py"
    return True if unwanted and not _is_fast(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is not fast; see CONTRIBUTING.md."""
    for item in items:
        if not _is_fast(item.path):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Spare every later search for garbage the half a million objects that are imported by now."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def nothing_of_another_module(request: pytest.FixtureRequest) -> None:
    """Neither nodes, which refer to themselves and stay until they are collected, nor priority."""
    gc.collect()
    # A DDS participant that is made at real-time priority may spin for ever.
    assert os.sched_getscheduler(0) != os.SCHED_FIFO, "an earlier test left real-time priority"
    if "rclpy" in sys.modules and not request.session.testsfailed:
        from rclpy.context import Context

        # Not isinstance, which asks every object for its class, and some load a library to tell.
        kept = [thing for thing in gc.get_objects() if type(thing) is Context]
        assert not kept, "an earlier module's nodes are still there; find who refers to them"


@pytest.fixture(scope="module", params=["tiny", "openvla"])
def parts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Generator, Vocabulary]:
    """A small model of each layout, with its vocabulary."""
    import engine_cases

    model, vocabulary = getattr(engine_cases, request.param)(tmp_path_factory.mktemp("model"))
    return model.to(engine_cases.DEVICE), vocabulary


@pytest.fixture(scope="session")
def scenes() -> dict[Command, list[Observation]]:
    """What the policy would see along a demonstration of each task."""
    from kinevla_ros.evaluation.bench.recording import record

    return record(5)
