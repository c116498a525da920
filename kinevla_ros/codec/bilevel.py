"""The bi-level RVQ-VAE: goal codes for what ways to a goal share, kinematics codes for the rest.

Paper section 3.1. A chunk is one latent. The goal stack quantises the coarse motion that the ways
of reaching the goal have in common, the kinematics stack the residual of the motion itself, and
one decoder fuses both as their sum. Goal codes that held the chunk's own coarse motion would
already say upper or lower, left or right: what the goal's words do not say.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kinevla_ros.base.action_space import MOST_STEPS, RM75, ActionSpace
from kinevla_ros.base.axes import MOST_DIMENSIONS
from kinevla_ros.base.files.fields import integer, one_of
from kinevla_ros.codec.amount import CODES_PER_LEVEL
from kinevla_ros.codec.contract import LARGEST_CODEBOOK, MOST_LEVELS, InvalidCodeError
from kinevla_ros.codec.quantiser import Quantised, ResidualQuantiser

WIDEST = 16_384


@dataclass(frozen=True)
class CodecConfig:
    """Everything that fixes the shape of a codec.

    Attributes:
        horizon, action_dim: Shape of a chunk, H and D.
        gripper: The dimension of the gripper; None without one.
        goal_levels, kinematics_levels: Residual levels of each stack, M_goal and M_kin. Without
            goal levels it is a codec of a single level.
        codes_per_level: Entries of each codebook, K.
        latent_dim, hidden_dim: Width of the latent, d, and of the networks' hidden layers.
        literal: One encoder for both levels, as the paper's words read; training it in stage II
            changes the goal codes that were to stay, hence an encoder of its own by default.

    Raises:
        ValueError: A value cannot be of a codec; it is named.
    """

    horizon: int = RM75.horizon
    action_dim: int = RM75.width
    gripper: int | None = RM75.gripper_index
    goal_levels: int = 2
    kinematics_levels: int = 2
    codes_per_level: int = CODES_PER_LEVEL
    latent_dim: int = 64
    hidden_dim: int = 256
    literal: bool = False

    def __post_init__(self) -> None:
        integer("horizon", self.horizon, 1, MOST_STEPS)
        integer("action_dim", self.action_dim, 1, MOST_DIMENSIONS)
        if self.gripper is not None:
            integer("gripper", self.gripper, 0, self.action_dim - 1)
        integer("goal_levels", self.goal_levels, 0, MOST_LEVELS)
        integer("kinematics_levels", self.kinematics_levels, 0, MOST_LEVELS)
        integer("codes_per_level", self.codes_per_level, 1, LARGEST_CODEBOOK)
        integer("latent_dim", self.latent_dim, 1, WIDEST)
        integer("hidden_dim", self.hidden_dim, 1, WIDEST)
        one_of("literal", self.literal, (True, False))

    @property
    def levels(self) -> int:
        """Codes of a chunk, M_goal + M_kin."""
        return self.goal_levels + self.kinematics_levels

    @property
    def moving(self) -> list[int]:
        """Dimensions other than the gripper."""
        return [i for i in range(self.action_dim) if i != self.gripper]

    def shaped_for(self, space: ActionSpace) -> CodecConfig:
        """The same for chunks of an action space."""
        return replace(
            self, horizon=space.horizon, action_dim=space.width, gripper=space.gripper_index
        )

    def require(self, space: ActionSpace) -> None:
        """Raise ValueError unless the shape is that of an action space."""
        if self != self.shaped_for(space):
            raise ValueError(
                f"the codec is of {self.horizon} steps of {self.action_dim} numbers, gripper "
                f"{self.gripper}, and the action space has {space.horizon} of {space.width}, "
                f"gripper {space.gripper_index}"
            )


class Reconstruction(NamedTuple):
    """What a training pass gives.

    Attributes:
        moves: Normalised values of all dimensions but the gripper, shape (B, H, D - 1).
        gripper_logits: Logit of the gripper being at its upper bound, shape (B, H); None without
            a gripper.
        commitment: Scalar, see `Quantised`; 0 while nothing is quantised.
    """

    moves: Tensor
    gripper_logits: Tensor | None
    commitment: Tensor


class BilevelCodec(nn.Module):
    """Encodes normalised chunks, shape (B, H, D), to codes, int64 (B, M_goal + M_kin), and back.

    Normalised means by `ActionStatistics`: training data lie in [-1, 1], and what lies beyond
    is encoded as it is. The gripper is -1 at its lower bound and 1 at its upper one.
    """

    def __init__(self, config: CodecConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CodecConfig()
        size, latent = config.horizon * config.action_dim, config.latent_dim
        width, codes = config.hidden_dim, config.codes_per_level
        self.goal_encoder = nn.Sequential(_mlp(size, width, latent), nn.LayerNorm(latent))
        self.kinematics_encoder = None if config.literal else copy.deepcopy(self.goal_encoder)
        self.goal_stack = ResidualQuantiser(config.goal_levels, codes, latent)
        self.kinematics_stack = ResidualQuantiser(config.kinematics_levels, codes, latent)
        self.decoder = _mlp(latent, width, size)

    @torch.no_grad()
    def encode(
        self, chunks: Tensor, common: Tensor | None = None, disturbance: float = 0.0
    ) -> Tensor:
        """Return the codes of normalised chunks: goal, then kinematics.

        Args:
            chunks: Shape (B, H, D).
            common: What each shares with the other ways to its goal, alike; without it a chunk
                is taken to be the only way.
            disturbance: Standard deviation of noise on the goal latents. Such goal codes are
                somewhat wrong, and the kinematics codes make up for it.
        """
        latents = self.goal_latents(chunks if common is None else common)
        if disturbance:
            latents = latents + disturbance * torch.randn_like(latents)
        goal = self.goal_stack(latents)
        residual = self.kinematics_latents(chunks) - goal.entries.sum(1)
        return torch.cat([goal.codes, self.kinematics_stack(residual).codes], dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the normalised chunks, shape (B, H, D), of codes, int64 (B, levels).

        Codes of the goal stack alone, (B, M_goal), give the coarse motion.

        Raises:
            InvalidCodeError: A code is outside [0, K) or their number fits no stack.
        """
        config = self.config
        if codes.dtype != torch.int64 or codes.ndim != 2:
            raise InvalidCodeError(
                f"codes are {codes.dtype} {tuple(codes.shape)}, not int64 (B, n)"
            )
        if not codes.shape[1] or codes.shape[1] not in (config.goal_levels, config.levels):
            raise InvalidCodeError(
                f"{codes.shape[1]} codes a chunk; it takes {config.levels}, "
                f"or {config.goal_levels} for the goal alone"
            )
        if ((codes < 0) | (codes >= config.codes_per_level)).any():
            raise InvalidCodeError(f"a code is outside [0, {config.codes_per_level})")
        return self.reconstruct(self.fuse(codes))

    def fuse(self, codes: Tensor) -> Tensor:
        """Sum the entries of both stacks, or of the goal stack alone, to latents, shape (B, d).

        The codes are taken as they are; `decode` checks them.
        """
        split = self.config.goal_levels
        if not split:
            return self.kinematics_stack.look_up(codes)
        latents = self.goal_stack.look_up(codes[:, :split])
        if codes.shape[1] > split:
            latents = latents + self.kinematics_stack.look_up(codes[:, split:])
        return latents

    def reconstruct(self, latents: Tensor) -> Tensor:
        """Return normalised chunks, shape (B, H, D), from fused latents, shape (B, d)."""
        values, index = self._values(latents), self.config.gripper
        if index is None:
            return values
        opening = 2 * torch.sigmoid(values[..., index : index + 1]) - 1
        parts = [values[..., :index], opening, values[..., index + 1 :]]
        return torch.cat([part for part in parts if part.shape[-1]], dim=-1)

    def coarse(self, chunks: Tensor) -> Tensor:
        """The low-frequency part of normalised chunks, shape (B, H, D); see `coarse`."""
        return coarse(chunks, self.config.gripper)

    def goal_latents(self, chunks: Tensor) -> Tensor:
        """Latents of the goal level, shape (B, d); only the coarse motion enters."""
        return self.goal_encoder(
            (chunks if self.config.literal else self.coarse(chunks)).flatten(1)
        )

    def kinematics_latents(self, chunks: Tensor) -> Tensor:
        """Latents of the full motion, shape (B, d)."""
        encoder = self.kinematics_encoder
        return (self.goal_encoder if encoder is None else encoder)(chunks.flatten(1))

    def goal_pass(self, chunks: Tensor, quantise: bool) -> Reconstruction:
        """Stage I: reconstruct coarse chunks through the goal stack, or past it (warm-up)."""
        latents = self.goal_latents(chunks)
        if not quantise:
            return self._reconstruction(latents, latents.new_zeros(()))
        goal = self.goal_stack(latents)
        return self._reconstruction(_straight_through(latents, goal), goal.commitment)

    def full_pass(
        self, chunks: Tensor, common: Tensor, quantise: bool, goal_only: Tensor
    ) -> Reconstruction:
        """Stage II: reconstruct full chunks from the goal codes and the residual stack.

        Args:
            chunks: Normalised, shape (B, H, D).
            common: What they share with the other ways to their goals, alike.
            quantise: False lets the residual latent past the kinematics stack (warm-up).
            goal_only: Samples decoded from their goal codes alone, bool (B,): quantiser dropout
                that keeps such decoding valid.
        """
        goal_latents = self.goal_latents(common)
        goal = self.goal_stack(goal_latents)
        base = _straight_through(goal_latents, goal)
        residual = self.kinematics_latents(chunks) - goal.entries.sum(1)
        commitment = goal.commitment
        if quantise:
            fine = self.kinematics_stack(residual)
            commitment = commitment + fine.commitment
            residual = _straight_through(residual, fine)
        return self._reconstruction(base + residual * ~goal_only[:, None], commitment)

    def begin_kinematics(self) -> None:
        """Enter stage II: warm-start the kinematics encoder; the goal level stays as it is."""
        if self.kinematics_encoder is not None:
            self.kinematics_encoder.load_state_dict(self.goal_encoder.state_dict())
        self.freeze_goal()

    def freeze_goal(self) -> None:
        """Keep the goal stack from moving, and the goal encoder unless both levels share it."""
        self.goal_stack.frozen = True
        if not self.config.literal:
            self.goal_encoder.requires_grad_(False)

    def _reconstruction(self, latents: Tensor, commitment: Tensor) -> Reconstruction:
        values, config = self._values(latents), self.config
        logits = None if config.gripper is None else values[..., config.gripper]
        return Reconstruction(values[..., config.moving], logits, commitment)

    def _values(self, latents: Tensor) -> Tensor:
        """What the decoder says, the gripper as a logit, shape (B, H, D)."""
        shape = (-1, self.config.horizon, self.config.action_dim)
        return self.decoder(latents).view(shape)


