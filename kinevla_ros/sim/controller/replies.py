"""Replies of the emulated RM75 controller that depend on nothing: the identity of an RM75-BI."""

from __future__ import annotations

from kinevla_ros.sim.controller.motion import ACCELERATION_LIMIT, POSITION_LIMIT, VELOCITY_LIMIT
from kinevla_ros.sim.controller.protocol import Message, angles_to_wire, speeds_to_wire

_ROTATIONS = (0, -90000, 90000, -90000, 90000, -90000, 90000)
_OFFSETS = (240500, 0, 256000, 0, 210000, 0, 144000)

FIXED_REPLIES: dict[str, Message] = {
    "get_arm_software_info": {
        "Product_version": "RM75-BI",
        "algorithm_info": {"version": "1.4.4"},
        "command": "arm_software_info",
        "ctrl_info": {"build_time": "2025/06/20 20:58:10", "version": "V1.7.1"},
        "dynamic_info": {"model_version": "2"},
        "plan_info": {"build_time": "2025/06/20 20:58:24", "version": "V1.7.1"},
    },
    "get_current_work_frame": {
        "state": "current_work_frame",
        "frame_name": "World",
        "pose": [0] * 6,
    },
    "get_current_tool_frame": {
        "state": "current_tool_frame",
        "tool_name": "Arm_Tip",
        "pose": [0] * 6,
        "payload": 0,
        "position": [0] * 3,
    },
    "get_install_pose": {"state": "install_pose", "pose": [0] * 3},
    "get_joint_min_pos": {"state": "joint_min_pos", "min_pos": angles_to_wire(-POSITION_LIMIT)},
    "get_joint_max_pos": {"state": "joint_max_pos", "max_pos": angles_to_wire(POSITION_LIMIT)},
    "get_joint_max_speed": {
        "state": "joint_max_speed",
        "joint_speed": speeds_to_wire(VELOCITY_LIMIT),
    },
    "get_joint_max_acc": {
        "state": "joint_max_acc",
        "joint_acc": speeds_to_wire(ACCELERATION_LIMIT),
    },
    "get_DH_data": {
        "command": "get_DH_data",
        **{f"joint_{i + 1}": [_ROTATIONS[i], 0, _OFFSETS[i], 0] for i in range(7)},
    },
    "get_arm_power_state": {"state": "arm_power_state", "power_state": 1},
    "get_arm_run_mode": {"command": "get_arm_run_mode", "mode": 1},
    "get_controller_state": {
        "state": "controller_state",
        "voltage": 24000,
        "current": 1500,
        "temperature": 42000,
        "err_flag": 0,
    },
}
"""Replies by command."""

ACKNOWLEDGED: dict[str, str] = {
    "set_arm_power": "arm_power",
    "set_arm_run_mode": "mode",
    "set_joint_max_speed": "joint_max_speed",
}
"""Commands answered with true that change nothing here: the reply's key by command."""
