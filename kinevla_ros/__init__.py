"""Kinematics-rich vision-language-action control for ROS 2.

What other programs import, each loaded when it is first used:

- `Policy`: a checkpoint; an instruction and an `Observation` in, an `ActionChunk` out.
- `Codec`: action chunks to codes and back.
- `SafetyGate`: says whether an RM75 may follow a chunk, by `JointLimits` (such as `RM75_LIMITS`), a
  `Workspace` and the measured `ArmState`; a refusal has a `Fault`.
- `ArmStateMachine`: the motion of an arm, gated and jerk-limited, tick by tick.
- `SimulatedArm`: the same in front of a simulated cell, in simulated time.
"""

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING

# A source tree at the front of sys.path must still find the generated messages in the installed
# package.
__path__ = extend_path(__path__, __name__)
__version__ = "0.2.0"

__all__ = [
    "RM75_LIMITS",
    "ActionChunk",
    "ArmState",
    "ArmStateMachine",
    "Codec",
    "Fault",
    "JointLimits",
    "Observation",
    "Policy",
    "SafetyGate",
    "SimulatedArm",
    "Workspace",
]

if TYPE_CHECKING:
    from kinevla_ros.base.chunk import ActionChunk
    from kinevla_ros.base.observation import Observation
    from kinevla_ros.codec.checkpoint import Codec
    from kinevla_ros.generator.policy import Policy
    from kinevla_ros.robot.gate.check_result import Fault
    from kinevla_ros.robot.gate.safety_gate import SafetyGate
    from kinevla_ros.robot.gate.workspace import Workspace
    from kinevla_ros.robot.limits import RM75_LIMITS, JointLimits
    from kinevla_ros.robot.motion.state_machine import ArmStateMachine
    from kinevla_ros.robot.state import ArmState
    from kinevla_ros.sim.simulated_arm import SimulatedArm
else:
    _HOMES = {
        "ActionChunk": "base.chunk",
        "ArmState": "robot.state",
        "ArmStateMachine": "robot.motion.state_machine",
        "Codec": "codec.checkpoint",
        "Fault": "robot.gate.check_result",
        "JointLimits": "robot.limits",
        "Observation": "base.observation",
        "Policy": "generator.policy",
        "RM75_LIMITS": "robot.limits",
        "SafetyGate": "robot.gate.safety_gate",
        "SimulatedArm": "sim.simulated_arm",
        "Workspace": "robot.gate.workspace",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
