"""A chunk through the gate: may an RM75 follow what a policy says, and if not, why not?"""

import time
from dataclasses import replace

import numpy as np

from kinevla_ros import RM75_LIMITS, ActionChunk, ArmState, SafetyGate, Workspace

# Where links and gripper may be, in the frame of the arm's base, m; config/realman.yaml has more.
workspace = Workspace(
    x=(-0.4, 0.75), y=(-0.7, 0.7), top=1.1, table=0.0,
    link_clearance=0.02, finger_clearance=0.0, self_clearance=0.01,
)  # fmt: skip
gate = SafetyGate(replace(RM75_LIMITS, velocity=np.full(7, 1.0)), workspace)  # slower than it may

now = time.monotonic()
here = np.array([0.0, 0.62, 0.0, 1.75, 0.0, 0.77, 0.0])  # the fingers a little above the table
state = ArmState(q=here, stamp=now, gripper=0.07)


def turning(joint: int, speed: float) -> ActionChunk:
    """What a policy might say: five targets, 0.1 s apart, that turn one joint (rad/s)."""
    ways = speed * 0.1 * np.arange(1, 6)[:, None] * np.eye(7)[joint - 1]
    return ActionChunk(stamp=now, sequence=1, positions=here + ways, gripper=np.full(5, 0.07))


for joint, speed in ((1, 0.5), (1, 1.5), (2, 0.5), (2, -0.5)):
    found = gate.check(turning(joint, speed), state, now)
    print(f"joint {joint} at {speed:+.1f} rad/s:", "passed" if found.ok else found.fault.name)
    if not found.ok:
        print(f"   {found.reason} (margin {found.margin:.3f})")
