"""What a block does between its matrix products: an interface, and plain torch for any device."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kinevla_ros.generator.network.segments import attention_allowed, may_look


class Rounded(NamedTuple):
    """Rows in fp8 (Q, width) and the scale of each, (Q, 1), float32."""

    values: Tensor
    scale: Tensor


class Look(NamedTuple):
    """Where new positions are and what they may attend to.

    Attributes:
        start: position of the first, (1,), int64; `places` of all of them, (Q,).
        segments: of all positions of the cache, (L,), int64, the new ones written in.
        rule: what the operations made of it, once for all blocks.
    """

    start: Tensor
    places: Tensor
    segments: Tensor
    rule: Any


class Operations(Protocol):
    """Everything of a block but its products; Q new positions, H heads of D numbers.

    What goes `into` a layer that multiplies rounded numbers may come rounded.
    """

    name: str

    def look(self, start: Tensor, places: Tensor, segments: Tensor, table: Tensor) -> Look:
        """Prepare a pass; see `Look`.

        Args:
            table: cosines and sines of all positions, (2, L, D).
        """

    def add_norm(
        self, hidden: Tensor, change: Tensor | None, norm: Any, into: nn.Module | None
    ) -> tuple[Tensor, Tensor | Rounded]:
        """`hidden + change` (Q, width), and its RMS norm."""

    def turn(self, mixed: Tensor, look: Look, cache: Tensor) -> Tensor:
        """Rotate queries and keys to their positions, write keys and values into the cache.

        Args:
            mixed: queries, keys and values, (Q, 3 H D).
            cache: keys and values of a block, (2, H, L, D).

        Returns:
            Queries (H, Q, D).
        """

    def attend(
        self, query: Tensor, cache: Tensor, look: Look, into: nn.Module | None
    ) -> Tensor | Rounded:
        """Attention over the cache, (Q, H D)."""

    def gate(self, both: Tensor, into: nn.Module | None) -> Tensor | Rounded:
        """SiLU of the first half of (Q, 2 inner) times the second."""


class PlainOperations:
    """Plain torch; attention reads the whole cache under a mask.

    Args:
        whole: whether the observation sees itself whole.
    """

    name = "plain torch"

    def __init__(self, whole: bool, device: torch.device) -> None:
        self._whole, self._may = whole, may_look(device)

    def look(self, start: Tensor, places: Tensor, segments: Tensor, table: Tensor) -> Look:
        """See `Operations`."""
        allowed = attention_allowed(
            segments[places][None], segments[None], places, self._may, self._whole
        )
        return Look(start, places, segments, (allowed, *table[:, places]))

    def add_norm(
        self, hidden: Tensor, change: Tensor | None, norm: Any, into: nn.Module | None
    ) -> tuple[Tensor, Tensor]:
        """See `Operations`."""
        hidden = hidden if change is None else hidden + change
        return hidden, norm(hidden)

    def turn(self, mixed: Tensor, look: Look, cache: Tensor) -> Tensor:
        """See `Operations`."""
        heads, (_, cos, sin) = cache.shape[1], look.rule
        query, key, value = (
            part.unflatten(1, (heads, -1)).transpose(0, 1) for part in mixed.chunk(3, 1)
        )
        cache[0].index_copy_(1, look.places, _rotated(key, cos, sin))
        cache[1].index_copy_(1, look.places, value)
        return _rotated(query, cos, sin)

    def attend(self, query: Tensor, cache: Tensor, look: Look, into: nn.Module | None) -> Tensor:
        """See `Operations`."""
        keys, values = cache[:, None]
        seen = F.scaled_dot_product_attention(query[None], keys, values, look.rule[0])
        return seen[0].transpose(0, 1).flatten(1)

    def gate(self, both: Tensor, into: nn.Module | None) -> Tensor:
        """See `Operations`."""
        first, second = both.chunk(2, 1)
        return F.silu(first) * second


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding of (heads, Q, head width)."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
