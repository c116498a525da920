"""Lines to import, asked of a vision-language model behind an OpenAI-compatible endpoint.

Nothing is sent anywhere unless a person names the endpoint. What comes back is held against the
task set, and later against the motion, like any other line.
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.json_file import parse_object
from kinevla_ros.data.annotate.proposals import Suggester
from kinevla_ros.data.lerobot.reader import EpisodeEntry
from kinevla_ros.language.task_set import TaskSet

TIMEOUT = 120.0
"""For one answer, s."""

LARGEST = 1 << 20
ATTEMPTS = 2


class ModelError(ValueError):
    """The endpoint gives no usable answer; the message says why and what to do."""


def ask_model(suggester: Suggester, url: str, model: str, key: str) -> dict[int, dict[str, str]]:
    """Slots by episode, as a model reads them from the first, middle and last picture.

    An episode for which it gives none of the task set's ways is left out.

    Args:
        url: of the endpoint, up to and without `/chat/completions`.
        model: its name there.
        key: sent as a bearer token; none where it is empty.

    Raises:
        ModelError: the endpoint cannot be reached or refuses.
    """
    found = {}
    for entry in suggester.reader.episodes:
        for said in _answers(suggester, entry, url, model, key):
            try:
                slots = {str(n): str(value) for n, value in parse_object(_object_in(said)).items()}
                suggester.texts(slots)
            except (KeyError, TypeError, ValueError):
                continue
            found[entry.index] = slots
            break
    return found


def _object_in(said: bytes) -> bytes:
    """The JSON object, without the words or the fence that many models put around it."""
    return said[said.find(b"{") : said.rfind(b"}") + 1]


def _answers(
    suggester: Suggester, entry: EpisodeEntry, url: str, model: str, key: str
) -> Iterator[bytes]:
    """Up to so many answers about one episode."""
    video = suggester.reader.video(entry.index, "front")
    pictures = [video[place] for place in (0, entry.length // 2, entry.length - 1)]
    content: list[dict[str, Any]] = [{"type": "text", "text": _question(suggester.words.tasks)}]
    content += [{"type": "image_url", "image_url": {"url": _data_url(one)}} for one in pictures]
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "response_format": {"type": "json_object"},
    }
    for _ in range(ATTEMPTS):
        yield _post(f"{url.rstrip('/')}/chat/completions", body, key)


def _question(tasks: TaskSet) -> str:
    goals = "\n".join(
        json.dumps({"object": goal.object, **{n: list(tasks.slots[n].values) for n in goal.slots}})
        for goal in tasks.goals
    )
    return (
        "These are the first, the middle and the last picture of a robot arm that moves one thing. "
        f"{tasks.frame} Answer with one JSON object: the object, and for each of its slots one of "
        f"the values listed.\n{goals}"
    )


def _data_url(picture: np.ndarray) -> str:
    jpeg = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _post(url: str, body: Mapping[str, Any], key: str) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise ModelError(f"{url} is no address of an endpoint: http://… or https://…")
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            said = parse_object(answer.read(LARGEST))
        return str(said["choices"][0]["message"]["content"]).encode()
    except urllib.error.HTTPError as problem:
        reason = one_line(problem.read(1000).decode(errors="replace"))
        raise ModelError(f"{url} refuses ({problem.code}): {reason}") from problem
    except (OSError, LookupError, TypeError, ValueError) as problem:
        raise ModelError(f"{url} gives no answer of a chat model: {one_line(problem)}") from problem
