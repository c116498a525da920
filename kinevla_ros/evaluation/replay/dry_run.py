"""`kinevla replay --dry-run`: what the gate says of a recorded motion, where nothing moves."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from kinevla_ros.evaluation.replay.gate_file import read_gate
from kinevla_ros.evaluation.replay.recorded_motion import RecordedMotion
from kinevla_ros.evaluation.replay.rehearsal import rehearse
from kinevla_ros.evaluation.replay.table import rehearsal_lines
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS


def dry_run(motion: RecordedMotion, config: Path | None) -> int:
    """Rehearse a motion from its own start; returns 0 if all of it may be sent, else 1.

    Args:
        motion: what was recorded.
        config: parameter file of an arm node; without it the simulated cell's gate is asked.

    Raises:
        FileError, FileNotFoundError: see `read_gate`.
        NoApproach: the motion begins where the arm must not be.
    """
    limits, workspace = read_gate(config) if config else (RM75_LIMITS, CELL_WORKSPACE)
    found = rehearse(motion, motion.start[:-1], limits, workspace)
    Console(highlight=False, soft_wrap=True).print("\n".join(rehearsal_lines(found)))
    return 0 if found.passes else 1
