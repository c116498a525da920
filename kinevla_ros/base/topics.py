"""Names of topics, services and actions, relative: a namespace goes before them."""

from __future__ import annotations

# What a person says, and what the robot makes of it.
INSTRUCTION = "instruction"
REASONING = "kinevla/reasoning"
QUESTION = "kinevla/question"
EXECUTE = "kinevla/execute"
OVERRIDE_REASONING = "policy/override_reasoning"
POLICY_GET_PARAMETERS = "policy/get_parameters"

# From the cameras; of each its name.
PICTURES = "camera/{}/color/image_raw"

# From the policy to the arm.
ACTION_CHUNK = "kinevla/action_chunk"
TELEOP_TARGETS = "kinevla/teleop_targets"
JOINT_TARGETS = "kinevla/joint_targets"
JOINT_STATES = "joint_states"
SAFETY_STATUS = "kinevla/safety_status"

# Requests to the arm.
ARM_STOP = "arm/stop"
ARM_PAUSE = "arm/pause"
ARM_RESET = "arm/reset"
ARM_ENABLE = "arm/enable"
ARM_DRAG = "arm/drag"
ARM_SPEED_SCALING = "arm/speed_scaling"
ARM_GET_PARAMETERS = "arm/get_parameters"
ARM_SET_PARAMETERS = "arm/set_parameters"

# The simulated cell.
CELL_RESET = "cell/reset"
CELL_JUDGE = "cell/judge"
CELL_STATE = "cell/state"

# The recorder.
RECORD_START = "record/start"
RECORD_STOP = "record/stop"
RECORD_DISCARD = "record/discard"
RECORD_STATUS = "record/status"

# For RViz.
PLANNED_PATH = "kinevla/planned_path"
REASONING_MARKERS = "kinevla/reasoning_markers"
KEYPOINT_MARKERS = "kinevla/keypoint_markers"
SAFETY_MARKERS = "kinevla/safety_markers"
