"""Which action spaces the arm can be sent."""

from __future__ import annotations

from kinevla_ros.base.action_space import RM75, ActionSpace, ActionSpaceError


def require_executable(space: ActionSpace, who: str, cameras: tuple[str, ...]) -> None:
    """Raise ActionSpaceError, naming both sides, unless arm and cameras are those of a policy.

    Gate and stream know absolute targets of an RM75's seven joints (rad) and its gripper's opening
    (m), five to a chunk, one every 0.1 s: speeds, braking and watchdogs are judged by that.

    Args:
        space: of the policy.
        who: the policy, for the message.
        cameras: that are there.
    """
    cure = (
        "Nothing else can be executed: evaluate it with `kinevla evaluate --open-loop DATASET`, or "
        "train on a dataset of this arm."
    )
    space.require(RM75, who, "this arm (RM75)", cure, cameras=False)
    if missing := [camera for camera in space.cameras if camera not in cameras]:
        raise ActionSpaceError(
            f"{who} sees the cameras {', '.join(space.cameras)}, and this robot has "
            f"{', '.join(cameras)}. Train with these names, such as "
            f"--camera {cameras[0]}={missing[0]}"
        )
