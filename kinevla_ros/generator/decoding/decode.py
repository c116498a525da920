"""Constrained bi-level decoding with verified drafts.

The previous chunk's words are fed as a draft together with the delimiter that follows them.
Each position's own greedy choice must agree; the first that does not is taken instead and
decoding goes on from there. The result equals plain greedy decoding, and with an accepted
draft a chunk costs one pass per code: the pass that checks the words reads them to the codes too
and yields the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kinevla_ros.generator.decoding.sequence import instruction_ids
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.generator.onnx.generator import OnnxGenerator
from kinevla_ros.language.grammar import REFUSAL
from kinevla_ros.language.tokenizer.vocabulary import Level, Vocabulary


class GenerationError(RuntimeError):
    """The model wrote no complete bi-level output; there is nothing to execute."""


class Refusal(GenerationError):
    """The model wrote that it does not understand the instruction."""


@dataclass(frozen=True)
class Draft:
    """Word ids of both levels that are likely to come again."""

    goal: tuple[int, ...] = ()
    kinematics: tuple[int, ...] = ()


@dataclass(frozen=True)
class Given:
    """What is taken as it is instead of written; None where the model decides.

    Later positions are decoded as if the model had written it. No words at all, (), are words.
    """

    goal: tuple[int, ...] | None = None
    kinematics: tuple[int, ...] | None = None
    goal_codes: tuple[int, ...] | None = None
    kinematics_codes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Generation:
    """Output of one chunk.

    Attributes:
        words: word ids of both levels; the next chunk's draft.
        goal_codes, kinematics_codes: codebook entries per residual level.
        draft_accepted: whether every word of a non-empty draft stood; given words are no draft.
        passes: forward passes through the language model until the last code.
    """

    words: Draft
    goal_codes: tuple[int, ...]
    kinematics_codes: tuple[int, ...]
    draft_accepted: bool
    passes: int


class BilevelDecoder:
    """Greedy decoding under the grammar of the sequence; keeps the instruction's cache."""

    def __init__(self, model: Generator | OnnxGenerator, vocabulary: Vocabulary) -> None:
        # Each makes the caches that it reads.
        self._model: Any = model
        self._vocabulary = vocabulary
        device = model.device
        text = torch.from_numpy(vocabulary.text_mask)
        self._refused = {}
        for closing in (vocabulary.goal_codes, vocabulary.kinematics_codes):
            refused = ~text
            refused[closing] = False
            self._refused[closing] = refused.to(device)
        self._refusal = tuple(vocabulary.encode_text(REFUSAL))
        self._instruction: str | None = None
        self._passes = 0
        self._cache = self._model.new_cache()
        self._segments: list[int] = []

    def observed(self) -> Any:
        """Keys and values of the observation that the last output answered; a cache of its own."""
        places = [i for i, kind in enumerate(self._segments) if kind == Segment.OBSERVATION]
        return self._model.cached(self._cache, places)

    @torch.inference_mode()
    def generate(
        self,
        instruction: str,
        images: Tensor,
        state: Tensor,
        draft: Draft | None = None,
        given: Given | None = None,
    ) -> Generation:
        """Write words and codes of both levels for one observation.

        Args:
            instruction: what to do and how.
            images: shape (cameras, C, S, S), normalised by `images.pixels`.
            state: normalised, shape (S,).
            draft: words to verify instead of writing them one by one.
            given: words and codes to take unverified.

        Raises:
            InstructionTooLong: the instruction has no room.
            Refusal: the goal's words say that the instruction is not understood.
            GenerationError: a text did not end.
        """
        unread = self._begin(instruction)
        vocabulary, config = self._vocabulary, self._model.config
        self._passes = 0
        draft, given = self._fitting(draft or Draft()), given or Given()
        lead, lead_segments = self._lead(unread, self._model.observe(images[None], state[None]))
        goal, logits = self._words(
            lead, lead_segments, vocabulary.goal, draft.goal, vocabulary.goal_codes, given.goal
        )
        self._instruction = instruction
        if goal == self._refusal:
            raise Refusal(REFUSAL)
        goal_codes = self._read_codes("goal", logits, config.goal_codes, given.goal_codes)
        last = [vocabulary.code_id("goal", code) for code in goal_codes[-1:]]
        kinematics, logits = self._words(
            self._model.embed(self._tensor(last)),
            [int(Segment.CODES)] * len(last),
            vocabulary.kinematics,
            draft.kinematics,
            vocabulary.kinematics_codes,
            given.kinematics,
        )
        codes = self._read_codes(
            "kinematics", logits, config.kinematics_codes, given.kinematics_codes
        )
        words = Draft(goal, kinematics)
        accepted = draft == words and given.goal is None and given.kinematics is None
        return Generation(words, goal_codes, codes, accepted, self._passes)

    def _begin(self, instruction: str) -> tuple[list[int], list[int]]:
        """Keep the cached instruction; ids and segments of one that is still to be read."""
        config, known, self._instruction = self._model.config, self._instruction, None
        if instruction == known and not config.images_first:
            self._drop(len(self._segments) - config.max_instruction_tokens)
            return [], []
        self._cache, self._segments = self._model.new_cache(), []
        return instruction_ids(self._vocabulary, config, instruction)

    def _lead(self, unread: tuple[list[int], list[int]], seen: Tensor) -> tuple[Tensor, list[int]]:
        """Instruction, where it is to be read, and observation; embeddings and segments."""
        ids, segments = unread
        if not ids:
            return seen, [int(Segment.OBSERVATION)] * seen.shape[1]
        lead, all_segments = self._model.context(self._tensor(ids), self._tensor(segments), seen)
        return lead, all_segments[0].tolist()

    def _fitting(self, draft: Draft) -> Draft:
        """The draft without texts that are longer than any may be."""
        longest = self._model.config.max_text_tokens
        both = draft.goal, draft.kinematics
        return Draft(*(text if len(text) <= longest else () for text in both))

    def _words(
        self,
        lead: Tensor,
        lead_segments: list[int],
        opening: int,
        draft: Sequence[int],
        closing: int,
        given: tuple[int, ...] | None,
    ) -> tuple[tuple[int, ...], Tensor]:
        """Write one reasoning text; returns its word ids and the logits of the first code."""
        refused = self._refused[closing]
        fed = draft if given is None else given
        ids, segments = [opening, *fed], [int(Segment.WORDS)] * (1 + len(fed))
        if draft or given is not None:
            reading, read_segments = _reading(fed, closing)
            ids, segments = ids + reading, segments + read_segments
        tokens = self._model.embed(self._tensor(ids))
        logits = self._feed(torch.cat([lead, tokens], dim=1), lead_segments + segments)
        if given is not None:
            return given, logits[-1]
        logits = logits[-len(ids) :]
        choices = logits[: 1 + len(fed)].masked_fill(refused, -torch.inf).argmax(-1).tolist()
        agreed = next(
            (i for i, (a, b) in enumerate(zip(choices, fed, strict=False)) if a != b), len(fed)
        )
        if draft and choices == [*draft, closing]:
            return tuple(draft), logits[-1]
        self._drop(len(ids) - 1 - agreed)
        words, token = list(draft[:agreed]), choices[agreed]
        while token != closing:
            words.append(token)
            if len(words) > self._model.config.max_text_tokens:
                raise GenerationError(
                    f"a reasoning text ran past {self._model.config.max_text_tokens} tokens"
                )
            last = self._feed(self._model.embed(self._tensor([token])), [int(Segment.WORDS)])[-1]
            token = int(last.masked_fill(refused, -torch.inf).argmax())
        reading, read_segments = _reading(words, closing)
        return tuple(words), self._feed(self._model.embed(self._tensor(reading)), read_segments)[-1]

    def _read_codes(
        self, level: Level, logits: Tensor, count: int, given: tuple[int, ...] | None
    ) -> tuple[int, ...]:
        """Choose the codes of one stack, or take the given; `logits` are those of the first."""
        first = self._vocabulary.code_id(level, 0)
        rows = slice(first, first + self._vocabulary.codes_per_level)
        codes: list[int] = []
        while len(codes) < count:
            codes.append(int(logits[rows].argmax()) if given is None else given[len(codes)])
            token = self._vocabulary.code_id(level, codes[-1])
            if len(codes) < count:
                logits = self._feed(self._model.embed(self._tensor([token])), [Segment.CODES])[-1]
        return tuple(codes)

    def _feed(self, embeddings: Tensor, segments: Sequence[int]) -> Tensor:
        """Append positions; returns their logits, at least of those that choose, (Q, V)."""
        self._segments.extend(int(s) for s in segments)
        logits, _ = self._model(embeddings, self._tensor(self._segments), self._cache)
        self._passes += 1
        return logits[0].float()

    def _drop(self, count: int) -> None:
        """Forget the last positions."""
        if count > 0:
            self._cache.crop(-count)
            del self._segments[-count:]

    def _tensor(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor([list(ids)], dtype=torch.int64, device=self._model.device)


def _reading(words: Sequence[int], closing: int) -> tuple[list[int], list[int]]:
    """Words as the codes read them, and the delimiter that asks for the first code."""
    segments = [int(Segment.READING)] * len(words) + [int(Segment.CODES)]
    return [*words, closing], segments
