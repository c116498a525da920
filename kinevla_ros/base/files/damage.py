"""What a file that cannot be used is reported as: one line that names it and the cure."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 300
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What Python and its libraries raise on content that is not what it should be."""


class FileError(ValueError):
    """A file is damaged or of another kind than asked for; the message names it and the cure."""


def one_line(problem: object, longest: int = LONGEST) -> str:
    """The text of an error without line breaks and of bounded length."""
    text = " ".join(str(problem).encode(errors="backslashreplace").decode().split())
    text = text or type(problem).__name__
    return text if len(text) <= longest else f"{text[:longest]} …"


def for_user(problem: BaseException) -> str:
    """What a command says of an error, in one line; of a full disk, what to do."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(problem, OSError) and problem.errno in full:
        return (
            f"there is no room left on the disk ({one_line(problem)}); what was saved before is "
            "whole: make room, then run the command again, training with --resume"
        )
    return one_line(problem, 2 * LONGEST)


@contextmanager
def naming(path: Path, cure: str, kind: type[Exception] = FileError) -> Iterator[None]:
    """Turn what content raises that is not as it should be into one line that names the file.

    Args:
        path: what is read inside the block.
        cure: what to do about it.
        kind: what is raised; it passes unchanged, as does FileNotFoundError. A FileError says
            enough already: its text is kept.
    """
    try:
        yield
    except (kind, FileNotFoundError):
        raise
    except FileError as problem:
        raise kind(str(problem)) from problem
    except _DAMAGE as problem:
        raise kind(f"{path} is damaged ({one_line(problem)}); {cure}") from problem
