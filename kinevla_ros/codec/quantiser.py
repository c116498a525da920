"""Residual vector quantisation with codebooks that follow the data (paper equations 1 to 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DECAY = 0.99
"""Share of the moving averages that a batch leaves in place."""
DEAD_SHARE = 0.02
"""Entries used less than this share of uniform use are replaced."""
_LLOYD_ITERATIONS = 20


class Quantised(NamedTuple):
    """A quantised batch.

    Attributes:
        entries: The chosen entry of each level, shape (B, M, d); no gradient.
        codes: Index of each entry, int64, shape (B, M).
        commitment: Mean squared distance of the residuals to their entries (last term of
            equation 3, before its weight); carries the gradient to the encoder.
    """

    entries: Tensor
    codes: Tensor
    commitment: Tensor


class ResidualQuantiser(nn.Module):
    """A stack of codebooks, each of which quantises what the ones before it left.

    In training mode, unless frozen, every forward pass moves the codebooks: exponential moving
    averages of the residuals that chose an entry, and unused entries drawn again from the batch.

    Attributes:
        codebooks: Entries, shape (M, K, d).
        frozen: Whether the codebooks stay as they are in training mode too.
    """

    codebooks: Tensor
    _counts: Tensor
    _sums: Tensor

    def __init__(self, levels: int, codes: int, dim: int) -> None:
        super().__init__()
        self.frozen = False
        self.register_buffer("codebooks", torch.randn(levels, codes, dim) / dim**0.5)
        self.register_buffer("_counts", torch.ones(levels, codes))
        self.register_buffer("_sums", self.codebooks.clone())

    @torch.no_grad()
    def initialise(self, latents: Tensor) -> None:
        """Set every codebook by k-means over the residuals of latents, shape (N, d), N >= K."""
        residual = latents
        for level, codebook in enumerate(self.codebooks):
            codebook.copy_(_k_means(residual, len(codebook)))
            chosen = _nearest(residual, codebook)
            self._counts[level] = 1.0
            self._sums[level] = codebook
            residual = residual - codebook[chosen]

    def forward(self, latents: Tensor) -> Quantised:
        """Quantise latents, shape (B, d), level after level (equations 1 and 2)."""
        residual, commitment = latents, latents.new_zeros(())
        entries = latents.new_empty(len(latents), len(self.codebooks), latents.shape[1])
        codes = torch.empty(entries.shape[:2], dtype=torch.int64, device=latents.device)
        for level, codebook in enumerate(self.codebooks):
            chosen = _nearest(residual.detach(), codebook)
            entry = F.embedding(chosen, codebook)
            if self.training and not self.frozen:
                self._follow(level, residual.detach(), chosen)
            commitment = commitment + F.mse_loss(residual, entry)
            residual = residual - entry
            entries[:, level] = entry
            codes[:, level] = chosen
        return Quantised(entries, codes, commitment)

    def look_up(self, codes: Tensor) -> Tensor:
        """Sum the entries of codes, int64 (B, M), to latents, shape (B, d) (equation 2)."""
        latents = F.embedding(codes[:, 0], self.codebooks[0])
        for level in range(1, len(self.codebooks)):
            latents = latents + F.embedding(codes[:, level], self.codebooks[level])
        return latents

    @torch.no_grad()
    def _follow(self, level: int, residual: Tensor, chosen: Tensor) -> None:
        counts, sums, size = self._counts[level], self._sums[level], self._counts.shape[1]
        batch_sums = torch.zeros_like(sums).index_add_(0, chosen, residual)
        counts.lerp_(torch.bincount(chosen, minlength=size).to(counts.dtype), 1 - DECAY)
        sums.lerp_(batch_sums, 1 - DECAY)
        uniform = len(residual) / size
        dead = counts < DEAD_SHARE * uniform
        drawn = residual[torch.randint(len(residual), (size,), device=residual.device)]
        counts.copy_(torch.where(dead, uniform, counts))
        sums.copy_(torch.where(dead[:, None], drawn * uniform, sums))
        self.codebooks[level] = sums / counts[:, None]


def _nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Index of the entry nearest to each vector; the vector's own norm plays no part."""
    return (codebook.square().sum(dim=1) - 2 * vectors @ codebook.T).argmin(dim=1)


def _k_means(vectors: Tensor, clusters: int) -> Tensor:
    """Centres by Lloyd's algorithm from random vectors; an empty cluster keeps its centre."""
    centres = vectors[torch.randperm(len(vectors), device=vectors.device)[:clusters]].clone()
    for _ in range(_LLOYD_ITERATIONS):
        chosen = _nearest(vectors, centres)
        counts = torch.bincount(chosen, minlength=clusters)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, chosen, vectors)
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres
