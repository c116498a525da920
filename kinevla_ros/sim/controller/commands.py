"""What the emulated RM75 controller answers to each command of its TCP protocol."""

from __future__ import annotations

from collections.abc import Callable

from kinevla_ros.base.arm import STATE_PORT
from kinevla_ros.sim.controller.gripper import Gripper
from kinevla_ros.sim.controller.motion import ControllerMotion
from kinevla_ros.sim.controller.protocol import (
    Message,
    angles_from_wire,
    angles_to_wire,
    state_packet,
)
from kinevla_ros.sim.controller.replies import ACKNOWLEDGED, FIXED_REPLIES

PUSH_UNIT = 0.005
"""Length of one state push cycle, s."""

SLOW_STOP_SHARE = 0.5


class Commands:
    """Answers messages and keeps the settings behind them; no sockets, no clock of its own."""

    def __init__(self, motion: ControllerMotion, gripper: Gripper) -> None:
        self._motion = motion
        self._gripper = gripper
        self._gripper_awaited = False
        self._collision_stage = 0
        # Disabled until a client says where to: an emulator must not send to other computers.
        self._push: Message = {
            "cycle": 1,
            "enable": False,
            "port": STATE_PORT,
            "force_coordinate": 0,
            "ip": "127.0.0.1",
            "custom": {"joint_speed": True, "arm_current_status": True},
        }
        self._handlers: dict[str, Callable[[Message, float], Message | None]] = {
            "get_joint_degree": self._joint_degree,
            "get_arm_current_trajectory": self._trajectory,
            "get_current_arm_state": self._arm_state,
            "get_arm_all_state": self._all_state,
            "get_joint_err_flag": self._joint_errors,
            "get_joint_en_state": self._joints_enabled,
            "movel": self._cartesian_move,
            "movej_p": self._cartesian_move,
            "movec": self._cartesian_move,
            "set_arm_stop": self._halt,
            "set_arm_slow_stop": self._halt,
            "set_arm_pause": self._halt,
            "movej": self._movej,
            "set_arm_continue": self._continue,
            "start_drag_teach": self._start_drag,
            "stop_drag_teach": self._stop_drag,
            "clear_system_err": self._clear_errors,
            "set_joint_clear_err": self._clear_joint_error,
            "set_joint_en_state": self._enable_joint,
            "set_tool_voltage": self._set_tool_voltage,
            "set_gripper_position": self._move_gripper,
            "set_gripper_release": self._open_gripper,
            "set_gripper_pick": self._close_gripper,
            "set_gripper_pick_on": self._close_gripper,
            "get_gripper_state": lambda message, now: self._gripper.state(),
            "set_realtime_push": self._set_push,
            "get_realtime_push": lambda message, now: {
                "command": "get_realtime_push",
                **self._push,
            },
            "set_collision_stage": self._set_collision_stage,
            "get_collision_stage": self._get_collision_stage,
        }

    def answer(self, message: Message, now: float) -> Message | None:
        """Carry out a message (pass-through points excepted) and return the reply.

        None for a command that is not emulated: the vendor's client then reports a time-out.
        """
        command = message.get("command")
        if not isinstance(command, str):
            return None
        if command in FIXED_REPLIES:
            return FIXED_REPLIES[command]
        if command in ACKNOWLEDGED:
            return {"command": command, ACKNOWLEDGED[command]: True}
        handler = self._handlers.get(command)
        return handler(message, now) if handler else None

    def tick(self, now: float) -> list[Message]:
        """Move on and return the arrival events."""
        events = []
        if self._motion.tick(now):
            events.append(_arrival(device=0))
        if self._gripper.tick(now) and self._gripper_awaited:
            events.append(_arrival(device=1))
        return events

    def push(self) -> tuple[float, tuple[str, int], bytes] | None:
        """Return period (s), address and datagram of the state push; None while disabled."""
        if not self._push["enable"]:
            return None
        motion = self._motion
        packet = state_packet(
            motion.joint_positions(),
            motion.status,
            motion.joint_errors,
            motion.enabled,
            motion.errors,
        )
        address = (self._push["ip"], self._push["port"])
        return PUSH_UNIT * self._push["cycle"], address, packet

    def _joints(self) -> list[int]:
        return angles_to_wire(self._motion.joint_positions())

    def _joint_degree(self, message: Message, now: float) -> Message:
        return {"state": "joint_degree", "joint": self._joints()}

    def _trajectory(self, message: Message, now: float) -> Message:
        return {"state": "arm_current_trajectory", "type": "none", "data": self._joints()}

    def _arm_state(self, message: Message, now: float) -> Message:
        err = self._motion.errors or [0]
        arm_state = {"joint": self._joints(), "pose": [0] * 6, "err": err}
        return {"state": "current_arm_state", "arm_state": arm_state}

    def _all_state(self, message: Message, now: float) -> Message:
        all_state = {
            "temperature": [33000] * 7,
            "current": [0] * 7,
            "voltage": [24000] * 7,
            "err_flag": self._motion.joint_errors,
            "en_flag": [int(flag) for flag in self._motion.enabled],
            "err": self._motion.errors or [0],
        }
        return {"state": "arm_all_state", "all_state": all_state}

    def _joint_errors(self, message: Message, now: float) -> Message:
        flags = self._motion.joint_errors
        return {"state": "joint_err_flag", "err_flag": flags, "brake_state": [0] * 7}

    def _joints_enabled(self, message: Message, now: float) -> Message:
        flags = [int(flag) for flag in self._motion.enabled]
        return {"state": "joint_en_state", "en_state": flags}

    def _movej(self, message: Message, now: float) -> Message:
        goal = angles_from_wire(message.get("joint"))
        percent = message.get("v")
        accepted = (
            goal is not None
            and isinstance(percent, int)
            and not message.get("trajectory_connect")
            and self._motion.plan(goal, percent, now)
        )
        return {"command": "movej", "receive_state": accepted}

    def _cartesian_move(self, message: Message, now: float) -> Message:
        # Inverse kinematics is not emulated, hence an honest refusal.
        return {"command": message["command"], "receive_state": False}

    def _halt(self, message: Message, now: float) -> Message:
        command = message["command"]
        status = command.removeprefix("set_arm_")
        share = 1.0 if status == "stop" else SLOW_STOP_SHARE
        self._motion.halt(status, share, now)
        return {"command": command, command.removeprefix("set_"): True}

    def _continue(self, message: Message, now: float) -> Message:
        return {"command": "set_arm_continue", "arm_continue": self._motion.resume(now)}

    def _start_drag(self, message: Message, now: float) -> Message:
        return {"command": "start_drag_teach", "drag_teach": self._motion.drag(True)}

    def _stop_drag(self, message: Message, now: float) -> Message:
        return {"command": "stop_drag_teach", "drag_teach": self._motion.drag(False)}

    def _clear_errors(self, message: Message, now: float) -> Message:
        # Joint errors stay, as on the arm.
        self._motion.errors.clear()
        return {"command": "clear_system_err", "clear_state": True}

    def _clear_joint_error(self, message: Message, now: float) -> Message:
        joint = message.get("joint_clear_err")
        known = isinstance(joint, int) and 1 <= joint <= 7
        if isinstance(joint, int) and known:
            self._motion.joint_errors[joint - 1] = 0
        return {"command": "set_joint_clear_err", "joint_clear_err": known}

    def _enable_joint(self, message: Message, now: float) -> Message:
        match message.get("joint_en_state"):
            case [int(joint), 0 | 1 as flag] if 1 <= joint <= 7:
                self._motion.enabled[joint - 1] = bool(flag)
                done = True
            case _:
                done = False
        return {"command": "set_joint_en_state", "joint_en_state": done}

    def _set_tool_voltage(self, message: Message, now: float) -> Message:
        voltage = message.get("voltage_type")
        done = isinstance(voltage, int) and 0 <= voltage <= 3
        if isinstance(voltage, int) and done:
            self._gripper.voltage = voltage
        return {"command": "set_tool_voltage", "state": done}

    def _move_gripper(self, message: Message, now: float) -> Message:
        self._gripper_awaited = bool(message.get("block"))
        return {"command": "set_gripper", "state": self._gripper.move(message.get("position"))}

    def _open_gripper(self, message: Message, now: float) -> Message:
        return self._move_gripper({**message, "position": 1000}, now)

    def _close_gripper(self, message: Message, now: float) -> Message:
        return self._move_gripper({**message, "position": 1}, now)

    def _set_push(self, message: Message, now: float) -> Message:
        done = _valid_push(message)
        if done:
            for key in ("cycle", "enable", "port", "force_coordinate", "ip"):
                self._push[key] = message.get(key, self._push[key])
            self._push["custom"] |= message.get("custom", {})
        return {"command": "set_realtime_push", "state": done}

    def _set_collision_stage(self, message: Message, now: float) -> Message:
        stage = message.get("collision_stage")
        done = isinstance(stage, int) and 0 <= stage <= 8
        if isinstance(stage, int) and done:
            self._collision_stage = stage
        return {"command": "set_collision_stage", "collision_state": done}

    def _get_collision_stage(self, message: Message, now: float) -> Message:
        return {"state": "get_collision_stage", "collision_stage": self._collision_stage}


def _valid_push(message: Message) -> bool:
    cycle, port = message.get("cycle", 1), message.get("port", 1)
    return (
        isinstance(cycle, int)
        and cycle >= 1
        and isinstance(port, int)
        and 1 <= port <= 65535
        and isinstance(message.get("ip", ""), str)
        and isinstance(message.get("custom", {}), dict)
    )


def _arrival(device: int) -> Message:
    """Event of a finished motion; device 0 the joints, 1 the gripper."""
    return {
        "state": "current_trajectory_state",
        "trajectory_state": True,
        "device": device,
        "trajectory_connect": 0,
    }
