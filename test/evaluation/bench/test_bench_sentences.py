"""Sentences put to a policy in several scenes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinevla_ros.evaluation.bench.sentences import (
    Sentence,
    SentencesError,
    bench_sentences,
    lines,
    read_sentences,
    sentence_figures,
)


def test_a_sentence_counts_where_it_is_taken_as_meant_in_every_scene() -> None:
    found = [
        Sentence("move the bread", ("ask: direction",), 3),
        Sentence("push it", ("refuse",), 3),
        Sentence("move the bread forward", ("front",), 3),
        Sentence("bread to the front", ("front", "refuse"), 2),
    ]
    figures = sentence_figures(found, 3) | {"certainty": {}}
    assert [figures[kind]["rate"] for kind in ("way", "ask", "refuse")] == [0.5, 1.0, 1.0]
    assert figures["differs_by_scene"] == ["bread to the front"]
    assert "1 sentences differ between 3 scenes" in lines(figures)


def test_the_shipped_model_is_surest_of_no_other_words_by_much(tmp_path: Path) -> None:
    file, report = tmp_path / "said.tsv", tmp_path / "figures.json"
    file.write_text("sentence\tmeaning\nplease move the bread forward!\tfront\npush it\trefuse\n")
    assert bench_sentences(None, file, 1, 3, 0, report) == 0
    import json

    figures = json.loads(report.read_text())
    assert figures["way"]["rate"] == figures["refuse"]["rate"] == 1.0
    assert all(sure["own"] > 0.9 for sure in figures["certainty"].values())


def test_a_file_without_sentences_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "said.tsv"
    file.write_text("a\tb\n1\t2\n")
    with pytest.raises(SentencesError, match="sentence"):
        read_sentences(file)
