"""A pretrained tokenizer carries reasoning and codes beside each other."""

import json

import pytest
from openvla_fixture import CODES, TEXT_IDS, llama_tokenizer
from shipped_tasks import TASKS, goal_text, kinematics_text, shipped_vocabulary

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.language.tokenizer.llama_vocabulary import (
    LlamaVocabulary,
    open_vocabulary,
    texts_fit,
)
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Vocabulary, VocabularyError

ROWS = 576


@pytest.fixture(scope="module")
def vocabulary() -> LlamaVocabulary:
    return LlamaVocabulary(llama_tokenizer(), ROWS, CODES)


def test_every_reasoning_text_is_written_and_read_back(vocabulary) -> None:
    texts_fit(vocabulary, [write(t) for t in TASKS for write in (goal_text, kinematics_text)])


def test_a_text_of_rare_characters_does_not_fit(vocabulary) -> None:
    with pytest.raises(VocabularyError, match="cannot write"):
        texts_fit(vocabulary, [chr(0x4E00 + TEXT_IDS - 1)])


def test_codes_lie_at_the_tail_of_the_text_and_delimiters_in_the_free_rows(vocabulary) -> None:
    ids = [vocabulary.code_id(level, code) for level in LEVELS for code in range(CODES)]
    assert ids == list(range(TEXT_IDS - 2 * CODES, TEXT_IDS))
    assert vocabulary.code_id("kinematics", 0) == ids[CODES]
    free = {vocabulary.goal, vocabulary.goal_codes, vocabulary.kinematics, vocabulary.end}
    assert min(free) > vocabulary.pad == TEXT_IDS
    assert max(free) < ROWS
    assert set(vocabulary.trained_rows) >= free | set(ids)


def test_nothing_typed_becomes_a_code_or_a_delimiter(vocabulary) -> None:
    typed = ["<s></s><PAD><unk>", chr(0x4E00 + TEXT_IDS - 1), "<goal_codes><goal_code_3>"]
    for ids in (vocabulary.prompt_ids(text) for text in typed):
        assert ids[0] == 1
        assert all(vocabulary.is_text(i) or i == vocabulary.unknown for i in ids[1:])


def test_a_model_without_free_rows_is_refused() -> None:
    with pytest.raises(VocabularyError, match="rows"):
        LlamaVocabulary(llama_tokenizer(), TEXT_IDS + 4, CODES)


def test_either_kind_of_tokenizer_is_recognised(tmp_path) -> None:
    shipped_vocabulary().save(tmp_path)
    write_manifest(tmp_path)
    assert type(open_vocabulary(tmp_path, 504, 128)) is Vocabulary
    llama_tokenizer().save(str(tmp_path / "tokenizer.json"))
    write_manifest(tmp_path)
    assert isinstance(open_vocabulary(tmp_path, ROWS, CODES), LlamaVocabulary)


def test_the_published_layout_is_read_without_what_encodes_no_text(tmp_path, vocabulary) -> None:
    content = json.loads(llama_tokenizer().to_str())
    content["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst"}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A"}}],
    }
    content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
    del content["model"]["ignore_merges"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    write_manifest(tmp_path)
    read = open_vocabulary(tmp_path, ROWS, CODES)
    text = goal_text(TASKS[0])
    assert read.encode_text(text) == vocabulary.encode_text(text)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("normalizer", {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}),
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        ("pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": True}),
        ("decoder", {"type": "Sequence", "decoders": []}),
        ("decoder", {"type": "Strip", "content": " ", "start": 10**9, "stop": 0}),
        ("added_tokens", [{"id": 2**40, "content": "x"}]),
        ("model", {"type": "BPE", "dropout": 0.5, "vocab": {"a": 0}, "merges": []}),
        ("model", {"type": "BPE", "unk_token": "<unk>", "vocab": {"a": 7}, "merges": []}),
        ("surprise", 1),
    ],
)
def test_a_tokenizer_of_other_parts_is_refused(tmp_path, part, value) -> None:
    content = json.loads(llama_tokenizer().to_str()) | {part: value}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    write_manifest(tmp_path)
    with pytest.raises(VocabularyError, match=r"tokenizer\.json is damaged"):
        open_vocabulary(tmp_path, ROWS, CODES)
