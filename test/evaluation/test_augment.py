"""A recorded episode in new scenes: what succeeds is kept, as what it is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from skill_world import write_demonstrations
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.checks.dataset import check_dataset
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.evaluation import augment as made
from kinevla_ros.sim.cell.judge import Judgement
from kinevla_ros.sim.demonstrations.collect import collect
from kinevla_ros.skills.planar import tool_path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recorded") / "dataset"
    collect(root, 1, seed=77)
    return root


@pytest.fixture(scope="module")
def more(recorded: Path) -> tuple[Path, tuple[int, Counter[str]]]:
    out = recorded.parent / "more"
    return out, made.augment(recorded, out, scenes=2, seed=5)


def test_what_is_made_can_be_trained_on_and_says_that_it_was_made(
    recorded: Path, more: tuple[Path, tuple[int, Counter[str]]]
) -> None:
    out, (kept, left_out) = more
    assert kept >= 1
    assert kept + left_out.total() == 2
    assert list(check_dataset(out)) == []
    dataset, source = DatasetReader(out), DatasetReader(recorded)
    assert {entry.instruction for entry in dataset.episodes} == {source.episodes[0].instruction}
    assert np.array_equal(dataset.frames["made"][:, 0], np.zeros(len(dataset.frames["made"])))
    assert set(dataset.frames["made"][:, 1]) <= {0, 1}
    facts = json.loads((out / "meta/made.json").read_text())
    assert facts == {"made_by": "kinevla augment", "source": "dataset", "seed": 5}
    with pytest.raises(DatasetError, match="holds a dataset already"):
        made.augment(recorded, out, scenes=1, seed=5)


def test_the_scenes_are_new_and_the_bread_goes_where_the_words_say(
    recorded: Path, more: tuple[Path, tuple[int, Counter[str]]]
) -> None:
    def bread(root: Path) -> tuple[np.ndarray, np.ndarray]:
        dataset = DatasetReader(root)
        column = dataset.frames["environment_state"][:, 8:10]
        spans = [entry.span for entry in dataset.episodes]
        return (
            np.array([column[span][0] for span in spans]),
            np.array([column[span][-1] - column[span][0] for span in spans]),
        )

    (shown, way), (starts, ways) = bread(recorded), bread(more[0])
    assert (np.linalg.norm(starts - shown[0], axis=1) > 1e-3).all()
    assert (np.linalg.norm(ways - way[0], axis=1) < 0.015).all()


def test_an_action_is_where_the_arm_is_sent_next(
    more: tuple[Path, tuple[int, Counter[str]]],
) -> None:
    dataset = DatasetReader(more[0])
    span = dataset.episodes[0].span
    state, action = dataset.frames["observation.state"][span], dataset.frames["action"][span]
    tool, sent = (tool_path(values[:, :7].astype(float))[0] for values in (state, action))
    ahead = np.linalg.norm(sent[:-2, :3] - tool[2:, :3], axis=1)
    assert np.median(ahead) < 0.01  # it gets there, a little late


def test_what_the_judge_refuses_is_not_kept(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Strict(made.Judge):
        def judgement(self) -> Judgement:
            return Judgement(goal=True, constraints={"side": False, "order": True})

    monkeypatch.setattr(made, "Judge", Strict)
    reason = r"none of 1 attempts.*1 times: judged as not done: side"
    with pytest.raises(DatasetError, match=reason):
        made.augment(recorded, tmp_path / "out", scenes=1, seed=5)
    assert not (tmp_path / "out/meta/info.json").exists()


def test_what_cannot_be_learnt_from_is_said_in_a_line(tmp_path: Path) -> None:
    root = write_demonstrations(tmp_path / "d")
    words = ["augment", str(root), "--out", str(tmp_path / "out"), "--episode", "4"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 1
    assert "has no episode 4; give 0 to 0" in answer.output
    assert not (tmp_path / "out").exists()
