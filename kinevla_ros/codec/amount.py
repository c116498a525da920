"""How many chunks a codec is trained on at least."""

from __future__ import annotations

CODES_PER_LEVEL = 128
"""Entries of a codebook unless another number is asked for."""

HELD_OUT_SHARE = 0.05
"""Share of the chunks that is kept for the report."""


def held_out_of(chunks: int, share: float = HELD_OUT_SHARE) -> int:
    """How many of so many chunks are kept for the report."""
    return max(1, round(chunks * share))


def require_enough(
    chunks: int, codes: int = CODES_PER_LEVEL, share: float = HELD_OUT_SHARE
) -> None:
    """Refuse too few chunks for a codebook of so many codes.

    Raises:
        ValueError: says how many there are and how many it takes.
    """
    if (shown := chunks - held_out_of(chunks, share)) < codes:
        raise ValueError(
            f"{chunks} chunks cannot fill {codes} codes, since {chunks - shown} are kept for the "
            "report; record more, or train on several datasets together"
        )
