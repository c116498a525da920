"""Where chunks come from: a checkpoint, skills, or a policy that somebody else serves."""

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
    from kinevla_ros.skills.keypoints import Keypoints
    from kinevla_ros.skills.policy import SkillPolicy

    AnyPolicy = Policy | SkillPolicy | RemotePolicy

OF_A_CHECKPOINT = ("model", "skills", "keypoints", "weights", "depth_head")
OF_CODES = ("weights", "depth_head")
SHIPPED = "models", "kinevla-tiny"


def open_policy(values: dict[str, Any], measured: bool) -> tuple[AnyPolicy, str]:
    """Load or connect, and run it until no chunk is slower than its kind; says what it is.

    Args:
        values: the node's parameters.
        measured: whether consistency is asked for with each chunk.

    Raises:
        RuntimeError, ValueError, OSError: there is no policy; says why and what to do.
    """
    if values["policy_url"]:
        return _served(values)
    if values["skills"]:
        return _skilled(values)
    if values["keypoints"]:
        raise ValueError("keypoints are found for skills: give skills, or leave keypoints out")
    return _loaded(values, measured)


def _loaded(values: dict[str, Any], measured: bool) -> tuple[Policy, str]:
    from kinevla_ros.generator.policy import Policy

    folder = _checkpoint(values)
    options = values["weights"] or None, values["depth_head"]
    policy = Policy(folder, values["threads"], values["device"], *options, accept=values["accept"])
    require_executable(policy.space, f"the checkpoint {folder}", CAMERAS)
    policy.warm_up(measured)
    return policy, f"loaded {folder} on {policy.device}; decoding by {policy.backend}"


def _checkpoint(values: dict[str, Any]) -> Path:
    return Path(values["model"]) if values["model"] else resource_path(*SHIPPED)


def _skilled(values: dict[str, Any]) -> tuple[SkillPolicy, str]:
    from kinevla_ros.skills.policy import SkillPolicy

    if given := [name for name in OF_CODES if values[name]]:
        raise ValueError(f"skills have no codes: leave {' and '.join(given)} out, or skills")
    if values["keypoints"] and values["model"]:
        raise ValueError("model and keypoints both find objects for skills: leave one of them out")
    found, source = _finder(values)
    policy = SkillPolicy(Path(values["skills"]).expanduser(), found)
    policy.warm_up()
    return policy, f"loaded the skills of {policy.folder}; {source} finds the objects"


def _finder(values: dict[str, Any]) -> tuple[Keypoints, Path]:
    """What finds the objects for skills, and the file or folder that it is read from."""
    if given := values["keypoints"]:
        from kinevla_ros.keypoints.seen import SeenKeypoints

        path = Path(given).expanduser()
        return SeenKeypoints(path, values["threads"]), path
    from kinevla_ros.generator.network.located_objects import LocatedObjects

    folder = _checkpoint(values)
    return LocatedObjects(folder, values["threads"]), folder


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


def close_policy(policy: AnyPolicy | None) -> None:
    """End a connection; give memory back."""
    if close := getattr(policy, "close", None):
        close()
    else:
        from kinevla_ros.generator.device import free_memory

        free_memory()
