"""Codes there and back: a motion as goal codes and kinematics codes, and what each level holds."""

import numpy as np

from kinevla_ros import Codec
from kinevla_ros.base.resources import resource_path

codec = Codec.load(resource_path("models", "kinevla-tiny"))
levels = codec.contract.goal_levels

# A chunk is five steps of 0.1 s: seven joint offsets from where the arm is (rad), and the opening
# of the gripper (m). Joints 2 and 4 move here, the gripper stays open.
chunk = np.zeros((5, 8), np.float32)
chunk[:, 1] = np.linspace(0.02, 0.10, 5)
chunk[:, 3] = np.linspace(-0.02, -0.10, 5)
chunk[:, 7] = 0.07

codes = codec.encode(chunk[None])  # (1, 6): goal codes first
whole = codec.decode(codes)[0]
coarse = codec.decode(codes[:, :levels])[0]  # by the goal codes alone

print("goal codes:", codes[0, :levels], "kinematics codes:", codes[0, levels:])
for name, back in (("goal codes alone", coarse), ("all codes", whole)):
    error = abs(back - chunk)[:, :7]
    print(f"{name}: joints off by {error.mean():.3f} rad on average, {error.max():.3f} at most")
