"""What the policy node does when the policy doubts itself: report it, slow the arm, or ask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rclpy.node import Node
from std_msgs.msg import Float64

from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.arm_watch import ArmWatch

if TYPE_CHECKING:
    from kinevla_ros.generator.inference import Inference

SLOW = 50.0
"""Share of full speed at which the arm goes on while the policy doubts itself (%)."""


class Caution:
    """Acts on doubt; `report` leaves that to whoever reads `Reasoning`.

    Args:
        node: that publishes.
        what: the parameter `when_unsure`.
        arm: says how fast the arm goes.
    """

    def __init__(self, node: Node, what: str, arm: ArmWatch) -> None:
        self._what, self._arm = what, arm
        topic = f"{node.resolve_service_name('arm')}/speed_scaling"
        self._speed = node.create_publisher(Float64, topic, 1) if what == "slow" else None
        self._most: float | None = None
        self._before: float | None = None
        self._asked: tuple[int, str] | None = None

    def watch(self, policy: Any) -> None:
        """Take the policy whose doubt is meant.

        Raises:
            ValueError: something is to be done then, and it cannot.
        """
        # Skills, and policies that others serve, have no threshold.
        self._most = getattr(policy, "most_disagreement", None)
        if self._what != "report" and self._most is None:
            raise ValueError(
                f"when_unsure: {self._what} needs a checkpoint that says when it doubts itself: "
                "`kinevla calibrate --episodes FIGURES` writes its doubt.json; or set it to report"
            )

    def doubt(self, inference: Inference) -> float:
        """Above 1 the policy is unsure; NaN where that is not known."""
        return inference.disagreement / self._most if self._most else math.nan

    def act(self, doubt: float, instruction: str, heard: int) -> tuple[int, str]:
        """Slow down, give the speed back, or hold: a status and why nothing is to be sent.

        Args:
            doubt: above 1 the policy is unsure; NaN is not.
            instruction: in force.
            heard: how many have been said so far; said again, it is carried out all the same.
        """
        if self._what == "slow":
            self._set_speed(slow=doubt > 1.0)
        if self._asked and self._asked[1] != instruction:
            self._asked = None
        if self._what == "ask" and doubt > 1.0 and self._asked is None:
            self._asked = heard, instruction
        if self._asked and self._asked[0] == heard:
            return int(Reasoning.UNSURE), (
                "the policy departs from what it said just before, as it does where it is about to "
                "fail: see what is unusual; say the instruction again to go on, or stop"
            )
        return int(Reasoning.OK), ""

    def end(self) -> None:
        """Nothing is carried out any more: nothing is asked, and the arm has its speed again."""
        self._asked = None
        self._set_speed(slow=False)

    def _set_speed(self, slow: bool) -> None:
        """Halve the speed, or give back what it was; what a person sets in between stays."""
        speed = self._arm.speed
        if self._speed is None or not speed:  # not heard yet, or paused
            return
        if slow and self._before is None and speed > SLOW:
            self._before = speed
            self._speed.publish(Float64(data=SLOW))
        elif not slow and self._before is not None:
            if math.isclose(speed, SLOW, abs_tol=0.1):
                self._speed.publish(Float64(data=self._before))
            self._before = None
