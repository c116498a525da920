"""The simulated cell: world, tasks, demonstrator and the emulated controller."""

import os

# Read when mujoco is first imported; without it pictures need a display.
os.environ.setdefault("MUJOCO_GL", "egl")
