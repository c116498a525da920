"""Every baseline is the product's own code with few settings changed, and gives a chunk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from few_moments import few_moments
from random_samples import random_samples
from rich.console import Console
from safetensors.torch import load_file
from shipped_tasks import TASKS, shipped_vocabulary
from small_generator import small_config

from kinevla_ros.base.chunk import HORIZON
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.base.observation import Observation
from kinevla_ros.codec.bins import BINS, BinCodec
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.codec.statistics import ActionStatistics
from kinevla_ros.evaluation.ablation import ablate as command
from kinevla_ros.evaluation.ablation.table import table
from kinevla_ros.evaluation.ablation.variant_policies import (
    HeadPolicy,
    NoReasoningPolicy,
    open_variant,
)
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.generator.checkpoint import load_contract
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.training.codec.stages import CodecSettings
from kinevla_ros.training.generator import batches
from kinevla_ros.training.generator.batches import GeneratorSettings
from kinevla_ros.training.generator.motion_heads import NUMBERS, FlowHead
from kinevla_ros.training.pipeline import CODEC
from kinevla_ros.training.variants.run import Study, train_variant
from kinevla_ros.training.variants.variants import BILEVEL, VARIANTS, chosen
from kinevla_ros.training.variants.without_reasoning import InstructionBatches

INSTRUCTION = "hold the carrot by the upper part and place it on the right side of the plate"
IMAGES = {name: np.full((240, 320, 3), 90, np.uint8) for name in ("front", "wrist")}
HOME = np.array([0.0, 0.16, 0.0, 1.54, 0.0, 1.44, 0.0])
BY_NAME = {variant.name: variant for variant in VARIANTS}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    vocabulary = shipped_vocabulary()
    return Study(
        random_samples(),
        tmp_path_factory.mktemp("ablation"),
        GeneratorSettings(steps=2, batch_size=4, warmup=1),
        CodecSettings(goal_steps=4, kinematics_steps=4, warmup_steps=2, batch_size=32),
        base=lambda size: replace(small_config(vocabulary), vocabulary_size=size),
    )


@pytest.fixture(scope="module")
def trained(study: Study) -> dict[str, Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "PHRASINGS", 4)
        return {variant.name: train_variant(variant, study) for variant in VARIANTS}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_variant_gives_a_chunk_as_the_policy_does(trained: dict[str, Path], name: str) -> None:
    variant = BY_NAME[name]
    policy = open_variant(variant, trained[name])
    # Two batches teach no words; those that shall be written are given.
    words = Override.naming(TASKS[0]) if variant.words else None
    policy.reset()
    given = policy.infer(INSTRUCTION, Observation(IMAGES, HOME, 0.07, 3.0), words)
    assert given.chunk.stamp == 3.0
    assert given.chunk.sequence == given.sequence == 1
    assert given.chunk.positions.shape == (HORIZON, 7)
    assert ((given.chunk.gripper >= 0) & (given.chunk.gripper <= 0.07 + 1e-6)).all()
    described = json.loads((trained[name] / "variant.json").read_text())
    assert described["codes"] == len(given.goal_codes) + len(given.kinematics_codes)


def test_all_baselines_but_the_bins_and_the_heads_write_as_many_codes(
    trained: dict[str, Path],
) -> None:
    def codes(name: str) -> int:
        return json.loads((trained[name] / "variant.json").read_text())["codes"]

    same = [name for name in BY_NAME if name not in ("regression", "flow", "ik-grounded", "bins")]
    assert {codes(name) for name in same} == {CODEC.levels}
    assert codes("bins") == NUMBERS
    assert codes("flow") == codes("regression") == codes("ik-grounded") == 0


def test_without_its_kinematics_codes_a_motion_is_that_of_its_goal_codes(
    trained: dict[str, Path],
) -> None:
    whole, coarse = (
        OnnxDecoder(trained[name] / "decoder.onnx", load_contract(trained[name]))
        for name in ("bilevel", "goal-only")
    )
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 128, (2, 1, CODEC.levels))
    other[:, : CODEC.goal_levels] = one[:, : CODEC.goal_levels]
    assert not np.allclose(whole(one), whole(other))
    np.testing.assert_allclose(coarse(one), coarse(other))


def test_where_no_words_are_written_the_codes_read_the_instruction_and_learn_alone(
    study: Study,
) -> None:
    vocabulary = shipped_vocabulary()
    levels = CODEC.goal_levels, CODEC.kinematics_levels
    config = replace(small_config(vocabulary), goal_codes=levels[0], kinematics_codes=levels[1])
    codes = np.random.default_rng(0).integers(0, 128, (48, len(TASKS), 1, CODEC.levels))
    settings = replace(study.generator, refusal_share=0.0)
    batch = InstructionBatches(study.samples, codes, vocabulary, config, settings)(0)
    assert not batch.text.any()
    assert (batch.code.sum(dim=1) == CODEC.levels).all()
    for row in range(len(batch.tail)):
        said = batch.prompt[row][batch.prompt_segments[row] == Segment.INSTRUCTION][1:]
        read = batch.tail[row][batch.tail_segments[row] == Segment.READING]
        assert read.tolist() == said.tolist() * 2


def test_a_policy_without_words_tells_two_instructions_apart(trained: dict[str, Path]) -> None:
    other = INSTRUCTION.replace("upper", "lower")
    for name in ("no-reasoning", "regression", "flow", "ik-grounded"):
        policy = open_variant(BY_NAME[name], trained[name])
        assert isinstance(policy, NoReasoningPolicy | HeadPolicy)
        chunks = []
        for said in (INSTRUCTION, INSTRUCTION, other):
            policy.reset()
            given = policy.infer(said, Observation(IMAGES, HOME, 0.07, 0.0))
            chunks.append((given.chunk.positions, given.kinematics))
        np.testing.assert_array_equal(chunks[0][0], chunks[1][0])
        # Two batches may leave the codes alike; what they read is not.
        assert (chunks[0][0] != chunks[2][0]).any() or chunks[0][1] != chunks[2][1]


def test_a_baseline_moves_nothing_for_what_names_no_task(trained: dict[str, Path]) -> None:
    for name in ("no-reasoning", "bins", "regression"):
        policy = open_variant(BY_NAME[name], trained[name])
        with pytest.raises(NotUnderstood):
            policy.infer("make me a coffee", Observation(IMAGES, HOME, 0.07, 0.0))


def test_a_motion_falls_into_its_bins_and_back() -> None:
    chunks = random_samples().chunks[:, 0]
    codec = BinCodec(ActionStatistics.fit(chunks))
    codes = codec.encode(chunks)
    width = (codec.statistics.upper - codec.statistics.lower) / BINS
    middle = codec.statistics.lower + (codes.reshape(chunks.shape) + 0.5) * width
    assert (np.abs(middle - chunks) <= width / 2 + 1e-6).all()
    beyond = codec.encode(chunks * 100)
    assert beyond.min() >= 0
    assert beyond.max() < BINS


def test_the_flow_learns_which_of_two_motions_a_state_asks_for() -> None:
    torch.manual_seed(0)
    head = FlowHead(8)
    states = torch.randn(2, 2, 8)
    motions = torch.randn(2, 2, NUMBERS)
    optimiser = torch.optim.Adam(head.parameters(), 3e-3)
    for _ in range(400):
        optimiser.zero_grad()
        head.loss(states.repeat(16, 1, 1), motions.repeat(16, 1, 1)).backward()
        optimiser.step()
    with torch.no_grad():
        drawn = head.motion(states[:, 1])
    near, far = (drawn - motions[:, 1]).abs().mean(), (drawn - motions[:, 1].flip(0)).abs().mean()
    assert near < 0.3 * far


def fake_run(load: Any, plan: list[EpisodeSetup], workers: int) -> Iterator[EpisodeResult]:
    """What episodes might give; no simulation."""
    _, folder = load.args
    for episode in plan:
        yield EpisodeResult(
            episode=episode,
            instruction=episode.instruction,
            goal=True,
            constraints={"order": folder.name == BILEVEL.name},
            measures={},
            executed={},
            worded=None,
            as_worded=False,
            seconds=5.0,
            model_times=(0.05, 0.01),
            warm=(False, True),
            texts=(),
            codes=(),
            path=(),
            reasoning_correct=0,
            no_motion={},
            refused_chunks=0,
            fault=None,
        )


def test_the_table_has_a_row_for_each_and_a_second_run_trains_nothing(
    study: Study, trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "run_checkpoint", fake_run)
    monkeypatch.setattr(command, "record", few_moments)
    quiet = Console(quiet=True)
    some = chosen(["bilevel", "bins"])
    command.compare(study, some, 2, 1, quiet)
    before = {p: p.stat().st_mtime_ns for p in study.out.rglob("*.safetensors")}
    command.compare(study, VARIANTS[2:], 2, 1, quiet)
    rows = command.compare(study, VARIANTS[:2], 2, 1, quiet)
    assert before == {p: p.stat().st_mtime_ns for p in study.out.rglob("*.safetensors")}
    content = json.loads((study.out / "ablation.json").read_text())
    assert [row["name"] for row in content["variants"]] == [row["name"] for row in rows]
    assert [row["name"] for row in rows] == [variant.name for variant in VARIANTS]
    text = (study.out / "ablation.md").read_text()
    assert text == table(content)
    for variant in VARIANTS:
        [row] = [line for line in text.splitlines() if line.startswith(f"| {variant.name} |")]
        kept = variant == BILEVEL
        # 14 episodes: 14 of 14 and 0 of 14 by Wilson.
        assert ("| 100 (78 to 100) | -" if kept else "| 0 (0 to 22) | 100 (") in row
        assert variant.changes in text


def test_what_was_evaluated_in_the_same_scenes_is_not_evaluated_again(
    study: Study, trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def counted(load: Any, *rest: Any) -> Iterator[EpisodeResult]:
        runs.append(load.args[1].name)
        return fake_run(load, *rest)

    monkeypatch.setattr(command, "run_checkpoint", counted)
    monkeypatch.setattr(command, "record", few_moments)
    for trials in (3, 3, 4):
        command.compare(study, [BILEVEL], trials, 1, Console(quiet=True))
    assert runs == ["bilevel", "bilevel"]


def test_another_number_of_steps_needs_another_folder(
    study: Study, trained: dict[str, Path]
) -> None:
    command._require_same(study)
    longer = replace(study, generator=replace(study.generator, steps=3))
    with pytest.raises(ValueError, match="another --out"):
        command.compare(longer, [BILEVEL], 1, 1, Console(quiet=True))


def test_variants_can_start_from_one_eye_whatever_their_vocabulary(
    study: Study, trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PHRASINGS", 4)
    still = replace(study.generator, learning_rate=0.0)
    shown = replace(study, out=tmp_path, encoder=trained["bins"], generator=still)
    folder = train_variant(BY_NAME["regression"], shown)
    encoder, found = (load_file(f / "model.safetensors") for f in (trained["bins"], folder))
    for name in ("projector.0.weight", "state.1.weight"):
        assert torch.equal(found[name], encoder[name])
    assert not torch.equal(
        found["language.model.layers.0.mlp.up_proj.weight"],
        encoder["language.model.layers.0.mlp.up_proj.weight"],
    )
    assert study.identity() != shown.identity()


def test_an_unknown_variant_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"best.*there is bilevel, no-infonce"):
        chosen(["bilevel", "best"])


def test_what_cannot_run_is_named_and_ctrl_c_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ([tmp_path / "none"], tmp_path / "out", ["bilevel"], 1, 1, 0, 1)
    assert command.ablate(*asked) == 1
    assert "none" in capsys.readouterr().err.replace("\n", "")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "load_samples", lambda *_, **__: random_samples())
    monkeypatch.setattr(command, "compare", interrupted)
    assert command.ablate(*asked) == INTERRUPTED
    assert "the same command goes on" in capsys.readouterr().err.replace("\n", " ")
