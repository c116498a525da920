"""The newest of everything with the time it came, which every page is shown alike."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

LOG_LENGTH = 60
PARTS = ("arm", "joints", "scene", "reasoning", "question")


class Seen:
    """Filled from the topics' thread, read from the pages'.

    Args:
        clock: monotonic time, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._parts: dict[str, tuple[float, Any]] = {}
        self._nodes: dict[str, tuple[float, dict[str, Any]]] = {}
        self._log: deque[tuple[int, str, str]] = deque(maxlen=LOG_LENGTH)
        self._lines = 0

    def put(self, part: str, value: Any) -> None:
        """Take what has just come; None forgets the part."""
        with self._lock:
            if value is None:
                self._parts.pop(part, None)
            else:
                self._parts[part] = self._clock(), value

    def put_nodes(self, lines: dict[str, Any]) -> None:
        """Take lines of /diagnostics; the others stay as they are, and grow old."""
        now = self._clock()
        with self._lock:
            self._nodes |= {name: (now, line) for name, line in lines.items()}
            for name in sorted(self._nodes, key=lambda n: self._nodes[n][0])[: -2 * LOG_LENGTH]:
                del self._nodes[name]

    def get(self, part: str) -> tuple[float, Any]:
        """How old a part is (s) and what it is; infinitely old and None where there is none."""
        with self._lock:
            came, value = self._parts.get(part, (-math.inf, None))
        return self._clock() - came, value

    def note(self, text: str) -> None:
        """Add a line to the log that all pages show."""
        with self._lock:
            self._lines += 1
            self._log.append((self._lines, time.strftime("%H:%M:%S"), text))

    def log(self, after: int) -> list[tuple[int, str, str]]:
        """Numbered lines, with their time, that came after the line `after`."""
        with self._lock:
            return [line for line in self._log if line[0] > after]

    def to_json(self) -> dict[str, Any]:
        """Every part with its age, s; None for what has never come."""
        now = self._clock()
        with self._lock:
            parts, nodes = dict(self._parts), dict(self._nodes)
        found: dict[str, Any] = dict.fromkeys(PARTS)
        for name, (came, value) in parts.items():
            found[name] = value | {"age": round(now - came, 3)}
        found["nodes"] = [
            {"name": name, "age": round(now - came, 3), **line}
            for name, (came, line) in sorted(nodes.items())
        ]
        return found
