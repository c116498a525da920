"""The generator network: vision tower, projector and causal language model.

One class for every size; a configuration decides. Only the written words may look at the
instruction. The codes see the words read once more, without the instruction, so that what moves
the arm is what the words say and nothing that their hidden states could carry past them.
"""

from __future__ import annotations

import itertools
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import Cache, DynamicCache, LlamaConfig, LlamaForCausalLM

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.object_locator import ObjectLocator
from kinevla_ros.generator.network.segments import Segment, attention_allowed, may_look
from kinevla_ros.generator.network.vision import build_vision


class Temperature(nn.Module):
    """The learnt inverse temperature of the InfoNCE loss, at most 100."""

    def __init__(self) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor(2.66))

    def forward(self, scores: Tensor) -> Tensor:
        """Scale cosine similarities."""
        return scores * self.log.exp().clamp(max=100.0)


class Octaves(nn.Module):
    """Values of about [-1, 1] beside their sines and cosines, so that small differences count.

    Takes (..., n), gives (..., (1 + 2 COUNT) n).
    """

    COUNT = 6

    def forward(self, values: Tensor) -> Tensor:
        """Append the waves, each octave of half the period of the one before."""
        octaves = 2.0 ** torch.arange(self.COUNT, device=values.device)
        angles = (torch.pi * values[..., None] * octaves).flatten(-2)
        return torch.cat([values, angles.sin(), angles.cos()], dim=-1)


