"""The fast way to decode: same output as `BilevelDecoder`, no waiting for the device in between.

With a draft, every pass of a chunk is queued as if the draft stood; what agreed and which codes
came out is read back once, at the end. Only when a word did not agree are words written one by
one, in bursts, and what follows them is queued again. Widths are fixed, so that each kind of pass
is one CUDA graph, captured by `warm_up`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import DynamicCache

from kinevla_ros.generator.decoding.decode import Draft, Generation, GenerationError, Given, Refusal
from kinevla_ros.generator.decoding.depth_head import DepthHead
from kinevla_ros.generator.decoding.sequence import instruction_ids
from kinevla_ros.generator.engine.fused_llama import FusedLlama
from kinevla_ros.generator.engine.graph import Pass
from kinevla_ros.generator.engine.input import written_room
from kinevla_ros.generator.engine.level import LevelPasses, LevelPlan
from kinevla_ros.generator.engine.quantised import Weights, quantise
from kinevla_ros.generator.engine.towers import compile_towers
from kinevla_ros.generator.engine.trials.choice import Chosen
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.language.grammar import REFUSAL
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Vocabulary


class FastDecoder:
    """Greedy decoding under the grammar of the sequence, over a static cache. Not thread safe.

    Args:
        model: a generator without adapters; its weights are fused in place.
        vocabulary: its.
        weights: whether to round the language model's weights, in place; see `quantised`.
        depth_head: its; chooses all codes of a level but the first, see there.
        operations: what blocks do beside products; else as `choose_operations` says.

    Raises:
        ValueError: the model's layers are not such as can be fused, or rounded on its device.

    Attributes:
        path: how blocks are run, and why so.
        on_stage: called with its name when a stage of a chunk has been queued, for measuring:
            vision, verify, codes.
    """

    def __init__(
        self,
        model: Generator,
        vocabulary: Vocabulary,
        weights: Weights | None = None,
        depth_head: DepthHead | None = None,
        operations: Chosen | None = None,
    ) -> None:
        config = model.config
        if weights:
            quantise(model, weights)
        self._model, self._vocabulary = model, vocabulary
        self._device = next(model.parameters()).device
        self._prompt_length = config.max_instruction_tokens
        seen = model.observation_tokens
        # The prompt is read with the images behind it, or kept before them.
        self._kept = 0 if config.images_first else self._prompt_length
        self._lead_length = seen + self._prompt_length - self._kept
        length = self._prompt_length + seen + written_room(config)
        self._llama = FusedLlama(model, length, operations)
        self._cursor = torch.zeros(1, dtype=torch.int64, device=self._device)
        self._token = torch.zeros(1, dtype=torch.int64, device=self._device)
        parts = (model, vocabulary, self._llama, self._cursor, self._token)
        # What the kinematics' first pass reads of the goal's codes.
        unread = config.goal_codes if depth_head else 1
        leads = (self._goal_lead, self._lead_length), (self._kinematics_lead, unread)
        self._goal, self._kinematics = (
            LevelPasses(level, *parts, *lead, depth_head)
            for level, lead in zip(LEVELS, leads, strict=True)
        )
        size = config.image_size
        channels = 6 if config.images_first else 3
        self._images = torch.zeros((config.cameras, channels, size, size), device=self._device)
        pixels = self._images.to(next(model.vision.parameters()).dtype)
        self.path = f"{self._llama.path}; {compile_towers(model.vision, pixels)}"
        self._state = torch.zeros(max(1, config.state_dim), device=self._device)
        self._prompt = torch.zeros((2, self._prompt_length), dtype=torch.int64, device=self._device)
        weight = model.language.lm_head.weight
        shape = (seen, weight.shape[1])
        self._observation = torch.zeros(shape, dtype=weight.dtype, device=self._device)
        self._see = Pass("observation", self._see_work, [self._cursor])
        self._read = Pass("instruction", self._read_work, [self._cursor])
        self._refusal = tuple(vocabulary.encode_text(REFUSAL))
        self._instruction: str | None = None
        self._passes = 0
        self._warm = False
        self.on_stage: Callable[[str], None] = lambda stage: None

    def observed(self) -> DynamicCache:
        """Keys and values of the observation that the last output answered; a cache of its own."""
        # Where images come first, so does the start of the text, which everyone looks at.
        count = len(self._observation) + self._model.config.images_first
        return self._llama.cached(self._kept, count)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Capture every pass; afterwards no chunk is slower than its kind."""
        self._warm = True
        self._observe("", self._images, self._state)
        for level in (self._goal, self._kinematics):
            for run in level.passes():
                self._cursor.fill_(self._kept)
                run()
        self._instruction = None

    def forget(self) -> None:
        """Read the next chunk's instruction as if it were new."""
        self._instruction = None

    @torch.inference_mode()
    def generate(
        self,
        instruction: str,
        images: Tensor,
        state: Tensor,
        draft: Draft | None = None,
        given: Given | None = None,
    ) -> Generation:
        """Write words and codes of both levels for one observation; see `BilevelDecoder`.

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
            ValueError: given words are longer than any text may be.
        """
        if not self._warm:
            self.warm_up()
        self._passes = 0
        draft, given = draft or Draft(), given or Given()
        plans = (
            self._goal.plan(draft.goal, given.goal, given.goal_codes),
            self._kinematics.plan(draft.kinematics, given.kinematics, given.kinematics_codes),
        )
        self._observe(instruction, images, state)
        self.on_stage("vision")
        words, goal_codes, kinematics_codes = self._write(*plans)
        return Generation(
            words,
            given.goal_codes or goal_codes,
            given.kinematics_codes or kinematics_codes,
            draft == words and given.goal is None and given.kinematics is None,
            self._passes,
        )

    def _write(
        self, goal: LevelPlan, kinematics: LevelPlan
    ) -> tuple[Draft, tuple[int, ...], tuple[int, ...]]:
        """Words, goal codes and kinematics codes."""
        first = self._kept + self._lead_length
        self._queue(goal, at=self._kept)
        if goal.closed:
            self._queue(kinematics, at=None)
        goal_found, kinematics_found = self._found()
        goal_words, rewritten = self._settle(goal, goal_found, first)
        if goal_words == self._refusal:
            raise Refusal(REFUSAL)
        if rewritten:
            self._queue(kinematics, at=None)
            goal_found, kinematics_found = self._found()
        opening = first + 2 + 2 * len(goal_words) + self._goal.count
        kinematics_words, rewritten = self._settle(kinematics, kinematics_found, opening)
        if rewritten:
            _, kinematics_found = self._found()
        return (
            Draft(goal_words, kinematics_words),
            self._goal.codes_of(goal_found),
            self._kinematics.codes_of(kinematics_found),
        )

    def _observe(self, instruction: str, images: Tensor, state: Tensor) -> None:
        """Queue what comes before the words: prompt, if it is new, and images."""
        if instruction != self._instruction:
            self._instruction = None
            both = instruction_ids(self._vocabulary, self._model.config, instruction)
            self._prompt.copy_(torch.tensor(both))
            if self._kept:
                self._cursor.fill_(0)
                self._read()
            self._instruction = instruction
        self._images.copy_(images, non_blocking=True)
        if self._model.config.state_dim:
            self._state.copy_(state, non_blocking=True)
        self._see()

    def _queue(self, plan: LevelPlan, at: int | None) -> None:
        """Queue the check of a level's words and, if they are closed, the codes after them.

        Args:
            at: position to start from; where the last pass ended without it.
        """
        if at is not None:
            self._cursor.fill_(at)
        plan.level.check(plan.words, plan.closed)
        self.on_stage("verify")
        self._passes += 1
        if plan.closed:
            self._passes += plan.level.queue_codes(plan.codes)
            self.on_stage("codes")

    def _found(self) -> tuple[list[int], list[int]]:
        """Wait for the device once: what both levels found."""
        both = torch.cat([self._goal.found(), self._kinematics.found()]).tolist()
        return both[: self._goal.found_size], both[self._goal.found_size :]

    def _settle(
        self, plan: LevelPlan, found: list[int], opening: int
    ) -> tuple[tuple[int, ...], bool]:
        """Words of a level, and whether they and its codes had to be written again.

        Args:
            opening: position of the level's delimiter.
        """
        level, agreed = plan.level, plan.level.agreed_of(found)
        if plan.taken or (plan.closed and agreed > len(plan.words)):
            return plan.words, False
        words = list(plan.words[:agreed])
        coming = [level.choice(agreed)]
        limit = self._model.config.max_text_tokens
        while True:
            for token in coming:
                if token == level.closing:
                    level.close(words, at=opening + 1 + len(words))
                    self._passes += 1 + level.queue_codes(plan.codes)
                    return tuple(words), True
                if len(words) == limit:
                    raise GenerationError(f"a reasoning text ran past {limit} tokens")
                words.append(token)
            coming = level.write(words[-1], at=opening + len(words))
            self._passes += len(coming)

    def _see_work(self) -> None:
        observation = self._model.observe(self._images[None], self._state[None])
        self._observation.copy_(observation[0])

    def _read_work(self) -> None:
        embeddings = self._model.embed(self._prompt[:1])[0]
        self._llama(embeddings, self._prompt[1], self._cursor)
        self._cursor.add_(self._prompt_length)

    def _goal_lead(self) -> tuple[Tensor, Tensor]:
        """Embeddings and segments of what is read with the goal's words."""
        if self._kept:
            seen = self._prompt.new_full((len(self._observation),), int(Segment.OBSERVATION))
            return self._observation, seen
        embeddings, segments = self._model.context(
            self._prompt[:1], self._prompt[1:], self._observation[None]
        )
        return embeddings[0], segments[0]

    def _kinematics_lead(self) -> tuple[Tensor, Tensor]:
        """The goal codes that no pass has read yet."""
        unread = self._goal.unread
        return self._model.embed(unread[None])[0], torch.full_like(unread, int(Segment.CODES))
