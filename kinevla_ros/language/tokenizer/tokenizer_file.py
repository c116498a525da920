"""tokenizer.json, read so that nothing in it can do more than name words.

The library compiles whatever pattern the file holds, and a hostile one ends the process. What the
tokenizers of this package and Llama's consist of is known, so nothing else is handed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from kinevla_ros.base.files.damage import FileError, naming, one_line
from kinevla_ros.base.files.fields import integer, one_of, only_keys
from kinevla_ros.base.files.json_file import read_object

LARGEST = 64 << 20
MOST_TOKENS, MOST_MERGES, LONGEST_TOKEN, MOST_STEPS = 300_000, 2_000_000, 200, 16
SPACES, SENTENCE_END = r"\s+", r"[ .!?]+$"
# Runs of glue words become one token; words that carry a slot stay tokens of their own.
PIECES = r"(?:,|▁(?:{glue})(?![^▁,]))+|'s|▁?[^▁,']+|."
_PIECES = re.compile(re.escape(PIECES).replace(re.escape("{glue}"), r"[a-z]+(\|[a-z]+)*"))

Check = Callable[[str, object], object]


class VocabularyError(FileError):
    """The file is damaged or is not a vocabulary of this package."""


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer of this package or Llama's.

    Truncation, padding and the template that adds special tokens are left out: all that is
    encoded here is text, whole.

    Raises:
        FileNotFoundError: there is no such file.
        VocabularyError: it is damaged, or holds what is not known.
    """
    cure = "copy the checkpoint again, or save the vocabulary again with Vocabulary.save"
    with naming(path, cure, VocabularyError):
        found = read_object(path, cure, LARGEST)
        only_keys("it", found, _KEYS)
        text = json.dumps(
            {
                "version": one_of("version", found.get("version"), ("1.0",)),
                "truncation": None,
                "padding": None,
                "added_tokens": _added_tokens(found.get("added_tokens")),
                "normalizer": _steps("normalizer", found.get("normalizer"), _NORMALIZERS),
                "pre_tokenizer": _steps("pre_tokenizer", found.get("pre_tokenizer"), _SPLITTERS),
                "post_processor": None,
                "decoder": _steps("decoder", found.get("decoder"), _DECODERS),
                "model": _model(found.get("model")),
            }
        )
        try:
            return Tokenizer.from_str(text)
        except BaseException as problem:
            # A panic of the library is no Exception; neither is a keyboard interrupt.
            if not isinstance(problem, Exception) and type(problem).__name__ != "PanicException":
                raise
            raise ValueError(one_line(problem)) from problem


