"""A policy on one picture: an instruction and what the arm sees in, words and motion out."""

import time
from contextlib import closing

import numpy as np

from kinevla_ros import Observation, Policy
from kinevla_ros.base.resources import resource_path
from kinevla_ros.sim.cell.cell import Cell

INSTRUCTION = "hold the carrot by the upper part and place it on the right side of the plate"

# Any checkpoint folder; this one ships with the package.
policy = Policy(resource_path("models", "kinevla-tiny"))

# Pictures of the simulated cell; yours come from two cameras, RGB, uint8, (height, width, 3).
with closing(Cell()) as cell:
    cell.reset(np.random.default_rng(0))
    seen = Observation(
        images=cell.render(),  # "front" and "wrist"
        joints=cell.joint_positions(),  # measured, rad
        gripper=cell.gripper(),  # measured opening, m
        stamp=time.monotonic(),  # the chunk carries this time
    )

inference = policy.infer(INSTRUCTION, seen)

print("goal:      ", inference.goal, inference.goal_codes)
print("kinematics:", inference.kinematics, inference.kinematics_codes)
print("joint targets, one every 0.1 s, rad:")
print(inference.chunk.positions.round(3))
