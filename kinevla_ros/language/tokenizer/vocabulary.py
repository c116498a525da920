"""The vocabulary of the small model: words of the grammar first, action codes at the tail.

Ids: delimiters, text tokens, then one block of K ids per code level, the goal block at
[V-2K, V-K) and the kinematics block at [V-K, V). The position inside a code span names the
residual level, so both residual levels share their block.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from kinevla_ros.base.files.atomic import replacing
from kinevla_ros.language.grammar import REFUSAL, instruction
from kinevla_ros.language.reading.words import plain
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.tokenizer_file import (
    PIECES,
    SENTENCE_END,
    SPACES,
    VocabularyError,
    read_tokenizer,
)

Level = Literal["goal", "kinematics"]
LEVELS: tuple[Level, ...] = ("goal", "kinematics")
SPECIALS = (
    "<pad>",
    "<unk>",
    "<instruction>",
    "<front>",
    "<wrist>",
    "<state>",
    "<goal>",
    "<goal_codes>",
    "<kinematics>",
    "<kinematics_codes>",
    "<end>",
)
FILE_NAME = "tokenizer.json"
MAX_TEXT_IDS = 512
CORPUS_SEED = 0
CORPUS_PER_TASK = 600
GLUE = "the|to|it|its|by|on|in|of|and|then|first|but|up|you|can|could|please"


class Vocabulary:
    """Text and code ids of one model. Build it for a task set or load it from a checkpoint.

    Raises VocabularyError when the tokenizer does not have the layout described above.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # A delimiter or code typed by an operator must stay ordinary text.
        tokenizer.encode_special_tokens = True
        self.size: int = tokenizer.get_vocab_size()
        self.codes_per_level: int = _check_layout(tokenizer.get_vocab())
        self._first_text = len(SPECIALS)
        self._first_code = self.size - len(LEVELS) * self.codes_per_level

    @classmethod
    def from_tasks(cls, tasks: TaskSet, codes_per_level: int = 128) -> Vocabulary:
        """Train the text tokens on a fixed corpus of a task set and append the code ids.

        Raises:
            VocabularyError: a text holds what its tokens cannot write.
        """
        if codes_per_level < 1:
            raise ValueError(f"codes_per_level must be at least 1, not {codes_per_level}")
        tokenizer = Tokenizer(BPE(unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.NFKC(),
                normalizers.Lowercase(),
                normalizers.Replace("\u2019", "'"),
                normalizers.Replace(Regex(SPACES), " "),
                normalizers.Replace(Regex(SENTENCE_END), ""),
                normalizers.Strip(),
            ]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(split=False),
                pre_tokenizers.Split(Regex(PIECES.format(glue=GLUE)), behavior="isolated"),
            ]
        )
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        trainer = BpeTrainer(
            vocab_size=MAX_TEXT_IDS,
            special_tokens=list(SPECIALS),
            initial_alphabet=list("abcdefghijklmnopqrstuvwxyz0123456789,.'-▁"),
            show_progress=False,
        )
        tokenizer.train_from_iterator(_corpus(tasks), trainer)
        tokenizer.add_special_tokens(_code_tokens(codes_per_level))
        return cls(tokenizer).writing(tasks)

    @classmethod
    def load(cls, folder: str | Path) -> Vocabulary:
        """Read tokenizer.json in the folder. Raises FileNotFoundError or VocabularyError."""
        path = Path(folder) / FILE_NAME
        if not path.is_file():
            raise FileNotFoundError(f"no vocabulary at {path}: give a checkpoint folder")
        try:
            return cls(read_tokenizer(path))
        except VocabularyError as problem:
            raise VocabularyError(
                f"{path} is no vocabulary of this package: {problem}"
            ) from problem

    def save(self, folder: str | Path) -> Path:
        """Write tokenizer.json into the folder and return its path."""
        path = Path(folder) / FILE_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            self._tokenizer.save(str(new))
        return path

    def __len__(self) -> int:
        return self.size

    @property
    def pad(self) -> int:
        return self._special("<pad>")

    @property
    def unknown(self) -> int:
        return self._special("<unk>")

    @property
    def instruction(self) -> int:
        return self._special("<instruction>")

    @property
    def front(self) -> int:
        return self._special("<front>")

    @property
    def wrist(self) -> int:
        return self._special("<wrist>")

    @property
    def state(self) -> int:
        return self._special("<state>")

    @property
    def goal(self) -> int:
        return self._special("<goal>")

    @property
    def goal_codes(self) -> int:
        return self._special("<goal_codes>")

    @property
    def kinematics(self) -> int:
        return self._special("<kinematics>")

    @property
    def kinematics_codes(self) -> int:
        return self._special("<kinematics_codes>")

    @property
    def end(self) -> int:
        return self._special("<end>")

    def writing(self, tasks: TaskSet) -> Vocabulary:
        """Itself, if it can write the texts of a task set. Raises VocabularyError otherwise."""
        prompts = [command.prompt for command in tasks.commands]
        for text in (*prompts, *(text for pair in tasks.texts() for text in pair), REFUSAL):
            ids = self.encode_text(text)
            if self.unknown in ids or plain(self.decode_text(ids)) != plain(text):
                raise VocabularyError(
                    f"the tokenizer cannot write {text!r}; it is of another model"
                )
        return self

    def prompt_ids(self, instruction: str) -> list[int]:
        """Ids of the text prompt: the instruction delimiter and the instruction's words."""
        return [self.instruction, *self.encode_text(instruction)]

    def encode_text(self, text: str) -> list[int]:
        """Ids of a text; characters outside the alphabet become the unknown id."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode_text(self, ids: Sequence[int]) -> str:
        """The text of text ids. Raises ValueError on a delimiter, code or foreign id."""
        ids = [int(i) for i in ids]
        foreign = [i for i in ids if not self.is_text(i) and i != self.unknown]
        if foreign:
            raise ValueError(f"ids {foreign} are not text; decode the words' span only")
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def is_text(self, token: int) -> bool:
        """Whether the id is a text token: no delimiter, no code, not the unknown id."""
        return self._first_text <= token < self._first_code

    def code_id(self, level: Level, code: int) -> int:
        """Id of a code in [0, K) of a level. Raises ValueError outside that range."""
        if not 0 <= code < self.codes_per_level:
            raise ValueError(f"code {code} is not in [0, {self.codes_per_level})")
        return self._block(level).start + int(code)

    @property
    def text_mask(self) -> npt.NDArray[np.bool_]:
        """Bool (V,), true for the ids that a text span may generate."""
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[self._first_text : self._first_code] = True
        return mask

    def code_mask(self, level: Level) -> npt.NDArray[np.bool_]:
        """Bool (V,), true for the ids that a code span of this level may generate."""
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[self._block(level)] = True
        return mask

    def _block(self, level: Level) -> slice:
        if level not in LEVELS:
            raise ValueError(f"unknown level {level!r}: use one of {LEVELS}")
        start = self._first_code + LEVELS.index(level) * self.codes_per_level
        return slice(start, start + self.codes_per_level)

    def _special(self, token: str) -> int:
        return SPECIALS.index(token)


def _code_tokens(codes_per_level: int) -> list[str]:
    return [f"<{level}_code_{code}>" for level in LEVELS for code in range(codes_per_level)]


def _check_layout(vocabulary: dict[str, int]) -> int:
    """Codes per level of a well-formed vocabulary; VocabularyError otherwise."""
    by_id = sorted(vocabulary, key=vocabulary.__getitem__)
    if [vocabulary[token] for token in by_id] != list(range(len(by_id))):
        raise VocabularyError("its ids are not contiguous")
    if tuple(by_id[: len(SPECIALS)]) != SPECIALS:
        raise VocabularyError("its first ids are not the delimiters")
    codes_per_level = sum(token.startswith("<goal_code_") for token in by_id)
    tail = by_id[len(by_id) - len(LEVELS) * codes_per_level :]
    if codes_per_level == 0 or tail != _code_tokens(codes_per_level):
        raise VocabularyError("its last ids are not one block of codes per level")
    return codes_per_level


def _corpus(tasks: TaskSet) -> list[str]:
    rng = np.random.default_rng(CORPUS_SEED)
    instructions = [instruction(c, rng) for c in tasks.commands for _ in range(CORPUS_PER_TASK)]
    return [*instructions, *(text for pair in tasks.texts() for text in pair), REFUSAL]
