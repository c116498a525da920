"""Buffers of fixed width that the engine's passes read, and how wide they are."""

from __future__ import annotations

import torch

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.segments import Segment

BURST = 4
"""Words written between two looks at whether the text has ended."""
NARROWEST = 16
TILE, HALF_TILE = 64, 32
"""Rows that matrix products take at once: a pass of one more may cost as many again."""
NOTHING = -1
"""No token: wanted where nothing is to be chosen."""


class PassInput:
    """Buffers of what a pass reads: ids, segments, the choices wanted of it, all (width,); length.

    What stands behind the length is read too, and nothing sees it.
    """

    def __init__(self, width: int, device: torch.device) -> None:
        self.ids = torch.zeros(width, dtype=torch.int64, device=device)
        self.segments, self.wanted = torch.zeros_like(self.ids), torch.zeros_like(self.ids)
        self.length = torch.ones(1, dtype=torch.int64, device=device)
        self._held: list[int] = []

    def hold(self, ids: list[int], segments: list[Segment], wanted: list[int]) -> int:
        """Copy everything in unless it is there; returns the length."""
        length = len(ids)
        rows = [*ids, *map(int, segments), *wanted]
        if rows != self._held:
            for buffer, row in zip(
                (self.ids, self.segments, self.wanted),
                torch.tensor(rows).unflatten(0, (3, length)),
                strict=True,
            ):
                buffer[:length].copy_(row)
            self.wanted[length:].fill_(NOTHING)
            self.length.fill_(length)
            self._held = rows
        return length


def written_room(config: GeneratorConfig) -> int:
    """Positions that the longest output takes, with the padding of the last pass."""
    longest = longest_level(config)
    codes = config.goal_codes + config.kinematics_codes
    room = 2 * longest + TILE + codes + BURST
    # Attention kernels want an even length.
    return -(-room // 64) * 64


def longest_level(config: GeneratorConfig) -> int:
    """Positions of a level before its codes: delimiters, words written, words read."""
    return 2 * config.max_text_tokens + 2


def pass_widths(widest: int, lead: int, tile: int = TILE) -> list[int]:
    """Widths that with `lead` rows before them fill tiles, up to the first that holds all."""
    first, last = ((lead + least - 1) // tile + 1 for least in (NARROWEST, widest))
    return [tiles * tile - lead for tiles in range(first, last + 1)]
