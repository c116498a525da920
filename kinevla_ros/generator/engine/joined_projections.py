"""Query, key and value of attention by one product where a model multiplies three times."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

NAMES = "q_proj", "k_proj", "v_proj"


class _First(nn.Module):
    """Computes all three, gives the query and lays the others by."""

    def __init__(self, parts: list[nn.Linear], others: list[Tensor]) -> None:
        super().__init__()
        joined = nn.Linear(parts[0].in_features, 1, device="meta")
        for name in ("weight", "bias"):
            both = torch.cat([getattr(part, name).data for part in parts])
            setattr(joined, name, nn.Parameter(both, requires_grad=False))
            for part, own in zip(parts, both.chunk(len(parts)), strict=True):
                getattr(part, name).data = own
        self.joined, self.others = joined, others

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.joined(x).chunk(3, -1)
        self.others.extend((key, value))
        return query


class _Later(nn.Module):
    """Gives what was laid by."""

    def __init__(self, others: list[Tensor]) -> None:
        super().__init__()
        self.others = others

    def forward(self, x: Tensor) -> Tensor:
        return self.others.pop(0)


def join_projections(model: nn.Module) -> Callable[[], None]:
    """Join them in every attention that asks for query, key and value in this order.

    Weights become views of the joined ones: nothing is held twice.

    Returns:
        What puts the layers back that were there.
    """
    before: list[tuple[nn.Module, list[nn.Linear]]] = []
    for attention in list(model.modules()):
        parts = [getattr(attention, name, None) for name in NAMES]
        layers = [p for p in parts if type(p) is nn.Linear and p.bias is not None]
        if len(layers) < len(NAMES) or len({layer.weight.shape for layer in layers}) > 1:
            continue
        others: list[Tensor] = []
        before.append((attention, layers))
        for name, new in zip(
            NAMES, (_First(layers, others), _Later(others), _Later(others)), strict=True
        ):
            setattr(attention, name, new)

    def put_back() -> None:
        for attention, layers in before:
            for name, layer in zip(NAMES, layers, strict=True):
                setattr(attention, name, layer)

    return put_back
