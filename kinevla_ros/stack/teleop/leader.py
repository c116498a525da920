"""A second RM arm as leader: its state is read, and nothing is sent to its joints."""

from __future__ import annotations

from dataclasses import dataclass

from kinevla_ros.robot.gate.arm_checks import MAX_STATE_AGE
from kinevla_ros.robot.realman.transport import RealManArm
from kinevla_ros.robot.transport import ArmConnectionError, Transport
from kinevla_ros.stack.arm_link import ArmLink
from kinevla_ros.stack.teleop.keyboard import KeyClutch
from kinevla_ros.stack.teleop.keys import TerminalKeys
from kinevla_ros.stack.teleop.person import DeviceLost, Wish


class Leader:
    """See `Person`; the clutch is the space bar of the terminal.

    Args:
        arm: the way to the leader arm, connected.
        keys: the terminal.
        name: of the leader arm, for messages.
    """

    usage = (
        "put the leader into its drag mode (the button at its end) and hold it like the arm; "
        "space: take hold, let go. Ctrl-C ends it."
    )

    def __init__(self, arm: Transport, keys: TerminalKeys, name: str) -> None:
        self._arm, self._keys, self._name = arm, keys, name
        self._clutch = KeyClutch(keys)

    def read(self, now: float) -> Wish:
        """See `Person`."""
        self._clutch.read()
        state = self._arm.latest()
        if state is None or now - state.stamp > MAX_STATE_AGE:
            age = "none yet" if state is None else f"{now - state.stamp:.2f} s old"
            raise DeviceLost(f"the leader {self._name} is silent: its last state is {age}")
        return Wish(self._clutch.held, joints=state.q, gripper=state.gripper)

    def let_go(self) -> None:
        """See `Person`."""
        self._clutch.held = False

    def close(self) -> None:
        """See `Person`."""
        self._arm.close()
        self._keys.close()


@dataclass(frozen=True)
class LeaderAddress:
    """Where a leader arm is.

    Attributes:
        ip, port: of its controller.
        udp_port: port on this computer for its state; the arm that follows has another.
    """

    ip: str
    port: int
    udp_port: int

    def open(self, link: ArmLink) -> Leader:
        """Connect, for the arm behind `link` to follow.

        Raises:
            ValueError: it is that arm itself, or its port for the state is that arm's.
            DeviceLost: it cannot be reached, or there is no terminal for the clutch.
        """
        arm = link.parameters(("arm_ip", "arm_port", "udp_port"))
        if (self.ip, self.port) == (arm["arm_ip"], arm["arm_port"]):
            raise ValueError(f"{self.ip}:{self.port} is the arm that is to follow: give another")
        if self.udp_port == arm["udp_port"]:
            raise ValueError(f"the arm's own state comes to UDP port {self.udp_port}: give another")
        keys = TerminalKeys()
        leader = RealManArm(self.ip, self.port, self.udp_port)
        try:
            leader.connect()
        except ArmConnectionError as error:
            keys.close()
            raise DeviceLost(f"the leader arm cannot be reached: {error}") from error
        return Leader(leader, keys, f"{self.ip}:{self.port}")
