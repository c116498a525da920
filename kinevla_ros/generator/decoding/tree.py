"""Sequences with shared beginnings as one tree, so that one pass reads all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kinevla_ros.generator.network.segments import Segment, may_look


class TreeNode(NamedTuple):
    """A position of a sequence; `holds` and `chooses` number codes, -1 for none."""

    id: int
    segment: Segment
    position: int
    holds: int
    chooses: int


class Tree:
    """Every position once, wherever all that comes before it is the same.

    Attributes:
        ids, positions, holds: of the N nodes, shape (N,); a node that holds a code has no id of its
            own.
        allowed: which node sees which, (N, N), bool: its ancestors, as segments permit, and itself.
        choosing: the nodes that choose codes, (M,).
        chooses: which code each of them chooses, (M,).
        paths: which of `choosing` each sequence takes, one for each code, (sequences, codes).
    """

    def __init__(self, sequences: Sequence[Sequence[TreeNode]]) -> None:
        numbers: dict[tuple[int, TreeNode], int] = {}
        walks: list[list[int]] = []
        for sequence in sequences:
            walks.append([])
            at = -1
            for node in sequence:
                at = numbers.setdefault((at, node), len(numbers))
                walks[-1].append(at)
        nodes = [node for _, node in numbers]
        above = torch.zeros(len(nodes), len(nodes), dtype=torch.bool)
        for walk in walks:
            for depth, number in enumerate(walk):
                above[number, walk[: depth + 1]] = True
        segments = torch.tensor([node.segment for node in nodes])
        may = may_look(segments.device)[segments[:, None], segments[None]]
        self.allowed = above & may | torch.eye(len(nodes), dtype=torch.bool)
        self.ids = torch.tensor([node.id for node in nodes])
        self.positions = torch.tensor([node.position for node in nodes])
        self.holds = torch.tensor([node.holds for node in nodes])
        choosing = [number for number, node in enumerate(nodes) if node.chooses >= 0]
        self.choosing = torch.tensor(choosing)
        self.chooses = torch.tensor([nodes[number].chooses for number in choosing])
        rows = {number: row for row, number in enumerate(choosing)}
        self.paths = torch.tensor([[rows[n] for n in walk if n in rows] for walk in walks])

    def filled(self, codes: Tensor) -> Tensor:
        """Ids of all nodes, (N,), where the codes have these ids, (codes,)."""
        return torch.where(self.holds >= 0, codes[self.holds.clamp(min=0)], self.ids)