class Generator(nn.Module):
    """Vision, projector, state and scene embedding, causal language model with one output head."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = build_vision(config.vision)
        # On short sequences plain attention trains faster than the fused kernel on a CPU.
        language = LlamaConfig(
            vocab_size=config.vocabulary_size,
            **{"attn_implementation": "eager", **config.language},
        )
        self.language = LlamaForCausalLM(language)
        width = language.hidden_size
        self.projector = _projector([self.vision.channels, *(config.projector or [width]), width])
        if config.image_positions:
            self.image_position = nn.Parameter(
                torch.randn(config.cameras, config.image_tokens, width) * 0.02
            )
        if config.state_dim:
            self.state = _number_token(config.state_dim, width)
        if config.scene_dim:
            if not self.vision.map_channels:
                raise ValueError("scene_dim needs a convolutional vision tower")
            tokens = config.cameras * config.image_tokens + bool(config.state_dim)
            maps = self.vision.map_channels
            self.locator = ObjectLocator(maps, tokens, width, config.scene_dim, config.cameras)
            self.scene = _number_token(config.scene_dim, width)
        self.words_head = nn.Linear(width, config.embedding_dim)
        self.codes_head = nn.Linear(width, config.embedding_dim)
        self.temperature = Temperature()
        self.register_state_dict_post_hook(_name_temperature)
        self.register_load_state_dict_pre_hook(_find_temperature)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    @property
    def observation_tokens(self) -> int:
        """Tokens of one observation: images, state and scene."""
        config = self.config
        images = config.cameras * config.image_tokens
        return images + bool(config.state_dim) + bool(config.scene_dim)

    def observe(self, images: Tensor, state: Tensor) -> Tensor:
        """Embed an observation.

        Args:
            images: shape (B, cameras, C, S, S), normalised by `images.pixels`.
            state: normalised, shape (B, S).

        Returns:
            Shape (B, observation_tokens, width): tokens camera by camera, then the state token
            and the scene token, if there are any.
        """
        tokens, maps = self.see(images, state)
        return self.with_scene(tokens, self.locate(tokens, maps))

    def see(self, images: Tensor, state: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The tokens of an observation without the scene token, and the tower's feature maps."""
        # Convolutions of a CPU are faster with the channels last.
        pixels = images.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features, maps = self.vision(pixels.to(next(self.vision.parameters()).dtype))
        tokens = self.projector(features).unflatten(0, images.shape[:2])
        if self.config.image_positions:
            tokens = tokens + self.image_position
        tokens = tokens.flatten(1, 2)
        if self.config.state_dim:
            tokens = torch.cat([tokens, self.state(state)[:, None]], dim=1)
        return tokens, maps

    def locate(self, tokens: Tensor, maps: list[Tensor]) -> Tensor | None:
        """Where the objects are, (B, scene_dim) in units of `SCENE_SCALE`, read from `see`."""
        return self.locator(tokens, maps) if self.config.scene_dim else None

    def with_scene(self, tokens: Tensor, scene: Tensor | None) -> Tensor:
        """Append the scene token. The codes' loss does not reach the estimate through it."""
        if scene is None:
            return tokens
        return torch.cat([tokens, self.scene(scene.detach().float())[:, None]], dim=1)

    def embed(self, ids: Tensor) -> Tensor:
        """Embed token ids, shape (B, N), to (B, N, width)."""
        return cast(Tensor, self.language.get_input_embeddings()(ids))

    def context(
        self, prompt: Tensor, prompt_segments: Tensor, observation: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Put prompt ids (B, P) and an embedded observation (B, T, width) in their order.

        Returns:
            Embeddings (B, P + T, width) and segments (B, P + T).
        """
        words = self.embed(prompt)
        seen = prompt_segments.new_full(observation.shape[:2], int(Segment.OBSERVATION))
        first = 1 if self.config.images_first else prompt.shape[1]
        return (
            torch.cat([words[:, :first], observation, words[:, first:]], dim=1),
            torch.cat([prompt_segments[:, :first], seen, prompt_segments[:, first:]], dim=1),
        )

    def forward(
        self,
        embeddings: Tensor,
        segments: Tensor,
        cache: Cache | None = None,
        with_logits: bool = True,
        positions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Run the language model over new positions.

        Args:
            embeddings: new positions, shape (B, Q, width).
            segments: segments of all positions, cached and new, shape (B, K), int64.
            cache: keys and values of the K - Q positions before; grows by Q.
            with_logits: whether to compute the logits.
            positions: of the new tokens, (B, Q), where some between them were left out.

        Returns:
            Logits (B, Q, V) (empty without `with_logits`) and last hidden states (B, Q, width).
        """
        new = embeddings.shape[1]
        first = segments.shape[1] - new
        places = torch.arange(first, first + new, device=embeddings.device)
        allowed = attention_allowed(
            segments[:, first:],
            segments,
            places,
            may_look(embeddings.device),
            whole=not self.config.images_first,
        )
        places = places[None] if positions is None else positions
        hidden = self._hidden(embeddings, allowed, places, cache)
        logits = self.language.lm_head(hidden) if with_logits else hidden.new_empty(0)
        return logits, hidden

    def new_cache(self) -> DynamicCache:
        """A cache without positions."""
        return DynamicCache()

    def cached(self, cache: DynamicCache, places: list[int]) -> DynamicCache:
        """What a cache holds of some positions, as a cache of its own."""
        own = DynamicCache()
        for index, (keys, values, *_) in enumerate(cache):
            own.update(keys[:, :, places], values[:, :, places], index)
        return own

    def look(
        self, embeddings: Tensor, allowed: Tensor, positions: Tensor, cache: Cache, wanted: Tensor
    ) -> Tensor:
        """Run the language model over new positions of one sequence, under any mask.

        Args:
            embeddings: new positions, shape (1, Q, width).
            allowed: which of the positions before and of the new ones each new one may attend to,
                shape (Q, P + Q), bool.
            positions: of the new ones, shape (Q,).
            cache: the P positions before; what it holds afterwards is of no use.
            wanted: rows whose logits count, shape (N,).

        Returns:
            Logits (N, V).
        """
        hidden = self._hidden(embeddings, allowed[None, None], positions[None], cache)
        return cast(Tensor, self.language.lm_head(hidden[0, wanted]))

    def _hidden(
        self, embeddings: Tensor, allowed: Tensor, positions: Tensor, cache: Cache | None
    ) -> Tensor:
        mask = torch.zeros_like(allowed, dtype=embeddings.dtype)
        mask.masked_fill_(~allowed, torch.finfo(embeddings.dtype).min)
        # By position: the cache's keyword differs between versions of transformers.
        given = (None, mask, positions, cache, embeddings)
        read = self.language.model(*given, use_cache=cache is not None)
        return cast(Tensor, read.last_hidden_state)

    def agreement(self, hidden: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of the words as read and of the codes' echo, which have not seen each other.

        Where a code's state has seen the words, or a word's state the instruction, each could
        copy the other and any pair would agree.

        Args:
            hidden: last hidden states, shape (B, N, width).
            segments: what the positions hold, shape (B, N).

        Returns:
            Two times (B, embedding_dim), of length 1; their products are s_ij of the paper's
            equation 6 without temperature.
        """
        embeddings = []
        for kind, head in ((Segment.READING, self.words_head), (Segment.ECHO, self.codes_head)):
            weights = (segments == kind).to(hidden.dtype)[..., None]
            # Words can be taken away altogether.
            pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
            embeddings.append(nn.functional.normalize(head(pooled).float(), dim=-1))
        return embeddings[0], embeddings[1]


def _number_token(numbers: int, width: int) -> nn.Sequential:
    """Numbers of about [-1, 1] as one token."""
    waves = (1 + 2 * Octaves.COUNT) * numbers
    return nn.Sequential(Octaves(), nn.Linear(waves, width), nn.GELU(), nn.Linear(width, width))


def _projector(widths: list[int]) -> nn.Sequential:
    """Linear layers with GELU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.GELU()]
    return nn.Sequential(*layers[:-1])


# Checkpoints name the temperature as the bare parameter that it was before it became a module.
def _name_temperature(_: nn.Module, state: dict[str, Any], prefix: str, __: Any) -> None:
    if f"{prefix}temperature.log" in state:
        state[f"{prefix}log_temperature"] = state.pop(f"{prefix}temperature.log")


def _find_temperature(_: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
    if f"{prefix}log_temperature" in state:
        state[f"{prefix}temperature.log"] = state.pop(f"{prefix}log_temperature")
