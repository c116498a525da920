"""What a page may ask for: read, or refused with what is wrong; nothing else gets any further."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kinevla_ros.nodes.ros.logs.text import TEXT, bounded

LARGEST = 8192
"""Of a page's message, bytes; four texts of the longest kind in whatever alphabet."""

Words = Annotated[str, Field(max_length=TEXT)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Annotated[int, Field(ge=0, lt=2**53)]


class Plain(_Request):
    """A request without an argument."""

    do: Literal[
        "ping", "stop", "reset", "veto", "release", "record_start", "record_discard", "new_scene",
        "judge",
    ]  # fmt: skip


class Switch(_Request):
    """Motion enabled, or paused, or no longer; an episode kept as a success, or as a failure."""

    do: Literal["enable", "pause", "record_stop"]
    on: bool


class Say(_Request):
    """An instruction, or the answer to a question."""

    do: Literal["say"]
    text: Words


class Speed(_Request):
    """Share of full speed, %."""

    do: Literal["speed"]
    percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class OverrideRequest(_Request):
    """Words in the place of the policy's own."""

    do: Literal["override"]
    goal: Words = ""
    kinematics: Words


Request = Plain | Switch | Say | Speed | OverrideRequest
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])


def read_request(message: str) -> Request:
    """Read one message of a page.

    Raises:
        ValueError: it is no request; says what is wrong.
    """
    if len(message) > LARGEST:
        raise ValueError(f"a message of {len(message)} characters; at most {LARGEST} are taken")
    try:
        return _REQUEST.validate_json(message)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(bounded(f"{where}: {first['msg']}".removeprefix(": "))) from problem
