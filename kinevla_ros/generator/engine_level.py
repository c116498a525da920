"""The engine's passes of one level: check a draft, choose codes, write words in bursts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.depth_head import DepthHead
from kinevla_ros.generator.fused_llama import FusedLlama
from kinevla_ros.generator.graph import Pass
from kinevla_ros.generator.model import Generator, Segment
from kinevla_ros.language.vocabulary import Level, Vocabulary

BURST = 4
"""Words written between two looks at whether the text has ended."""
NARROWEST = 16


class LevelPasses:
    """Buffers and passes of a level; `cursor` and `token` [1] are shared with the other one.

    Args:
        lead: gives embeddings [n, width] and segments [n] read before the delimiter.
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
        self._widths = _widths(config.max_text_tokens + 2)
        widest = self._widths[-1]
        self._ids = torch.full((widest,), self.opening, dtype=torch.int64, device=device)
        self._segments = torch.full_like(self._ids, int(Segment.WORDS))
        self._length = torch.ones(1, dtype=torch.int64, device=device)
        self._choices = torch.zeros_like(self._ids)
        self._agreed = torch.zeros_like(self._length)
        self._codes = torch.zeros(self.count, dtype=torch.int64, device=device)
        self._written = torch.zeros(BURST, dtype=torch.int64, device=device)
        self._held: tuple[tuple[int, ...], bool] | None = None
        self._check = {
            width: Pass(lambda width=width: self._check_work(width), device)  # type: ignore[misc]
            for width in self._widths
        }
        self._code = Pass(self._code_work, device)
        self._word = Pass(self._word_work, device)

    @property
    def found_size(self) -> int:
        """Numbers in `found`."""
        return 1 + self.count

    @property
    def unread(self) -> Tensor:
        """Ids of the codes that no pass has read yet."""
        return self._codes if self._depth_head else self._codes[-1:]

    def passes(self) -> Iterator[Pass]:
        """Every pass, to be captured."""
        yield from (*self._check.values(), self._code, self._word)

    def check(self, draft: Sequence[int], closed: bool) -> None:
        """Queue the check of a draft, which also chooses the first code if it is closed."""
        length = self._hold(tuple(draft), closed)
        self._check[next(w for w in self._widths if w >= length)]()

    def close(self, at: int) -> None:
        """Queue the closing delimiter at a position, which chooses the first code."""
        self._cursor.fill_(at)
        self._token.fill_(self.closing)
        self._code()

    def write(self, word: int, at: int) -> list[int]:
        """Read a word at a position and write the next few; waits for the device."""
        self._cursor.fill_(at)
        self._token.fill_(word)
        for _ in range(BURST):
            self._word()
        return [int(i) for i in self._written.tolist()]

    def found(self) -> Tensor:
        """How many draft tokens agreed, then the codes' ids; on the device."""
        return torch.cat([self._agreed, self._codes])

    def agreed_of(self, found: list[int]) -> int:
        """How many tokens of the draft, its closing delimiter included, the model agrees with."""
        return found[0]

    def codes_of(self, found: list[int]) -> tuple[int, ...]:
        """Codebook entries."""
        return tuple(token - self._first_code for token in found[1:])

    def choice(self, place: int) -> int:
        """The model's own token after `place` tokens of the draft; waits for the device."""
        return int(self._choices[place])

    def _hold(self, draft: tuple[int, ...], closed: bool) -> int:
        """Put a draft into its buffers unless it is there; returns its length with delimiters."""
        length = 1 + len(draft) + closed
        if (draft, closed) != self._held:
            ids = [self.opening, *draft, *([self.closing] if closed else [])]
            segments = [int(Segment.WORDS)] * (1 + len(draft)) + [int(Segment.CODES)] * closed
            self._ids[:length].copy_(torch.tensor(ids))
            self._segments[:length].copy_(torch.tensor(segments))
            self._length.fill_(length)
            self._held = draft, closed
        return length

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
            self._codes.copy_(torch.tensor(given) + self._first_code)
        return passes

    def _check_work(self, width: int) -> None:
        """Read lead, delimiter and draft; compare, and choose the first code as if all agreed."""
        lead, lead_segments = self._lead()
        ids = self._ids[:width]
        embeddings = torch.cat([lead, self._model.embed(ids[None])[0]])
        segments = torch.cat([lead_segments, self._segments[:width]])
        hidden = self._llama(embeddings, segments, self._cursor)[-width:]
        choices = self._text_choice(hidden)
        self._choices[:width].copy_(choices)
        drafted = torch.arange(width - 1, device=ids.device) < self._length - 1
        same = (choices[:-1] == ids[1:]) & drafted
        self._agreed.copy_(same.long().cumprod(0).sum())
        self._choose_code(hidden.index_select(0, self._length - 1))
        self._cursor.add_(len(lead)).add_(self._length)

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
        """Take the likeliest code, logits [1, K]."""
        self._token.copy_(logits.float().argmax(-1) + self._first_code)
        self._codes.copy_(torch.cat([self._codes[1:], self._token]))


def written_room(config: GeneratorConfig) -> int:
    """Positions that the longest output takes, with the padding of the last pass."""
    longest = config.max_text_tokens + 2
    codes = config.goal_codes + config.kinematics_codes
    room = longest + codes + _widths(longest)[-1] + BURST
    # Attention kernels want an even length.
    return -(-room // 64) * 64


def _widths(widest: int) -> list[int]:
    """Doubling widths up to the first that holds everything."""
    widths = [NARROWEST]
    while widths[-1] < widest:
        widths.append(2 * widths[-1])
    return widths
