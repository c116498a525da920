"""Options of the engine where they are used: in a policy and in its evaluation."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnxscript")
pytest.importorskip("sacrebleu")

import shutil

from episode_results import result
from sentences import FIXTURES
from shipped_tasks import TASKS
from small_openvla import small_openvla
from typer.testing import CliRunner

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.cli import app
from kinevla_ros.evaluation.suite import evaluate as command
from kinevla_ros.evaluation.suite import tried
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.generator.checkpoint import CheckpointError, load_generator
from kinevla_ros.generator.decoding.depth_head import DEPTH_HEAD_FILE, DepthHead
from kinevla_ros.generator.engine.quantised import Int8Linear
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.generator.policy import Policy

CARROT = "hold the carrot by the upper part and place it on the right side of the plate"
HOME = np.array([0.0, 0.16, 0.0, 1.54, 0.0, 1.44, 0.0])
IMAGES = {
    camera: np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8)
    for i, camera in enumerate(("front", "wrist"))
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small, and with a depth head at random."""
    folder = small_openvla(tmp_path_factory.mktemp("openvla"), CARROT, IMAGES)
    torch.manual_seed(0)
    DepthHead(load_generator(folder)[0].config).save(folder)
    return folder


def infer(policy: Policy) -> Inference:
    return policy.infer(CARROT, Observation(IMAGES, HOME, 0.05, 0.0))


@pytest.fixture(scope="module")
def plain(checkpoint: Path) -> Inference:
    return infer(Policy(checkpoint, device="cpu"))


def test_weights_of_8_bits_give_a_chunk_and_the_same_words(
    checkpoint: Path, plain: Inference
) -> None:
    policy = Policy(checkpoint, device="cpu", weights="int8")
    assert any(isinstance(part, Int8Linear) for part in policy.model.modules())
    policy.warm_up()
    given = infer(policy)
    assert (given.goal, given.kinematics) == (plain.goal, plain.kinematics)
    assert given.chunk.positions == pytest.approx(plain.chunk.positions, abs=0.1)


def test_a_depth_head_keeps_the_words_and_costs_one_pass_for_each_level(
    checkpoint: Path, plain: Inference
) -> None:
    policy = Policy(checkpoint, device="cpu", depth_head=True)
    given = [infer(policy) for _ in range(2)][-1]
    assert (given.goal, given.kinematics) == (plain.goal, plain.kinematics)
    assert given.passes == 2


def test_a_depth_head_asked_for_and_absent_is_refused_by_name(checkpoint: Path) -> None:
    (checkpoint / DEPTH_HEAD_FILE).rename(checkpoint / "elsewhere")
    try:
        assert infer(Policy(checkpoint, device="cpu"))
        with pytest.raises(CheckpointError, match=rf"{DEPTH_HEAD_FILE}.*kinevla train depth-head"):
            Policy(checkpoint, device="cpu", depth_head=True)
    finally:
        (checkpoint / "elsewhere").rename(checkpoint / DEPTH_HEAD_FILE)


def test_weights_that_the_device_does_not_have_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="fp8 weights want a GPU"):
        Policy(checkpoint, device="cpu", weights="fp8")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {"weights": None, "depth_head": False}),
        (["--weights", "int8", "--depth-head"], {"weights": "int8", "depth_head": True}),
    ],
)
def test_evaluate_runs_the_policy_with_its_options_and_names_them_in_the_figures(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    options: dict[str, object],
) -> None:
    asked: list[dict[str, object]] = []

    def make(folder: Path, **given: object) -> None:
        assert folder == checkpoint
        asked.append(given)

    def run(
        load: Callable[[], Policy], plan: list[EpisodeSetup], *_: object
    ) -> Iterator[EpisodeResult]:
        load()
        yield from (replace(result(episode), codes=((1, 2, 3, 4),)) for episode in plan)

    monkeypatch.setattr(tried, "Policy", make)
    monkeypatch.setattr(command, "run_checkpoint", run)
    report = tmp_path / "figures.json"
    given = ["--model", str(checkpoint), "--trials", "1", "--json", str(report), *words]
    answer = CliRunner().invoke(app, ["evaluate", *given])
    assert answer.exit_code == 0, answer.output
    assert asked == [options]
    assert options.items() <= json.loads(report.read_text()).items()


def test_workers_get_the_policy_with_its_options(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(load: Callable[[], Policy], *_: object) -> Iterator[EpisodeResult]:
        policy = pickle.loads(pickle.dumps(load))()
        assert any(isinstance(part, Int8Linear) for part in policy.model.modules())
        yield from ()

    monkeypatch.setattr(command, "run_checkpoint", run)
    settings = EvaluationSettings(trials=1, weights="int8", depth_head=True)
    assert command.evaluate(checkpoint, settings, workers=2) == 1
    assert "no episode was finished" in capsys.readouterr().err


def test_any_words_are_obeyed_only_where_they_are_accepted(
    checkpoint: Path, plain: Inference, tmp_path: Path
) -> None:
    """The model writes a way that its task set, another lab's, does not know."""
    folder = Path(shutil.copytree(checkpoint, tmp_path / "model"))
    shutil.copy(FIXTURES / "cup.yaml", folder / "tasks.yaml")
    write_manifest(folder)
    said = next(c.prompt for c in TASKS if c.say == CARROT)
    seen = Observation(IMAGES, HOME, 0.05, 0.0)
    with pytest.raises(NotUnderstood):
        Policy(folder, device="cpu").infer(said, seen)
    obeyed = Policy(folder, device="cpu", accept="any").infer(said, seen)
    assert (obeyed.goal, obeyed.kinematics) == (plain.goal, plain.kinematics)
    assert obeyed.instruction == said
    with pytest.raises(NotUnderstood, match="names no"):
        Policy(folder, device="cpu", accept="any").infer("take the cup by the rim", seen)


def test_a_tiny_model_accepts_known_words_only() -> None:
    with pytest.raises(ValueError, match="accept: known"):
        Policy(resource_path("models", "kinevla-tiny"), accept="any")
