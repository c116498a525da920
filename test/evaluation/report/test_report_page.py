"""The report folder: everything a reader needs, in files that need nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sacrebleu")

from episode_results import result
from shipped_tasks import TASKS

from kinevla_ros.base.resources import resource_path
from kinevla_ros.codec.contract import Contract
from kinevla_ros.evaluation.report.plots import confusion_plot, rates_plot
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite import evaluate as command
from kinevla_ros.evaluation.suite.codes import code_usage
from kinevla_ros.evaluation.suite.episode import EpisodeSetup
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.language.tokenizer.vocabulary import LEVELS
from kinevla_ros.sim.cell.variation import Variation

VIDEO = "carrot_upper_right_trial000.mp4"
CODES = (1, 2, 3, 4), (1, 5, 3, 4), (1, 2, 3, 127)


class Sources(HTMLParser):
    """Everything that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = ("src", "href", "xlink:href")
        inside = ("#", "data:")
        self.found += [v for n, v in attrs if n in names and v and not v.startswith(inside)]


def run(model: Path, plan: list[EpisodeSetup], workers: int, inspect: Path) -> object:
    (inspect / VIDEO).touch()
    for number, episode in enumerate(plan):
        found = result(episode, kept=number % 3 > 0)
        yield replace(found, worded=TASKS[0]) if episode.intervention else found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")

    patch = pytest.MonkeyPatch()
    patch.setattr(command, "run_checkpoint", run)
    lights = Variation("lights", 0.5), Variation("lights", 2.0)
    settings = EvaluationSettings(
        trials=2, interventions=("mismatched",), variations=lights, paired=True
    )
    model = resource_path("models", "kinevla-tiny")
    assert command.evaluate(model, settings, report=folder) == 0
    patch.undo()
    return folder


def test_the_page_stands_alone_but_for_the_videos_beside_it(report: Path) -> None:
    parser = Sources()
    parser.feed((report / "index.html").read_text())
    assert parser.found == [f"failures/{VIDEO}"]
    assert (report / parser.found[0]).is_file()
    assert (report / "index.html").stat().st_size < 500_000


def test_every_plot_is_a_well_formed_picture(report: Path) -> None:
    pictures = re.findall(r"<svg.*?</svg>", (report / "index.html").read_text(), re.DOTALL)
    assert len(pictures) >= 7
    for picture in pictures:
        ElementTree.fromstring(picture)


def test_the_figures_beside_the_page_hold_every_condition(report: Path) -> None:
    content = json.loads((report / "figures.json").read_text())
    assert content["episodes"] == 14
    assert set(content["conditions"]) == {"mismatched", "lights", "lights 2"}
    assert content["language_sensitivity"]["one_word_followed"]["n"] == 14
    assert content["reasoning"]["episodes"]["bleu"]["both"] == pytest.approx(1.0)
    assert content["codes"]["goal 1"]["perplexity"] == pytest.approx(1.0)
    assert set(content["codes"]) == {f"{stack} {i}" for stack in LEVELS for i in (1, 2, 3)}
    assert content["conditions"]["lights 2"]["strength"] == 2.0
    page = (report / "index.html").read_text()
    assert "every light is 200% as bright" in page and "light, of the usual" in page
    for heading in ("Success", "carried out", "mismatched", "reworded", "Latency", "Failures"):
        assert heading in page


def test_perplexity_counts_the_entries_that_are_used_alike() -> None:
    found = code_usage([result(EpisodeSetup(TASKS[0], 1, 0), codes=CODES)], Contract())
    assert found["goal 1"]["perplexity"] == pytest.approx(1.0)
    assert found["kinematics 2"]["perplexity"] == pytest.approx(
        np.exp(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)))
    )
    assert sum(found["goal 2"]["counts"]) == 3
    assert code_usage([], Contract())["goal 1"]["perplexity"] == 0.0


def test_a_plot_shows_what_was_not_clearly_done() -> None:
    episodes = [result(EpisodeSetup(c, 1, 0), kept=i % 2 > 0) for i, c in enumerate(TASKS)]
    assert "nothing clear" in confusion_plot(episodes, "side")
    assert "<svg" in rates_plot({"none": {"goal": Rate(0, 0)}})


@pytest.mark.parametrize(
    ("report", "inspect"),
    [(None, "videos"), ("report", "videos"), ("report", "report/failures"), ("both", "both")],
)
def test_videos_of_failures_go_where_they_are_asked_for_and_to_the_report(
    report: str | None, inspect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "run_checkpoint", run)
    monkeypatch.setattr(command, "_words", lambda *_: {})
    page = tmp_path / report if report else None
    model = resource_path("models", "kinevla-tiny")
    settings = EvaluationSettings(trials=1)
    assert command.evaluate(model, settings, inspect=tmp_path / inspect, report=page) == 0
    assert [path.name for path in (tmp_path / inspect).glob("*.mp4")] == [VIDEO]
    assert page is None or (page / "failures" / VIDEO).is_file()
