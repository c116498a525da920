"""The generator network: vision tower, projector and causal language model.

One class for every size; a configuration decides. Of the segments only the words may look at the
instruction, so the instruction reaches the action codes through the positions of the words alone.
"""

from __future__ import annotations

from enum import IntEnum
from typing import cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, Cache, LlamaConfig, LlamaForCausalLM

from kinevla_ros.generator.config import GeneratorConfig


class Segment(IntEnum):
    """What a position of the sequence holds."""

    PAD = 0
    INSTRUCTION = 1
    OBSERVATION = 2
    WORDS = 3
    CODES = 4


# Row: the segment that looks; column: the segment it may look at.
_MAY_LOOK = torch.tensor(
    [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
    ],
    dtype=torch.bool,
)

# The same with words and codes apart: each sees the observation and its own kind alone.
_MAY_LOOK_APART = torch.tensor(
    [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 0, 1],
    ],
    dtype=torch.bool,
)

LOCATOR_WIDTH = 128


def attention_allowed(
    queries: Tensor, keys: Tensor, first_query: int, apart: bool = False
) -> Tensor:
    """Which key each query may attend to.

    Args:
        queries: segments of the new positions, shape [B, Q], int64.
        keys: segments of all positions up to the last new one, shape [B, K], int64.
        first_query: index of the first new position.
        apart: whether words and codes are hidden from each other, and the instruction from both.

    Returns:
        Shape [B, 1, Q, K], bool: causal, except inside the observation, which sees itself whole.
    """
    table = _MAY_LOOK_APART if apart else _MAY_LOOK
    may = table.to(keys.device)[queries[:, :, None], keys[:, None, :]]
    place = torch.arange(keys.shape[1], device=keys.device)
    causal = place[None, :] <= place[first_query:, None]
    both_observed = (queries[:, :, None] == Segment.OBSERVATION) & (
        keys[:, None, :] == Segment.OBSERVATION
    )
    itself = place[None, :] == place[first_query:, None]
    return ((may & (causal | both_observed)) | itself)[:, None]


class Octaves(nn.Module):
    """Values of about [-1, 1] beside their sines and cosines, so that small differences count.

    Takes [..., n], gives [..., (1 + 2 COUNT) n].
    """

    COUNT = 6

    def forward(self, values: Tensor) -> Tensor:
        """Append the waves, each octave of half the period of the one before."""
        octaves = 2.0 ** torch.arange(self.COUNT, device=values.device)
        angles = (torch.pi * values[..., None] * octaves).flatten(-2)
        return torch.cat([values, angles.sin(), angles.cos()], dim=-1)


