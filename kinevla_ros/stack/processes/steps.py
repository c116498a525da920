"""What the launch file does with its nodes: up one after the other, and down with the first."""

from __future__ import annotations

import signal
from itertools import pairwise

from launch import Action, LaunchContext  # type: ignore[attr-defined]  # our folder shadows it
from launch.actions import EmitEvent, OpaqueFunction, RegisterEventHandler, TimerAction
from launch.events import Shutdown
from launch_ros.actions import LifecycleNode, LifecycleTransition
from launch_ros.event_handlers import OnStateTransition
from lifecycle_msgs.msg import Transition

GRACE = 1.0
"""Between the end of a node that has ended in order and that of the launch, s."""

ENDING = "kinevla_ending"
"""Among the launch's own variables once it is to end."""


def bring_up(nodes: dict[str, LifecycleNode], namespace: str) -> list[Action]:
    """Configure and activate one node after the other: the arm last, when all it needs is there."""
    transitions = {
        name: LifecycleTransition(
            lifecycle_node_names=[f"/{namespace}/{name}".replace("//", "/")],
            transition_ids=[Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE],
        )
        for name in nodes
    }
    followers = [
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=nodes[name],
                goal_state="active",
                entities=[transitions[following]],
                handle_once=True,
            )
        )
        for name, following in pairwise(nodes)
    ]
    return [*followers, *failures(nodes), next(iter(transitions.values()))]


def failures(nodes: dict[str, LifecycleNode]) -> list[Action]:
    """End the launch, with a code, when a node cannot be configured or activated."""
    steps = (("configuring", "unconfigured", "configured"), ("activating", "inactive", "activated"))
    return [
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=found,
                start_state=start,
                goal_state=back,
                entities=[OpaqueFunction(function=end, args=[f"the {name} node cannot be {what}"])],
            )
        )
        for name, found in nodes.items()
        for start, back, what in steps
    ]


def ended(context: LaunchContext, problem: str) -> list[Action]:
    """End the launch with a node; with code 0 if that has ended in order, as by Ctrl-C."""
    if context.locals.event.returncode not in (0, -signal.SIGINT):
        end(context, problem)
    # A busy computer hears of the nodes' end before it hears of the Ctrl-C that they share.
    return [TimerAction(period=GRACE, actions=[OpaqueFunction(function=shut_down, args=[problem])])]


def shut_down(context: LaunchContext, reason: str) -> list[Action]:
    """End the launch unless it ends already: launch_ros fails when it is ended twice."""
    if context.is_shutdown or hasattr(context.locals, ENDING):
        return []
    context.extend_globals({ENDING: True})
    return [EmitEvent(event=Shutdown(reason=reason))]


def end(context: LaunchContext, problem: str) -> None:
    """Shut everything down with exit code 1; raising is what launch has for that.

    Raises:
        RuntimeError: unless the launch ends already.
    """
    if not context.is_shutdown:
        raise RuntimeError(f"{problem}; see its messages above")
