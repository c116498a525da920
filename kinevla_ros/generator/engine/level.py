"""The engine's passes of one level: check a draft, choose codes, write words in bursts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.generator.decoding.depth_head import DepthHead
from kinevla_ros.generator.engine.fused_llama import FusedLlama
from kinevla_ros.generator.engine.graph import Pass
from kinevla_ros.generator.engine.input import (
    BURST,
    NOTHING,
    PassInput,
    longest_level,
)
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.language.tokenizer.vocabulary import Level, Vocabulary


@dataclass(frozen=True)
class LevelPlan:
    """What is read for a level before anything of it is written.

    Attributes:
        words: draft, or what is given; `taken` says that they are not to be verified.
        closed: whether they are read to the codes at once, and the codes follow.
        codes: given codebook entries.
    """

    level: LevelPasses
    words: tuple[int, ...]
    closed: bool
    taken: bool
    codes: tuple[int, ...] | None


class LevelPasses:
    """Buffers and passes of a level; `cursor` and `token` (1,) are shared with the other one.

    Args:
        lead: gives embeddings (n, width) and segments (n,) read before the delimiter.
        lead_length: n.
        depth_head: chooses the codes after the first, in the pass that chose the first.
    """

    def __init__(
        self,
        level: Level,
        model: Generator,
        vocabulary: Vocabulary,
        llama: FusedLlama,
        cursor: Tensor,
        token: Tensor,
        lead: Callable[[], tuple[Tensor, Tensor]],
        lead_length: int,
        depth_head: DepthHead | None,
    ) -> None:
        self._model, self._llama, self._lead = model, llama, lead
        self._level, self._depth_head = level, depth_head
        self._cursor, self._token = cursor, token
        config, device = model.config, cursor.device
        goal = level == "goal"
        self.count = config.goal_codes if goal else config.kinematics_codes
        self.opening = vocabulary.goal if goal else vocabulary.kinematics
        self.closing = vocabulary.goal_codes if goal else vocabulary.kinematics_codes
        self._first_code = vocabulary.code_id(level, 0)
        self._codes_per_level = vocabulary.codes_per_level
        allowed = torch.from_numpy(vocabulary.text_mask)
        allowed[self.closing] = True
        self._refused = ~allowed.to(device)
        self._longest = config.max_text_tokens
        self._widths = llama.widths(longest_level(config), lead_length)
        self._input = PassInput(self._widths[-1], device)
        self._reading = PassInput(config.max_text_tokens + 1, device)
        self._choices = torch.zeros_like(self._input.ids)
        self._agreed = torch.zeros(1, dtype=torch.int64, device=device)
        self.codes = torch.zeros(self.count, dtype=torch.int64, device=device)
        self._written = torch.zeros(BURST, dtype=torch.int64, device=device)
        moved = cursor, token, self.codes, self._written
        self._check = {
            width: Pass(f"check of {width} {level} tokens", partial(self._check_work, width), moved)
            for width in self._widths
        }
        self._close = Pass(f"reading of {level} words", self._close_work, moved)
        self._code = Pass(f"next {level} code", self._code_work, moved)
        self._word = Pass(f"next {level} word", self._word_work, moved)

    @property
    def found_size(self) -> int:
        """Numbers in `found`."""
        return 1 + self.count

    @property
    def unread(self) -> Tensor:
        """Ids of the codes that no pass has read yet."""
        return self.codes if self._depth_head else self.codes[-1:]

    def passes(self) -> Iterator[Pass]:
        """Every pass, to be captured."""
        yield from (*self._check.values(), self._close, self._code, self._word)

    def plan(
        self,
        draft: tuple[int, ...],
        words: tuple[int, ...] | None,
        codes: tuple[int, ...] | None,
    ) -> LevelPlan:
        """What to read, from the draft and what is given; raises ValueError if that is too long."""
        if words is None:
            # No text may be longer than the longest, so such a draft is none.
            fitting = draft if len(draft) <= self._longest else ()
            return LevelPlan(self, fitting, bool(fitting), False, codes)
        if len(words) > self._longest:
            raise ValueError(
                f"given words have {len(words)} tokens, a text at most {self._longest}"
            )
        return LevelPlan(self, words, True, True, codes)

    def check(self, draft: Sequence[int], closed: bool) -> None:
        """Queue the check of a draft.

        Args:
            closed: whether the draft is read to the codes as well, which chooses the first one.
        """
        reading = self._reading_of(draft) if closed else ([], [], [])
        words = [self.opening, *draft], [Segment.WORDS] * (1 + len(draft))
        wanted = [*draft, self.closing] if closed else [NOTHING]
        length = self._input.hold(words[0] + reading[0], words[1] + reading[1], wanted + reading[2])
        self._check[next(w for w in self._widths if w >= length)]()

    def close(self, words: Sequence[int], at: int) -> None:
        """Queue the reading of words to the codes at a position, which chooses the first code."""
        self._cursor.fill_(at)
        self._reading.hold(*self._reading_of(words))
        self._close()

    def _reading_of(self, words: Sequence[int]) -> tuple[list[int], list[Segment], list[int]]:
        """Ids, segments and wanted choices of words as the codes read them."""
        segments = [Segment.READING] * len(words) + [Segment.CODES]
        return [*words, self.closing], segments, [NOTHING] * (1 + len(words))

    def write(self, word: int, at: int) -> list[int]:
        """Read a word at a position and write the next few; waits for the device."""
        self._cursor.fill_(at)
        self._token.fill_(word)
        for _ in range(BURST):
            self._word()
        return [int(i) for i in self._written.tolist()]

    def found(self) -> Tensor:
        """How many draft tokens agreed, then the codes' ids; on the device."""
        return torch.cat([self._agreed, self.codes])

    def agreed_of(self, found: list[int]) -> int:
        """How many tokens of the draft, its closing delimiter included, the model agrees with."""
        return found[0]

    def codes_of(self, found: list[int]) -> tuple[int, ...]:
        """Codebook entries."""
        return tuple(token - self._first_code for token in found[1:])

    def choice(self, place: int) -> int:
        """The model's own token after `place` tokens of the draft; waits for the device."""
        return int(self._choices[place])

    def queue_codes(self, given: Sequence[int] | None) -> int:
        """Queue the codes after the first, which the pass before chose; returns the passes.

        Args:
            given: codebook entries to read instead of the model's choices.
        """
        passes = 0 if self._depth_head else self.count - 1
        for place in range(passes):
            if given is not None:
                self._token.fill_(self._first_code + given[place])
            self._code()
        if given is not None:
            self.codes.copy_(torch.tensor(given) + self._first_code)
        return passes

    def _check_work(self, width: int) -> None:
        """Read lead and draft; compare, and choose the first code as if all agreed."""
        lead, lead_segments = self._lead()
        given = self._input
        embeddings = torch.cat([lead, self._model.embed(given.ids[None, :width])[0]])
        segments = torch.cat([lead_segments, given.segments[:width]])
        hidden = self._llama(embeddings, segments, self._cursor)[-width:]
        # The half behind holds nothing but words as read.
        half = width // 2
        choices = self._text_choice(hidden[:half])
        self._choices[:half].copy_(choices)
        same = choices == given.wanted[:half]
        self._agreed.copy_(same.long().cumprod(0).sum())
        self._choose_code(hidden.index_select(0, given.length - 1))
        self._cursor.add_(len(lead)).add_(given.length)

    def _close_work(self) -> None:
        """Read words and closing delimiter to the codes, choose the first code."""
        given = self._reading
        hidden = self._llama(self._model.embed(given.ids[None])[0], given.segments, self._cursor)
        self._choose_code(hidden.index_select(0, given.length - 1))
        self._cursor.add_(given.length)

    def _code_work(self) -> None:
        """Read the last token as a code, choose the next code."""
        segment = torch.full_like(self._token, int(Segment.CODES))
        hidden = self._llama(self._model.embed(self._token[None])[0], segment, self._cursor)
        self._cursor.add_(1)
        self._choose_code(hidden)

    def _word_work(self) -> None:
        """Read the last token as a word, choose the next word."""
        segment = torch.full_like(self._token, int(Segment.WORDS))
        hidden = self._llama(self._model.embed(self._token[None])[0], segment, self._cursor)
        self._cursor.add_(1)
        self._token.copy_(self._text_choice(hidden))
        self._written.copy_(torch.cat([self._written[1:], self._token]))

    def _text_choice(self, hidden: Tensor) -> Tensor:
        logits = self._model.language.lm_head(hidden).float()
        return torch.as_tensor(logits.masked_fill_(self._refused, -torch.inf).argmax(-1))

    def _choose_code(self, hidden: Tensor) -> None:
        """Choose among this level's codes; only their rows of the head are read."""
        rows = slice(self._first_code, self._first_code + self._codes_per_level)
        self._append(F.linear(hidden, self._model.language.lm_head.weight[rows]))
        if self._depth_head is None:
            return
        state = self._depth_head.begin(hidden)
        for _ in range(self.count - 1):
            state = self._depth_head.step(self._model.embed(self._token), state)
            self._append(self._depth_head.logits(self._level, state))

    def _append(self, logits: Tensor) -> None:
        """Take the likeliest code, logits (1, K)."""
        self._token.copy_(logits.float().argmax(-1) + self._first_code)
        self.codes.copy_(torch.cat([self.codes[1:], self._token]))
