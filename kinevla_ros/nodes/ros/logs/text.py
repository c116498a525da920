"""Texts of bounded length: what others send must fit into a message and a line of a log."""

from __future__ import annotations

REASON = 200
"""Of a safety status, bytes of UTF-8; as in `SafetyStatus.msg`."""

TEXT = 500
"""Of an instruction, words, details and answers, bytes of UTF-8; as in `Reasoning.msg`."""

LINE = 4000
"""Of one entry of a log, a traceback among them, bytes of UTF-8."""

_NOTE = 40
"""Room for what was cut, bytes."""


def bounded(text: str, most: int = REASON) -> str:
    """Return a text of at most `most` bytes of UTF-8, at least 64.

    Of a longer one both ends are kept, because the way out comes last, and it says how much is
    missing in between.
    """
    if len(text) <= most:
        whole = text.encode(errors="replace")  # a file's name may hold what is no character
        if len(whole) <= most:
            return whole.decode()
    room = (most - _NOTE) // 2
    head = text[:room].encode(errors="replace")[:room].decode(errors="ignore")
    tail = text[-room:].encode(errors="replace")[-room:].decode(errors="ignore")
    return f"{head} … {len(text) - len(head) - len(tail)} characters cut … {tail}"
