"""Where chunks come from: a checkpoint, or a policy that somebody else serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.resources import resource_path
from kinevla_ros.robot.executable import require_executable
from kinevla_ros.serving.errors import naming_extra

if TYPE_CHECKING:
    from kinevla_ros.generator.policy import Policy
    from kinevla_ros.serving.client import RemotePolicy

OF_A_CHECKPOINT = ("model", "weights", "depth_head")


def open_policy(values: dict[str, Any], measured: bool) -> tuple[Policy | RemotePolicy, str]:
    """Load or connect, and run it until no chunk is slower than its kind; says what it is.

    Args:
        values: the node's parameters.
        measured: whether consistency is asked for with each chunk.

    Raises:
        RuntimeError, ValueError, OSError: there is no policy; says why and what to do.
    """
    return _served(values) if values["policy_url"] else _loaded(values, measured)


def _loaded(values: dict[str, Any], measured: bool) -> tuple[Policy, str]:
    from kinevla_ros.generator.policy import Policy

    given = values["model"]
    folder = Path(given) if given else resource_path("models", "kinevla-tiny")
    options = values["weights"] or None, values["depth_head"]
    policy = Policy(folder, values["threads"], values["device"], *options, accept=values["accept"])
    require_executable(policy.space, f"the checkpoint {folder}", CAMERAS)
    policy.warm_up(measured)
    return policy, f"loaded {folder} on {policy.device}; decoding by {policy.backend}"


def _served(values: dict[str, Any]) -> tuple[RemotePolicy, str]:
    if given := [name for name in OF_A_CHECKPOINT if values[name]]:
        raise ValueError(
            f"policy_url takes the place of a checkpoint: leave {' and '.join(given)} out, or it"
        )
    with naming_extra():
        from kinevla_ros.serving.client import RemotePolicy
    url = values["policy_url"]
    policy = RemotePolicy(url, values["policy_actions"], values["policy_url_anywhere"])
    try:
        policy.warm_up()
    except RuntimeError:
        policy.close()
        raise
    return policy, f"asking {url} for chunks"


def close_policy(policy: Policy | RemotePolicy | None) -> None:
    """End a connection; give memory back."""
    if close := getattr(policy, "close", None):
        close()
    else:
        from kinevla_ros.generator.device import free_memory

        free_memory()
