"""The process in which the vendor library runs, apart from everything else.

The library can abort its process, block for ever on a frozen peer, and report success while nobody
listens. Here it may: `realman.transport` watches this process and starts it again.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from Robotic_Arm.rm_robot_interface import (
    RoboticArm,
    rm_realtime_arm_joint_state_t,
    rm_realtime_arm_state_callback_ptr,
    rm_realtime_push_config_t,
    rm_thread_mode_e,
    rm_udp_arm_current_status_e,
    rm_udp_custom_config_t,
)

from kinevla_ros.robot.host.priority import take_priority
from kinevla_ros.robot.motion.target_sender import Target, TargetSender
from kinevla_ros.robot.realman.channel import (
    CLEAR_KIND,
    DRAG,
    DRAG_KIND,
    GRIPPER,
    GRIPPER_KIND,
    LIFE,
    LIFE_KIND,
    LONGEST_PACKET,
    MOST_ERRORS,
    TARGET_KIND,
    ProcessSettings,
    SharedState,
    unpack_target,
)
from kinevla_ros.robot.realman.library_connection import LinkError, controller_connection
from kinevla_ros.robot.realman.requests import RequestThread
from kinevla_ros.robot.realman.sample import SampleFilter
from kinevla_ros.robot.transport import follows_high

PUSH_CYCLE = 2
"""Between two pushed states, in the controller's units of 5 ms."""

HEARTBEAT = 0.05

READING = 0.1
"""The controller has read a target by then, s."""

PARENT_CHECK_MS = 1000

REST_TIMEOUT = 1.0
"""An arm at full speed comes to rest in a third of it, s."""

STALE = 0.1
"""No target is sent that is older (s), nor any while the controller's last sign of life is older.

A process or a controller that was frozen must not replay old targets when it is back.
"""

DRAGGED = (
    rm_udp_arm_current_status_e.RM_CURRENT_DRAG_E,
    rm_udp_arm_current_status_e.RM_SENSOR_DRAG_E,
)
"""What a controller says whose arm gives way to a hand."""

_NO_LOG = 4
"""Above its levels: every return code is looked at, and it would log each broken packet."""

_OK = 0
_SEND_FAILED = -1


