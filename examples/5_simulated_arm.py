"""The arm in simulated time: policy, gate, stream and gripper as on the robot, without waiting."""

from contextlib import closing

import numpy as np

from kinevla_ros import Policy, SimulatedArm
from kinevla_ros.base.resources import resource_path
from kinevla_ros.sim.cell.cell import Cell

INSTRUCTION = "pick up the bread and move it to the front"

policy = Policy(resource_path("models", "kinevla-tiny"))
with closing(Cell()) as cell:
    cell.reset(np.random.default_rng(0))
    arm = SimulatedArm(cell)
    while arm.now < 3.0:
        # Pictures, joints and gripper; yours may be any policy that makes an ActionChunk of them.
        inference = policy.infer(INSTRUCTION, arm.observe())
        arm.follow(inference.chunk)  # reaches the arm 0.1 s after its pictures, as usual
        arm.run(0.2)
        status = arm.core.status(arm.now)
        x, y, z = cell.state().tool
        print(f"{arm.now:.1f} s  {status.state.name.lower():8} tool at {x:.3f} {y:+.3f} {z:.3f} m")

print(f"{inference.kinematics}; {status.refused_chunks} chunks refused")
