"""The vocabulary of a model with a pretrained Llama tokenizer, code ids at the tail of its text.

Ids: Llama's text, whose last 2K ids are the blocks of codes (rare characters that no reasoning
holds), `<PAD>` after the text, delimiters in the free rows after that. Delimiters and codes have
no string, so nothing that an operator types can become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from kinevla_ros.base.files.manifest import checked
from kinevla_ros.language.tokenizer.tokenizer_file import VocabularyError, read_tokenizer
from kinevla_ros.language.tokenizer.vocabulary import FILE_NAME, SPECIALS, Vocabulary

UNKNOWN, BOS, FIRST_TEXT = 0, 1, 3
PROMPT = "In: What action should the robot take to {}?\nOut:"


class LlamaVocabulary(Vocabulary):
    """Text, delimiter and code ids of a converted model.

    Args:
        tokenizer: Llama's, as `tokenizer.json` has it.
        size: rows of the model's embedding, padding included.
        codes_per_level: entries of each codebook.

    Raises VocabularyError when delimiters or codes have no room.
    """

    def __init__(self, tokenizer: Tokenizer, size: int, codes_per_level: int) -> None:
        self._tokenizer = tokenizer
        tokenizer.encode_special_tokens = True
        self._pad = tokenizer.get_vocab_size(with_added_tokens=False)
        self.size, self.codes_per_level = size, codes_per_level
        self._first_text = FIRST_TEXT
        self._first_code = self._pad - 2 * codes_per_level
        if tokenizer.token_to_id("<s>") != BOS or self._first_code <= FIRST_TEXT:
            raise VocabularyError("it is no Llama tokenizer, or too small for the codes")
        if self._pad + len(SPECIALS) > size:
            raise VocabularyError(
                f"the model has {size} rows and needs {self._pad + len(SPECIALS)} for "
                f"{self._pad} text ids, padding and delimiters; it is of another tokenizer"
            )

    def prompt_ids(self, instruction: str) -> list[int]:
        """Ids of OpenVLA's prompt, from BOS on."""
        return [BOS, *self.encode_text(PROMPT.format(instruction.lower()))]

    def encode_text(self, text: str) -> list[int]:
        """Ids of a text; what has become a code or is no text becomes the unknown id."""
        return [i if self.is_text(i) else UNKNOWN for i in super().encode_text(text)]

    @property
    def trained_rows(self) -> list[int]:
        """Ids whose meaning is new to the pretrained model: delimiters and codes."""
        delimiters = [self.goal, self.goal_codes, self.kinematics, self.kinematics_codes, self.end]
        return [*range(self._first_code, self._pad), *delimiters]

    def _special(self, token: str) -> int:
        if token == "<unk>":
            return UNKNOWN
        return self._pad + SPECIALS.index(token)


def open_vocabulary(folder: str | Path, size: int, codes_per_level: int) -> Vocabulary:
    """Read tokenizer.json of a checkpoint, of either kind.

    Args:
        folder: with tokenizer.json.
        size, codes_per_level: as the checkpoint's configuration says.

    Raises:
        FileNotFoundError: there is none.
        ManifestError: it is not the one of the checkpoint.
        VocabularyError: it is damaged or does not fit.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"no vocabulary at {path}: give a checkpoint folder; for a converted OpenVLA copy "
            "tokenizer.json of the published checkpoint there, then list it with "
            f"`kinevla manifest {folder}`"
        )
    tokenizer = read_tokenizer(checked(Path(folder), FILE_NAME))
    try:
        if tokenizer.token_to_id(SPECIALS[0]) == 0:
            return Vocabulary(tokenizer)
        return LlamaVocabulary(tokenizer, size, codes_per_level)
    except VocabularyError as problem:
        raise VocabularyError(f"{path}: {problem}") from problem


def texts_fit(vocabulary: Vocabulary, texts: Sequence[str]) -> None:
    """Raise VocabularyError unless every text can be written and read back."""
    for text in texts:
        ids = vocabulary.encode_text(text)
        if vocabulary.unknown in ids or vocabulary.decode_text(ids) != text:
            raise VocabularyError(f"the tokenizer cannot write {text!r}; it is of another model")
