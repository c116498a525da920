"""Observations, actions and metadata as the dictionaries that OpenPI's clients and servers send.

Keys are those of OpenPI's own example for a new robot (its LIBERO policy):

| key                       | value                                                              |
| ------------------------- | ------------------------------------------------------------------ |
| `observation/image`       | front camera, RGB, uint8, shape (height, width, 3)                 |
| `observation/wrist_image` | wrist camera, alike                                                |
| `observation/state`       | seven joint positions (rad), the gripper's opening (m), shape (8,) |
| `prompt`                  | the instruction                                                    |
| `actions`                 | the answer: absolute targets in the state's order and units,       |
|                           | one every 0.1 s, shape (5 or more, 8)                              |
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.action_space import ABSOLUTE, RM75
from kinevla_ros.base.chunk import ACTION_DIM, CHUNK_DT, HORIZON, ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.robot.reported_state import require_possible

IMAGES = {"front": "observation/image", "wrist": "observation/wrist_image"}
STATE, PROMPT, ACTIONS = "observation/state", "prompt", "actions"

ACTION_SPACE: dict[str, Any] = {
    "names": list(RM75.names),
    "units": list(RM75.units),
    "reference": RM75.reference,
    "dt": RM75.dt,
}
"""What the actions mean, as our server's metadata say under `actions`."""


class DictionaryError(ValueError):
    """A dictionary lacks a key, or a value is not what this arm needs; says what is needed."""


def observation_to_dictionary(instruction: str, observation: Observation) -> dict[str, Any]:
    """Return what a server is sent.

    Raises:
        DictionaryError: a camera's picture is missing.
    """
    images = {key: _value(observation.images, camera) for camera, key in IMAGES.items()}
    state = observation.state.astype(np.float32)
    return {**images, STATE: state, PROMPT: instruction}


def observation_from_dictionary(given: Any, stamp: float) -> tuple[str, Observation]:
    """Read what a client sent: instruction and observation, which gets this time (s).

    Raises:
        DictionaryError: see there.
    """
    images = {camera: np.asarray(_value(given, key)) for camera, key in IMAGES.items()}
    state, prompt = _numbers(given, STATE), _value(given, PROMPT)
    if state.shape != (ACTION_DIM,) or not isinstance(prompt, str):
        raise DictionaryError(
            f'"{STATE}" has shape {state.shape} and "{PROMPT}" is a {type(prompt).__name__}; send '
            f"({ACTION_DIM},), joints in rad and the gripper's opening in m, and a text"
        )
    try:
        observation = Observation(images, state[:-1], float(state[-1]), stamp)
        require_possible(observation.joints, observation.gripper)
    except ValueError as problem:
        raise DictionaryError(str(problem)) from problem
    return prompt, observation


def chunk_from_dictionary(given: Any, stamp: float, sequence: int) -> ActionChunk:
    """Read a server's answer; of more actions than a chunk holds the first are taken.

    Raises:
        DictionaryError: see there.
    """
    actions = _numbers(given, ACTIONS)
    if actions.ndim != 2 or len(actions) < HORIZON or actions.shape[1] != ACTION_DIM:
        raise DictionaryError(
            f'the server\'s "{ACTIONS}" have shape {actions.shape}; this arm needs ({HORIZON} or '
            f"more, {ACTION_DIM}): absolute targets of seven joints (rad) and the gripper's "
            f"opening (m), one every {CHUNK_DT} s. Serve a policy that was trained on this arm, or "
            "convert in the server's output transform"
        )
    try:
        return ActionChunk(stamp, sequence, actions[:HORIZON, :-1], actions[:HORIZON, -1])
    except ValueError as problem:
        raise DictionaryError(f'the server\'s "{ACTIONS}": {problem}') from problem


def require_action_space(metadata: Any, given: str) -> None:
    """Compare what a server's actions mean with what this arm needs.

    Args:
        metadata: what the server sent first.
        given: what its user says they are, where the server does not: `ABSOLUTE` or "".

    Raises:
        DictionaryError: they are something else, or nobody says what they are.
    """
    described = metadata.get(ACTIONS) if isinstance(metadata, dict) else None
    if described is None:
        if given != ABSOLUTE:
            raise DictionaryError(
                "the server does not say what its actions are. Set policy_actions to absolute if "
                "they are absolute targets of seven joints (rad) and the gripper's opening (m), "
                f"one every {CHUNK_DT} s"
            )
        return
    found = described if isinstance(described, dict) else {}
    differing = [
        f"{name} is {found.get(name)!r}, not {wanted!r}"
        for name, wanted in ACTION_SPACE.items()
        if found.get(name) != wanted
    ]
    if differing:
        raise DictionaryError(
            f"the server's actions are not this arm's: {'; '.join(differing)}. Serve a policy that "
            "was trained on this arm, or convert in the server's output transform"
        )


def _value(given: Any, key: str) -> Any:
    if not hasattr(given, "keys"):
        raise DictionaryError(f'a {type(given).__name__} came, not a dictionary with "{key}"')
    if key not in given:
        there = ", ".join(sorted(map(str, given))) or "nothing"
        raise DictionaryError(f'"{key}" is missing; there is {there}')
    return given[key]


def _numbers(given: Any, key: str) -> NDArray[np.float64]:
    value = _value(given, key)
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DictionaryError(f'"{key}" are no numbers: {problem}') from problem
