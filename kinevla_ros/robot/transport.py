"""What the arm driver needs of a way to the arm, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.target_sender import Point, Target
from kinevla_ros.robot.state import ArmState

HIGH_FOLLOW_PERIOD = 0.01
"""Longest period of targets that the controller may hand to the joints as they are, s."""


class ArmConnectionError(RuntimeError):
    """The arm's controller cannot be reached or does not do what it must."""


@dataclass(frozen=True)
class ArmInfo:
    """Who is at the other end; the arm does not report its jerk limit, which is this package's."""

    model: str
    firmware: str
    limits: JointLimits


class Transport(Protocol):
    """Sends targets, receives states, stops; one arm.

    Nothing waits for the arm except `connect`, `stop`, `clear_errors` and `drag`. Whether the arm
    is there shows in the age of `latest()`, never in what `send` does.
    """

    def connect(self) -> ArmInfo:
        """Connect (again) and wait until the arm's state arrives.

        Raises:
            ArmConnectionError: says what failed and what to check.
        """
        ...

    def close(self) -> None:
        """Disconnect; the arm keeps its last target."""
        ...

    @property
    def alive(self) -> bool:
        """Whether somebody is there who takes targets."""
        ...

    @property
    def can_stop(self) -> bool:
        """Whether a stop would get through, as far as is known."""
        ...

    def send(self, target: Target) -> None:
        """Hand over one target without waiting; it goes out by the rules of `target_sender`.

        Raises:
            ValueError: not seven finite numbers.
            ArmConnectionError: not connected.
        """
        ...

    def point(self) -> Point | None:
        """Return the point that went out to the arm last; None before the first."""
        ...

    def can_brake(self) -> bool:
        """Tell whether targets can go past a link that has just ended; may take 0.1 s.

        Only if next to none was lost, so that the next one is near the last that arrived.
        """
        ...

    def brake(self, target: Target) -> None:
        """Hand over one target past the link that has ended, by the rules of `target_sender`.

        Raises:
            ValueError: not seven finite numbers.
            ArmConnectionError: it does not get through.
        """
        ...

    def send_gripper(self, opening: float) -> None:
        """Move the gripper without waiting; the newest opening replaces one not yet sent.

        Args:
            opening: m, 0 closed.

        Raises:
            ValueError: not a finite number.
            ArmConnectionError: not connected.
        """
        ...

    def latest(self) -> ArmState | None:
        """Return the last sound state, however old; None before the first."""
        ...

    def stop(self) -> None:
        """Stop the arm by the shortest way.

        Raises:
            ArmConnectionError: the controller did not confirm; use the emergency button.
        """
        ...

    def clear_errors(self) -> None:
        """Clear the errors of joints and controller; the arm must be at rest.

        Raises:
            ArmConnectionError: not connected, no reply, or an error that stays.
        """
        ...

    def drag(self, on: bool) -> None:
        """Let the joints give way to a hand, or hold them; nothing is being sent.

        Raises:
            ArmConnectionError: not connected, no reply, or the controller refuses.
        """
        ...


def follows_high(period: float) -> bool:
    """Tell whether targets `period` s apart are sent in high follow: no smoothing, least delay.

    The vendor asks for that a period of 10 ms or less, and an even one. In low follow the
    controller smooths, which bears longer periods.
    """
    return period <= HIGH_FOLLOW_PERIOD + 1e-9


def checked_target(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the target, shape (7,), rad.

    Raises:
        ValueError: not seven finite numbers.
    """
    target = np.asarray(q, dtype=float)
    if target.shape != (7,) or not np.isfinite(target).all():
        raise ValueError(f"a target is seven finite joint positions, not {q!r}")
    return target