def coarse(chunks: Tensor, gripper: int | None = RM75.gripper_index) -> Tensor:
    """Return the low-frequency part of chunks, shape (B, H, D): the coarse action A^G.

    Each dimension moves on the straight line that fits its steps best (mean and mean velocity),
    the gripper stays at its mean. A projection: the coarse part of a coarse chunk is itself.
    """
    steps = chunks.shape[1]
    time = torch.linspace(-1, 1, steps, device=chunks.device, dtype=chunks.dtype)[None, :, None]
    mean = chunks.mean(dim=1, keepdim=True)
    # A chunk of one step has no slope.
    slope = (chunks * time).sum(dim=1, keepdim=True) / time.square().sum().clamp(min=1e-6)
    if gripper is not None:
        slope[..., gripper] = 0.0
    return mean + (slope * time if steps > 1 else torch.zeros_like(chunks))


def _straight_through(latents: Tensor, quantised: Quantised) -> Tensor:
    """The quantised latents, with the gradient passed to the latents as if unquantised."""
    return latents + (quantised.entries.sum(1) - latents).detach()


def _mlp(inputs: int, width: int, outputs: int) -> nn.Sequential:
    sizes = itertools.pairwise((inputs, width, width, outputs))
    layers = [layer for a, b in sizes for layer in (nn.Linear(a, b), nn.GELU())]
    return nn.Sequential(*layers[:-1])