class Generator(nn.Module):
    """Vision tower, projector, state and scene embedding, causal language model with one head."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        vision = dict(config.vision)
        vision_config = AutoConfig.for_model(vision.pop("model_type"), **vision)
        self.vision = AutoModel.from_config(vision_config)
        # On short sequences plain attention trains faster than the fused kernel on a CPU.
        language = LlamaConfig(
            vocab_size=config.vocabulary_size,
            attn_implementation="eager",  # type: ignore[call-arg]
            **config.language,
        )
        self.language = LlamaForCausalLM(language)
        width = language.hidden_size
        channels = config.vision["hidden_sizes"][-1]
        self.projector = nn.Sequential(
            nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width)
        )
        self.image_position = nn.Parameter(torch.randn(2, config.image_tokens, width) * 0.02)
        self.state = _number_token(config.state_dim, width)
        if config.scene_dim:
            seen = (2 * config.image_tokens + 1) * width
            self.locator = nn.Sequential(
                nn.Linear(seen, LOCATOR_WIDTH),
                nn.GELU(),
                nn.Linear(LOCATOR_WIDTH, config.scene_dim),
            )
            self.scene = _number_token(config.scene_dim, width)
        self.words_head = nn.Linear(width, config.embedding_dim)
        self.codes_head = nn.Linear(width, config.embedding_dim)
        self.log_temperature = nn.Parameter(torch.tensor(2.66))

    @property
    def observation_tokens(self) -> int:
        """Tokens of one observation: both images, the state and the scene."""
        return 2 * self.config.image_tokens + 1 + bool(self.config.scene_dim)

    def observe(self, images: Tensor, state: Tensor) -> Tensor:
        """Embed an observation.

        Args:
            images: front and wrist, shape [B, 2, 3, S, S], normalised to [-1, 1].
            state: normalised joint positions and gripper opening, shape [B, 8].

        Returns:
            Shape [B, observation_tokens, width]: front tokens, wrist tokens, the state token, and
            the scene token if there is one.
        """
        tokens = self.see(images, state)
        return self.with_scene(tokens, self.locate(tokens))

    def see(self, images: Tensor, state: Tensor) -> Tensor:
        """The tokens of an observation without the scene token."""
        batch = images.shape[0]
        # Convolutions of a CPU are faster with the channels last.
        pixels = images.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features = self.vision(pixels).last_hidden_state
        tokens = self.projector(features.flatten(2).transpose(1, 2))
        tokens = tokens.unflatten(0, (batch, 2)) + self.image_position
        return torch.cat([tokens.flatten(1, 2), self.state(state)[:, None]], dim=1)

    def locate(self, tokens: Tensor) -> Tensor | None:
        """Where the objects are, [B, scene_dim] in units of `SCENE_SCALE`, read from `see`."""
        return self.locator(tokens.flatten(1)) if self.config.scene_dim else None

    def with_scene(self, tokens: Tensor, scene: Tensor | None) -> Tensor:
        """Append the scene token. The codes' loss does not reach the estimate through it."""
        if scene is None:
            return tokens
        return torch.cat([tokens, self.scene(scene.detach().float())[:, None]], dim=1)

    def embed(self, ids: Tensor) -> Tensor:
        """Embed token ids, shape [B, N], to [B, N, width]."""
        return cast(Tensor, self.language.get_input_embeddings()(ids))

    def forward(
        self,
        embeddings: Tensor,
        segments: Tensor,
        cache: Cache | None = None,
        heads: bool = True,
        apart: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Run the language model over new positions.

        Args:
            embeddings: new positions, shape [B, Q, width].
            segments: segments of all positions, cached and new, shape [B, K], int64.
            cache: keys and values of the K - Q positions before; grows by Q.
            heads: whether to compute the logits.
            apart: see `attention_allowed`.

        Returns:
            Logits [B, Q, V] (empty without `heads`) and last hidden states [B, Q, width].
        """
        new = embeddings.shape[1]
        first = segments.shape[1] - new
        allowed = attention_allowed(segments[:, first:], segments, first, apart)
        positions = torch.arange(first, first + new, device=embeddings.device)[None]
        mask = torch.zeros_like(allowed, dtype=embeddings.dtype)
        mask.masked_fill_(~allowed, torch.finfo(embeddings.dtype).min)
        hidden = self.language.model(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        logits = self.language.lm_head(hidden) if heads else hidden.new_empty(0)
        return logits, hidden

    def consistency(self, hidden: Tensor, segments: Tensor) -> Tensor:
        """How well codes agree with words: s_ij of the paper's equation 6 without temperature.

        Words and codes must have been read `apart`. Where a code's state has seen the words, or a
        word's state the instruction, each can copy the other and any pair agrees.

        Args:
            hidden: last hidden states, shape [B, N, width].
            segments: what the positions hold, shape [B, N]; words and codes in each row.

        Returns:
            Cosine of the embeddings that the InfoNCE loss compares, shape [B], -1 to 1.
        """
        embeddings = []
        for kind, head in ((Segment.WORDS, self.words_head), (Segment.CODES, self.codes_head)):
            weights = (segments == kind).to(hidden.dtype)[..., None]
            pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
            embeddings.append(head(pooled).float())
        return nn.functional.cosine_similarity(embeddings[0], embeddings[1], dim=-1)


def _number_token(numbers: int, width: int) -> nn.Sequential:
    """Numbers of about [-1, 1] as one token."""
    waves = (1 + 2 * Octaves.COUNT) * numbers
    return nn.Sequential(Octaves(), nn.Linear(waves, width), nn.GELU(), nn.Linear(width, width))
