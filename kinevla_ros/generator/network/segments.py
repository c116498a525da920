"""What the positions of a sequence hold, and which of them may attend to which."""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor


class Segment(IntEnum):
    """What a position of the sequence holds.

    READING is the words once more, for the codes; ECHO the codes once more, to be compared with
    the words that they have not seen.
    """

    PAD = 0
    INSTRUCTION = 1
    OBSERVATION = 2
    WORDS = 3
    CODES = 4
    READING = 5
    ECHO = 6


# Row: the segment that looks; column: the segment it may look at.
_MAY_LOOK = torch.tensor(
    [
        [1, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1, 0, 1, 1, 0],
        [0, 0, 1, 0, 0, 1, 0],
        [0, 0, 1, 0, 0, 0, 1],
    ],
    dtype=torch.bool,
)


def may_look(device: torch.device) -> Tensor:
    """Which segment (row) may look at which (column), shape (7, 7), bool, on a device."""
    return _MAY_LOOK.to(device)


def attention_allowed(
    queries: Tensor, keys: Tensor, places: Tensor, may: Tensor, whole: bool
) -> Tensor:
    """Which key each query may attend to.

    Args:
        queries: segments of the new positions, shape (B, Q), int64.
        keys: segments of all positions, shape (B, K), int64.
        places: positions of the queries, shape (Q,), int64.
        may: see `may_look`.
        whole: whether the observation sees itself whole, later tokens too.

    Returns:
        Shape (B, 1, Q, K), bool: causal otherwise.
    """
    key_places = torch.arange(keys.shape[1], device=keys.device)
    seen = key_places[None, :] <= places[:, None]
    if whole:
        seen = seen | (
            (queries[:, :, None] == Segment.OBSERVATION) & (keys[:, None, :] == Segment.OBSERVATION)
        )
    itself = key_places[None, :] == places[:, None]
    return ((may[queries[:, :, None], keys[:, None, :]] & seen) | itself)[:, None]