def _added_tokens(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or len(value) > MOST_TOKENS:
        raise ValueError(f"added_tokens is no list of at most {MOST_TOKENS}")
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    for token in value:
        only_keys("an added token", token, ("id", "content", *flags))
        integer("the id of an added token", token.get("id"), 0, MOST_TOKENS)
        _text("the content of an added token", token.get("content"))
        for flag in flags:
            _flag(flag, token.get(flag))
    return value


def _model(value: object) -> Mapping[str, Any]:
    model = only_keys("model", value, (*_MODEL, "vocab", "merges"))
    for name, known in _MODEL.items():
        one_of(f"model {name}", model.get(name), known)
    vocabulary, merges = model.get("vocab"), model.get("merges")
    if not isinstance(vocabulary, dict) or not 0 < len(vocabulary) <= MOST_TOKENS:
        raise ValueError(f"vocab is no object of at most {MOST_TOKENS} tokens")
    for token, number in vocabulary.items():
        _text("a token", token)
        integer(f"the id of {token!r}", number, 0, len(vocabulary) - 1)
    if len(set(vocabulary.values())) != len(vocabulary):
        raise ValueError("two tokens have one id")
    if not isinstance(merges, list) or len(merges) > MOST_MERGES:
        raise ValueError(f"merges is no list of at most {MOST_MERGES}")
    for merge in merges:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or not all(p in vocabulary for p in pair):
            raise ValueError("a merge is not of two tokens of the vocabulary")
        if "".join(pair) not in vocabulary:
            raise ValueError("a merge gives no token of the vocabulary")
    return model


def _steps(name: str, value: object, known: Mapping[str, Mapping[str, Check]]) -> object:
    """One step or a sequence of them, each of a known type with known values; or None."""
    if value is None:
        return None
    steps: object = [value]
    if isinstance(value, dict) and value.get("type") == "Sequence":
        steps = only_keys(name, value, ("type", _INNER[name])).get(_INNER[name])
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        raise ValueError(f"{name} has no list of 1 to {MOST_STEPS} steps")
    for step in steps:
        kind = step.get("type") if isinstance(step, dict) else None
        fields = known[one_of(f"the type of a {name}", kind, tuple(known))]
        only_keys(f"{name} {kind}", step, ("type", *fields))
        for field, check in fields.items():
            check(f"{name} {kind} {field}", step.get(field))
    return value


def _text(name: str, value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TOKEN or "\0" in value:
        raise ValueError(f"{name} is no text of 1 to {LONGEST_TOKEN} characters")


def _maybe_empty(name: str, value: object) -> None:
    if value != "":
        _text(name, value)


def _character(name: str, value: object) -> None:
    if not isinstance(value, str) or len(value) != 1:
        raise ValueError(f"{name} is no character")


def _flag(name: str, value: object) -> None:
    one_of(name, value, (True, False))


def _few(name: str, value: object) -> None:
    integer(name, value, 0, 8)


def _pattern(name: str, value: object) -> None:
    """A plain text, or one of the regular expressions that this package writes."""
    pattern = only_keys(name, value, ("String", "Regex"))
    if list(pattern) == ["String"]:
        return _text(name, pattern["String"])
    regex = pattern.get("Regex")
    known = isinstance(regex, str) and len(regex) <= 2000
    if not known or (regex not in (SPACES, SENTENCE_END) and not _PIECES.fullmatch(str(regex))):
        raise ValueError(f"{name} is a regular expression that is not known")
    return None


def _choice(*known: str) -> Check:
    return lambda name, value: one_of(name, value, known)


_REPLACE: Mapping[str, Check] = {"pattern": _pattern, "content": _maybe_empty}
_NORMALIZERS: Mapping[str, Mapping[str, Check]] = {
    "NFKC": {},
    "Lowercase": {},
    "Prepend": {"prepend": _text},
    "Replace": _REPLACE,
    "Strip": {"strip_left": _flag, "strip_right": _flag},
}
_SPLITTERS: Mapping[str, Mapping[str, Check]] = {
    "Metaspace": {
        "replacement": _character,
        "prepend_scheme": _choice("always", "first", "never"),
        "split": _flag,
    },
    "Split": {"pattern": _pattern, "behavior": _choice("Isolated"), "invert": _flag},
}
_DECODERS: Mapping[str, Mapping[str, Check]] = {
    "ByteFallback": {},
    "Fuse": {},
    "Replace": _REPLACE,
    "Strip": {"content": _character, "start": _few, "stop": _few},
}
_INNER = {
    "normalizer": "normalizers",
    "pre_tokenizer": "pretokenizers",
    "decoder": "decoders",
}
_KEYS = (
    *("version", "truncation", "padding", "added_tokens", "normalizer"),
    *("pre_tokenizer", "post_processor", "decoder", "model"),
)
_MODEL: Mapping[str, tuple[object, ...]] = {
    "type": ("BPE",),
    "dropout": (None,),
    "unk_token": ("<unk>",),
    "continuing_subword_prefix": (None, ""),
    "end_of_word_suffix": (None, ""),
    "fuse_unk": (True, False),
    "byte_fallback": (True, False),
    "ignore_merges": (False, None),
}
