"""Figures of the words: what is wrong in one slot shows there, whatever the similarity."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sacrebleu")

from shipped_tasks import TASKS, goal_text, kinematics_text

from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.report.reasoning import (
    Reading,
    bert_score,
    lines,
    metrics,
    read_phrasings,
)
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command

SHIPPED = resource_path("models", "kinevla-tiny")


def reading(asked: Command, written: Command) -> Reading:
    return Reading(asked, goal_text(written), kinematics_text(written))


RIGHT = [reading(c, c) for c in TASKS]
ONE_SLOT = [*RIGHT[:6], reading(TASKS[6], TASKS[5])]


def test_right_words_score_one_everywhere() -> None:
    found = metrics(RIGHT, SHIPPED)
    assert found["n"] == 7
    assert found["slots"]["all"]["rate"] == 1.0
    assert found["slots"]["direction"]["n"] == 3
    for name in ("bleu", "token_embedding_f1"):
        assert found[name]["goal"] == pytest.approx(1.0)
        assert found[name]["kinematics"] == pytest.approx(1.0)
    assert "tok:13a" in found["bleu"]["signature"]


def test_one_wrong_slot_hardly_touches_bleu_and_is_named_by_the_slots() -> None:
    found = metrics(ONE_SLOT, SHIPPED)
    assert 0.9 < found["bleu"]["kinematics"] < 1.0
    assert found["slots"]["side"]["rate"] == pytest.approx(3 / 4)
    assert found["slots"]["part"]["rate"] == 1.0
    assert "slots right" in lines("episodes", found)[0]


def test_words_about_another_object_have_no_slot_of_the_command_right() -> None:
    found = metrics([reading(TASKS[0], TASKS[3])], SHIPPED)
    assert found["slots"]["all"]["rate"] == 0.0
    assert found["bleu"]["goal"] < 0.5


def test_nothing_written_scores_nothing() -> None:
    found = metrics([*RIGHT, Reading(TASKS[0], "", "")], SHIPPED)
    assert found["slots"]["object"]["rate"] == pytest.approx(7 / 8)
    assert found["token_embedding_f1"]["goal"] == pytest.approx(7 / 8)


def test_the_shipped_model_reads_held_out_wordings() -> None:
    found = read_phrasings(Policy(SHIPPED), 1, 5, "held_out")
    assert [r.command for r in found] == list(TASKS)
    assert metrics(found, SHIPPED)["slots"]["all"]["rate"] > 0.8


def test_bert_score_takes_a_model_of_the_users(tmp_path: Path) -> None:
    pytest.importorskip("bert_score")
    from transformers import BertConfig, BertModel, BertTokenizer

    words = dict.fromkeys(" ".join(r.kinematics + " " + r.goal for r in RIGHT).split())
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", *words]
    tokenizer = BertTokenizer(vocab={w: i for i, w in enumerate(dict.fromkeys(vocabulary))})
    tokenizer.save_pretrained(tmp_path)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(tokenizer), intermediate_size=16, **sizes)).save_pretrained(
        tmp_path
    )
    right, wrong = bert_score(RIGHT, tmp_path), bert_score(ONE_SLOT, tmp_path)
    assert right["layer"] == 2
    assert right["kinematics"] == pytest.approx(1.0, abs=1e-4)
    assert wrong["kinematics"] < right["kinematics"]


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("bert_score")
    with pytest.raises(ValueError, match="cannot use"):
        bert_score(RIGHT, tmp_path)
