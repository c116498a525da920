"""A page on this computer on which a person looks at what was proposed, episode by episode."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from kinevla_ros.data.annotate.proposals import Suggester, Suggestion
from kinevla_ros.data.annotate.reviews import Reviews
from kinevla_ros.robot.kinematics import tool_poses

PAGE = Path(__file__).with_name("page.html")
LOOPBACK = "127.0.0.1"
LARGEST_BODY = 64 << 10


class ReviewPage:
    """Serves the page until a person says that all is written down.

    Args:
        suggester: the dataset and what can be said about it.
        suggestions: in the order in which they are shown.
        reviews: where decisions are kept.
        port: to listen on; 0 for a free one.

    Attributes:
        url: where to look.
    """

    def __init__(
        self,
        suggester: Suggester,
        suggestions: list[Suggestion],
        reviews: Reviews,
        port: int = 0,
    ) -> None:
        self._suggester, self._suggestions, self._reviews = suggester, suggestions, reviews
        self._lock = Lock()
        self._server = _Server((LOOPBACK, port), self._handler())
        self._server.daemon_threads = True
        self._hosts = {f"{name}:{self._server.server_port}" for name in (LOOPBACK, "localhost")}
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/"
        self.picture = cache(self._picture)

    def run(self) -> None:
        """Serve until the page's `write` is pressed, or Ctrl-C."""
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self._server.server_close()

    def state(self) -> dict[str, Any]:
        """What the page shows: the task set, and each episode with its suggestion."""
        tasks = self._suggester.words.tasks
        slots = {
            name: {value: made.name for value, made in slot.values.items()}
            for name, slot in tasks.slots.items()
        }
        episodes = [
            {
                "episode": one.episode,
                "instruction": one.instruction,
                "slots": dict(one.slots),
                "sure": one.sure,
                "note": one.note,
                "decided": one.episode in self._reviews.decided,
                "decision": self._reviews.decided.get(one.episode),
            }
            for one in self._suggestions
        ]
        goals = {goal.object: list(goal.slots) for goal in tasks.goals}
        return {"goals": goals, "slots": slots, "episodes": episodes, "frame": tasks.frame}

    def path(self, episode: int) -> dict[str, Any]:
        """The tool's way over the table, x and y (m), and the frames of grasp and release."""
        entry = self._suggester.reader.episodes[episode]
        carry = self._suggester.carry(entry)
        points = tool_poses(self._suggester.states(entry)[:, :7])[0][:, :2]
        ends = {} if carry is None else {"grasp": carry.grasp, "release": carry.release}
        return {"points": points.round(4).tolist(), **ends}

    def decide(self, said: Mapping[str, Any]) -> None:
        """Take a decision. Raises ValueError for one that the task set does not know."""
        with self._lock:
            if said.get("undo"):
                self._reviews.undo()
                return
            episode = said.get("episode")
            if not isinstance(episode, int) or not 0 <= episode < len(self._suggestions):
                raise ValueError(f"there is no episode {episode}")
            slots = None if said.get("discard") else dict(said["slots"])
            if slots is not None:
                self._suggester.texts(slots)
            self._reviews.decide(episode, slots)

    def _picture(self, episode: int, which: str) -> bytes:
        """JPEG of the front camera at the first frame, grasp, release or last frame."""
        entry = self._suggester.reader.episodes[episode]
        carry = self._suggester.carry(entry)
        last = entry.length - 1
        frames = {"first": 0, "last": last}
        frames |= {"grasp": carry.grasp, "release": carry.release} if carry else {}
        picture = self._suggester.reader.video(episode, "front")[frames.get(which, last)]
        return bytes(cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]))[1])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                page.get(self)

            def do_POST(self) -> None:
                page.post(self)

        return Handler

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Answer the page, its state, a picture or a path."""
        if request.headers.get("Host") not in self._hosts:
            return _answer(request, HTTPStatus.FORBIDDEN, b"", "text/plain")
        parts = request.path.strip("/").split("/")
        try:
            if parts == [""]:
                content, kind = PAGE.read_bytes(), "text/html; charset=utf-8"
            elif parts == ["state"]:
                content, kind = json.dumps(self.state()).encode(), "application/json"
            elif parts[0] == "path" and len(parts) == 2:
                content, kind = json.dumps(self.path(int(parts[1]))).encode(), "application/json"
            elif parts[0] == "picture" and len(parts) == 3:
                content, kind = self.picture(int(parts[1]), parts[2]), "image/jpeg"
            else:
                raise ValueError(request.path)
        except (ValueError, LookupError):
            return _answer(request, HTTPStatus.NOT_FOUND, b"", "text/plain")
        _answer(request, HTTPStatus.OK, content, kind)

    def post(self, request: BaseHTTPRequestHandler) -> None:
        """Take a decision from this page, and from no other."""
        origin = (request.headers.get("Origin") or "").removeprefix("http://")
        length = int(request.headers.get("Content-Length") or 0)
        ours = request.headers.get("Host") in self._hosts and origin in self._hosts
        if not ours or not 0 < length <= LARGEST_BODY:
            return _answer(request, HTTPStatus.FORBIDDEN, b"", "text/plain")
        try:
            said = json.loads(request.rfile.read(length))
            if not said.get("finish"):
                self.decide(said)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return _answer(request, HTTPStatus.BAD_REQUEST, str(problem).encode(), "text/plain")
        _answer(request, HTTPStatus.OK, json.dumps(self.state()).encode(), "application/json")
        if said.get("finish"):
            # It ends `serve_forever`, which runs in another thread than this one.
            self._server.shutdown()


class _Server(ThreadingHTTPServer):
    """A browser may leave before its answer has come: that is no error."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _answer(request: BaseHTTPRequestHandler, status: HTTPStatus, content: bytes, kind: str) -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(content)))
    request.send_header("Cache-Control", "no-store")
    request.end_headers()
    request.wfile.write(content)
