"""The action `kinevla/execute`: an instruction whose end is reported, and that can be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node

from kinevla_ros.action import Execute
from kinevla_ros.base import topics
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.language.stop import STOP
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.hearing import Hearing
from kinevla_ros.nodes.policy.progress import TaskProgress
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded

Result = Execute.Result
FEEDBACK_PERIOD = 0.2
PATIENCE = 3.0
"""What keeps the arm from following ends the task after so long, s: it may have to be found first,
and a simulated one that stalls goes on by itself."""

PASSING = ("the arm is held", "a person leads", "the arm refuses")
"""How obstacles begin that go away without the task's end, see `arm_watch`."""

REFUSED = {Reasoning.NOT_UNDERSTOOD: Result.REFUSED, Reasoning.ASKING: Result.QUESTION}


class Execution:
    """Serves goals one at a time, beside instructions by topic.

    Args:
        node: the policy node.
        hearing: takes the instructions.
        obstacle: what keeps the arm from following; empty where nothing does.
        active: whether the node is.
    """

    def __init__(
        self,
        node: Node,
        hearing: Hearing,
        obstacle: Callable[[], str],
        active: Callable[[], bool],
    ) -> None:
        self._hearing, self._obstacle, self._active = hearing, obstacle, active
        self._goal: ServerGoalHandle | None = None
        self._progress, self._reasoning = TaskProgress(), Reasoning()
        self._heard, self._blocked_since = 0, 0.0
        self._server = ActionServer(
            node,
            Execute,
            topics.EXECUTE,
            _never,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._begin,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )
        node.create_timer(FEEDBACK_PERIOD, self._watch)

    def on_reasoning(self, reasoning: Reasoning) -> None:
        """Take what the policy says, from whatever thread."""
        self._reasoning = reasoning

    def follow(self, chunk: ActionChunk) -> None:
        """Take a chunk that is sent."""
        if self._goal is not None:
            self._progress.follow(chunk)

    def close(self) -> None:
        """End the task under way: the node does."""
        self._finish(Result.STOPPED, "the policy node is not active any more")

    def _on_goal(self, _: Execute.Goal) -> GoalResponse:
        return GoalResponse.ACCEPT if self._active() else GoalResponse.REJECT

    def _begin(self, goal: ServerGoalHandle) -> None:
        """Take the instruction of a goal that was accepted."""
        self._finish(Result.STOPPED, "another goal has come")
        self._progress, self._reasoning = TaskProgress(), Reasoning()
        self._blocked_since = 0.0
        self._goal = goal
        status, detail = self._hearing.hear(goal.request.instruction)
        self._heard = self._hearing.heard
        if status != Reasoning.ACCEPTED:
            self._finish(REFUSED[status], detail)

    def _watch(self) -> None:
        """Report how far the task is, and end it where it is over."""
        goal = self._goal
        if goal is None:
            return
        obstacle = self._obstacle()
        if goal.is_cancel_requested:
            self._stop("cancelled")
        elif self._heard != self._hearing.heard:
            self._finish(Result.STOPPED, "another instruction has come")
        elif self._hearing.words.vetoed:
            self._stop("an operator has vetoed the motion")
        elif self._is_blocked(obstacle):
            begun = self._progress.stage != Execute.Feedback.WAITING
            self._stop(obstacle, Result.STOPPED if begun else Result.REFUSED)
        elif self._progress.done:
            self._stop("", Result.DONE)
        elif self._progress.idle(time.monotonic()):
            self._stop("the policy wants no motion any more, and nothing has been released")
        else:
            goal.publish_feedback(self._feedback(obstacle))

    def _is_blocked(self, obstacle: str) -> bool:
        now = time.monotonic()
        if not obstacle:
            self._blocked_since = 0.0
            return False
        self._blocked_since = self._blocked_since or now
        # Who pauses or leads goes on later.
        return now - self._blocked_since > PATIENCE and not obstacle.startswith(PASSING)

    def _feedback(self, obstacle: str) -> Execute.Feedback:
        reasoning, progress = self._reasoning, self._progress
        return Execute.Feedback(
            stage=progress.stage,
            progress=progress.share,
            status=reasoning.status,
            goal=reasoning.goal,
            kinematics=reasoning.kinematics,
            detail=bounded(reasoning.detail or obstacle, TEXT),
        )

    def _stop(self, reason: str, outcome: int = Result.STOPPED) -> None:
        """End the task and its instruction."""
        self._finish(outcome, reason)
        self._hearing.hear(STOP)

    def _finish(self, outcome: int, reason: str) -> None:
        goal, self._goal = self._goal, None
        if goal is not None:
            result = Result(outcome=outcome, reason=bounded(reason, TEXT))
            # Not before: a coroutine that waits keeps rclpy's executor turning.
            goal.execute(lambda handle: _ended(handle, result))


def _ended(goal: ServerGoalHandle, result: Execute.Result) -> Execute.Result:
    """Put a goal into its last state."""
    if result.outcome == Result.DONE:
        goal.succeed()
    elif goal.is_cancel_requested:
        goal.canceled()
    else:
        goal.abort()
    return result


def _never(_: ServerGoalHandle) -> Execute.Result:
    """What rclpy asks for, and each goal brings with it."""
    raise AssertionError
