"""The size of a PNG or JPEG from its first bytes, before anything is decoded."""

from __future__ import annotations

import struct

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that begin a frame, and so hold its size."""

_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG markers without a length."""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels as the header says; None where it is neither PNG nor JPEG."""
    try:
        if data.startswith(PNG):
            width, height = struct.unpack_from(">II", data, 16)
            return (width, height) if data[12:16] == b"IHDR" else None
        return _jpeg_size(data) if data.startswith(JPEG) else None
    except (struct.error, IndexError):  # it ends before its size
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = len(JPEG)
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + length
    return None