class ControllerLink:
    """One arm behind the vendor library, served from the parent's channel."""

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._channel = socket.socket(fileno=settings.channel)
        self._board = SharedState(settings.memory)
        self._heard_at = -math.inf
        self._sender, self._follow = TargetSender(settings.period), follows_high(settings.period)
        self._served = threading.Event()
        # The library prints its version.
        with contextlib.redirect_stdout(io.StringIO()):
            self._arm = RoboticArm(rm_thread_mode_e.RM_TRIPLE_MODE_E)
        self._requests = RequestThread(self._arm, self._board.gripper, self._report)

    def serve(self) -> NoReturn:
        """Connect, report the arm to the parent, carry out its packets until the link is lost."""
        try:
            identity = self._connect()
            self._board.heartbeat.write(time.monotonic())
            self._send(identity)
            controller = controller_connection(self._settings.ip, self._settings.port)
            self._requests.start()
            self._carry_out_packets(controller)
        except LinkError as error:
            reason = str(error)
        except ConnectionError:
            reason = "the parent is gone"
        except Exception:
            traceback.print_exc()
            reason = "internal error, see the log"
        self._send({"error": reason})
        self._served.set()
        os._exit(1)

    def watch_parent(self) -> NoReturn:
        """End this process after its parent, once the arm has been brought to rest."""
        parent = os.getppid()
        poller = select.poll()
        poller.register(self._channel, 0)
        while not poller.poll(PARENT_CHECK_MS) and os.getppid() == parent:
            pass
        self._served.wait(REST_TIMEOUT)
        os._exit(0)

    def _connect(self) -> dict[str, Any]:
        ip, port = self._settings.ip, self._settings.port
        handle = self._arm.rm_create_robot_arm(ip, port, _NO_LOG)
        if handle.id < 0:
            raise LinkError(
                f"{ip}:{port} accepts connections but does not answer as an arm's controller. "
                "Check the ip address and port, that no teach pendant or other program is "
                "connected (some controllers serve few clients), and restart the controller."
            )
        identity = _checked(self._arm.rm_get_robot_info(), "model")
        if identity["arm_model"] != "RM_75":
            raise LinkError(f"the arm at {ip} is a {identity['arm_model']}, not an RM75")
        software = _checked(self._arm.rm_get_arm_software_info(), "firmware")
        limits = {
            "lower": _checked(self._arm.rm_get_joint_min_pos(), "lower joint limits"),
            "upper": _checked(self._arm.rm_get_joint_max_pos(), "upper joint limits"),
            "velocity": _checked(self._arm.rm_get_joint_max_speed(), "joint speeds"),
            "acceleration": _checked(self._arm.rm_get_joint_max_acc(), "joint accelerations"),
        }
        radians = {name: [math.radians(v) for v in values] for name, values in limits.items()}
        self._receive_state(radians["velocity"])
        return {
            "model": software["product_version"],
            "firmware": software["ctrl_info"]["version"],
            "limits": radians,
        }

    def _receive_state(self, velocity: list[float]) -> None:
        joints = _checked(self._arm.rm_get_joint_degree(), "joint positions")
        sound = SampleFilter(velocity, [math.radians(angle) for angle in joints], time.monotonic())
        address = self._settings.ip.encode()
        write = self._board.state.write

        def on_state(state: rm_realtime_arm_joint_state_t) -> None:
            stamp = time.monotonic()
            q = [math.radians(angle) for angle in state.joint_status.joint_position]
            if state.arm_ip != address or not sound.accepts(state.errCode, q, stamp):
                return
            count = min(state.err.err_len, MOST_ERRORS)
            dragged = state.arm_current_status in DRAGGED
            write(stamp, *q, *state.joint_status.joint_err_code, dragged, count, *state.err.err)
            self._heard_at = stamp

        # The library keeps no reference to the callback.
        self._callback = rm_realtime_arm_state_callback_ptr(on_state)
        self._arm.rm_realtime_arm_state_call_back(self._callback)
        push = rm_realtime_push_config_t(
            cycle=PUSH_CYCLE,
            enable=True,
            port=self._settings.udp_port,
            ip=self._settings.host_ip,
            custom_config=rm_udp_custom_config_t(arm_current_status=1),
        )
        if self._arm.rm_set_realtime_push(push) != _OK:
            raise LinkError("the controller refuses to push its state")

    def _carry_out_packets(self, controller: socket.socket) -> None:
        poller = select.poll()
        poller.register(self._channel, select.POLLIN)
        poller.register(controller, select.POLLRDHUP)
        while True:
            now = time.monotonic()
            self._board.heartbeat.write(now)
            ready = dict(poller.poll(1000 * min(HEARTBEAT, max(self._sender.due - now, 0))))
            if controller.fileno() in ready:
                raise LinkError("the controller has closed the connection")
            if self._channel.fileno() in ready:
                if not (packet := self._channel.recv(LONGEST_PACKET)):
                    self._go_to_rest()
                    raise ConnectionError
                self._carry_out(packet)
            self._send_overdue()
            if (point := self._sender.point(time.monotonic())) is not None:
                self._board.point.write(*point, self._sender.sent_at)

    def _carry_out(self, packet: bytes) -> None:
        kind = packet[:1]
        if kind == TARGET_KIND:
            self._take_target(*unpack_target(packet))
        elif kind == GRIPPER_KIND:
            self._requests.move_gripper(GRIPPER.unpack(packet)[1])
        elif kind == LIFE_KIND:
            # State or answer, whichever came last; times of one clock.
            self._heard_at = max(self._heard_at, LIFE.unpack(packet)[1])
        elif kind == CLEAR_KIND:
            self._requests.clear_errors()
        elif kind == DRAG_KIND:
            self._requests.drag(DRAG.unpack(packet)[1])

    def _take_target(self, target: Target, sent: float) -> None:
        now = time.monotonic()
        if now - sent > STALE or not self._controller_is_heard():
            return
        if self._sender.offer(target, now):
            time.sleep(max(self._sender.earliest - time.monotonic(), 0))
            self._send_target(target.q)

    def _send_overdue(self) -> None:
        """Send the next step of the way to rest if no target has come in its place."""
        if not self._controller_is_heard():
            return
        if (step := self._sender.overdue(time.monotonic())) is not None:
            self._send_target(step)

    def _go_to_rest(self) -> None:
        """The parent is gone: no further target comes."""
        while self._sender.moving:
            time.sleep(max(self._sender.due - time.monotonic(), 0))
            if not self._controller_is_heard():
                break
            self._send_overdue()
        # The end of the connection drops what the controller has not read.
        time.sleep(READING)

    def _controller_is_heard(self) -> bool:
        return time.monotonic() - self._heard_at <= STALE

    def _send_target(self, q: NDArray[np.float64]) -> None:
        self._sender.sent(time.monotonic())
        # The library cuts to 0.001 deg towards zero; half a unit more makes that a rounding.
        degrees = [math.degrees(angle) + math.copysign(0.0005, angle) for angle in q.tolist()]
        if self._arm.rm_movej_canfd(degrees, self._follow) == _SEND_FAILED:
            raise LinkError("the controller does not take targets any more")

    def _report(self, what: str, problem: str | None) -> None:
        self._send({what: problem})

    def _send(self, message: dict[str, Any]) -> None:
        # Nobody is left to hear it when the parent is gone.
        with contextlib.suppress(OSError):
            self._channel.send(json.dumps(message).encode())


def _checked(reply: tuple[int, Any], what: str) -> Any:
    code, value = reply
    if code != _OK:
        raise LinkError(f"the controller does not report its {what} (code {code})")
    return value


def main() -> None:
    # Ctrl-C is the parent's; it ends this process when it is done with the arm.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    take_priority()
    link = ControllerLink(ProcessSettings.from_argument(sys.argv[1]))
    threading.Thread(target=link.serve, name="realman-link", daemon=True).start()
    link.watch_parent()


if __name__ == "__main__":
    main()
