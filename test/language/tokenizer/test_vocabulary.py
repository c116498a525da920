from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped_tasks import TASKS, goal_text, kinematics_text, shipped_vocabulary
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Level, Vocabulary, VocabularyError

VOCABULARY = shipped_vocabulary()
commands = st.sampled_from(TASKS)
levels = st.sampled_from(LEVELS)


@given(commands, st.integers(0, 2**32 - 1), st.sampled_from(["train", "held_out"]))
def test_every_instruction_survives_encoding_and_is_short(
    command: Command, seed: int, split: str
) -> None:
    text = instruction(command, np.random.default_rng(seed), split)
    ids = VOCABULARY.encode_text(text)
    assert VOCABULARY.decode_text(ids) == text
    assert len(ids) <= 24


@pytest.mark.parametrize("command", TASKS)
def test_every_reasoning_text_survives_encoding_and_is_short(command: Command) -> None:
    for text, limit in ((goal_text(command), 6), (kinematics_text(command), 20)):
        ids = VOCABULARY.encode_text(text)
        assert VOCABULARY.decode_text(ids) == text
        assert len(ids) <= limit


def test_case_spacing_and_the_final_period_do_not_change_the_ids() -> None:
    plain = VOCABULARY.encode_text("pick up the bread and move it to the front")
    assert VOCABULARY.encode_text("  Pick up\nthe  BREAD and move it to the front. ") == plain


def test_held_out_instructions_use_no_token_unseen_in_training() -> None:
    rng = np.random.default_rng(1)
    seen = {
        i
        for task in TASKS
        for _ in range(300)
        for i in VOCABULARY.encode_text(instruction(task, rng, "train"))
    }
    for task in TASKS:
        for _ in range(50):
            assert seen.issuperset(VOCABULARY.encode_text(instruction(task, rng, "held_out")))


@given(st.text())
def test_any_text_encodes_to_text_ids_or_the_unknown_id(text: str) -> None:
    ids = VOCABULARY.encode_text(text)
    assert all(VOCABULARY.is_text(i) or i == VOCABULARY.unknown for i in ids)
    VOCABULARY.decode_text(ids)


def test_a_typed_delimiter_or_code_stays_ordinary_text() -> None:
    for i in VOCABULARY.encode_text("<end> <goal_code_3> <kinematics_code_0> <pad>"):
        assert VOCABULARY.is_text(i) or i == VOCABULARY.unknown


@given(levels, st.integers(0, 127))
def test_codes_have_ids_of_their_own(level: Level, code: int) -> None:
    token = VOCABULARY.code_id(level, code)
    assert not VOCABULARY.is_text(token)
    assert VOCABULARY.code_mask(level)[token]
    assert not VOCABULARY.text_mask[token]


def test_the_code_blocks_are_the_tail_goal_before_kinematics() -> None:
    size, k = len(VOCABULARY), VOCABULARY.codes_per_level
    assert k == 128
    assert VOCABULARY.code_id("goal", 0) == size - 2 * k
    assert VOCABULARY.code_id("kinematics", 0) == size - k
    assert VOCABULARY.code_id("kinematics", k - 1) == size - 1


def test_the_masks_and_the_delimiters_split_the_vocabulary() -> None:
    masks = [VOCABULARY.text_mask, *(VOCABULARY.code_mask(level) for level in LEVELS)]
    covered = np.sum(masks, axis=0)
    assert covered.shape == (len(VOCABULARY),)
    assert covered.max() == 1
    delimiters = [
        VOCABULARY.pad,
        VOCABULARY.unknown,
        VOCABULARY.instruction,
        VOCABULARY.front,
        VOCABULARY.wrist,
        VOCABULARY.state,
        VOCABULARY.goal,
        VOCABULARY.goal_codes,
        VOCABULARY.kinematics,
        VOCABULARY.kinematics_codes,
        VOCABULARY.end,
    ]
    assert sorted(delimiters) == list(np.flatnonzero(covered == 0))


@pytest.mark.parametrize("code", [-1, 128])
def test_a_code_outside_its_block_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match=r"not in \[0, 128\)"):
        VOCABULARY.code_id("goal", code)


def test_ids_of_another_kind_are_refused() -> None:
    code = VOCABULARY.code_id("goal", 0)
    with pytest.raises(ValueError, match="not text"):
        VOCABULARY.decode_text([code])
    with pytest.raises(ValueError, match="unknown level"):
        VOCABULARY.code_mask("fine")


def test_the_prompt_is_the_delimiter_and_the_words() -> None:
    text = "pick up the bread and move it to the front"
    assert VOCABULARY.prompt_ids(text) == [VOCABULARY.instruction, *VOCABULARY.encode_text(text)]


def test_training_twice_gives_the_same_vocabulary(tmp_path: Path) -> None:
    first = shipped_vocabulary().save(tmp_path / "first")
    second = shipped_vocabulary().save(tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("codes_per_level", [1, 64])
def test_a_saved_vocabulary_loads_as_it_was(tmp_path: Path, codes_per_level: int) -> None:
    saved = shipped_vocabulary(codes_per_level)
    saved.save(tmp_path)
    loaded = Vocabulary.load(tmp_path)
    assert loaded.codes_per_level == codes_per_level
    assert len(loaded) == len(saved)
    text = kinematics_text(TASKS[3])
    assert loaded.encode_text(text) == saved.encode_text(text)
    assert all(
        loaded.is_text(i) or i == loaded.unknown for i in loaded.encode_text("<goal_code_0>")
    )


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        Vocabulary.load(tmp_path)


@pytest.mark.parametrize("keep", [0, 10, 1000, -2])
def test_a_cut_off_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = VOCABULARY.save(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(VocabularyError, match="damaged"):
        Vocabulary.load(tmp_path)


def test_a_foreign_tokenizer_is_refused(tmp_path: Path) -> None:
    Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(VocabularyError, match="WordLevel"):
        Vocabulary.load(tmp_path)


def test_a_vocabulary_with_a_code_missing_is_refused(tmp_path: Path) -> None:
    path = VOCABULARY.save(tmp_path)
    content = json.loads(path.read_text())
    del content["added_tokens"][-1]
    path.write_text(json.dumps(content))
    with pytest.raises(VocabularyError, match="block of codes"):
        Vocabulary.load(tmp_path)


def test_a_vocabulary_without_codes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        shipped_vocabulary(0)
