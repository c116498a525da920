from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from demonstrations import write_sound
from safetensors.torch import load_file
from typer.testing import CliRunner

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.cli import app
from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.codec.checkpoint import WEIGHTS, load_codec
from kinevla_ros.codec.contract import ContractError

pytest.importorskip("tensorboard")

from kinevla_ros.training.codec import stages as trainer
from kinevla_ros.training.codec.stages import CodecSettings, train_codec

CONFIG = CodecConfig(codes_per_level=16, latent_dim=16, hidden_dim=64)
SETTINGS = CodecSettings(
    goal_steps=150, kinematics_steps=250, warmup_steps=50, batch_size=128, save_every=100
)


@pytest.fixture(scope="module")
def chunks() -> np.ndarray:
    """Smooth joint motion with a bend, and a gripper that switches in some chunks."""
    rng = np.random.default_rng(0)
    time = np.arange(1, 6)[None, :, None] / 5
    velocity = rng.normal(0, 0.2, (3000, 1, 2)) @ rng.normal(0, 1, (2, 7))
    bend = rng.normal(0, 0.05, (3000, 1, 1)) * np.ones(7)
    switch = rng.integers(1, 12, (3000, 1, 1))
    start = rng.integers(0, 2, (3000, 1, 1)).astype(bool)
    opening = 0.07 * (start ^ (np.arange(1, 6)[None, :, None] > switch))
    joints = velocity * time + bend * time**2
    return np.concatenate([joints, opening], axis=2).astype(np.float32)


@pytest.fixture(scope="module")
def trained(chunks: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("codec")
    train_codec(chunks, chunks, SETTINGS, folder, config=CONFIG, progress=False)
    return folder


def test_training_gives_codes_that_keep_the_motion(chunks, trained):
    codec = load_codec(trained)
    error = np.abs(codec.decode(codec.encode(chunks)) - chunks)[..., :7].mean()
    assert error < 0.25 * np.abs(chunks[..., :7]).mean()


def test_the_report_says_what_was_lost(trained):
    figures = json.loads((trained / "report.json").read_text())
    assert figures["chunks"] == 150
    assert figures["goal_code_stability"] == 1.0
    assert figures["exact_gripper"] > 0.5
    assert 0 <= figures["exact_switches"] <= 1
    assert len(figures["joint_error_mrad"]) == 7
    assert np.mean(figures["joint_error_mrad"]) < figures["goal_only_error_mrad"]
    assert all(perplexity > 8 for perplexity in figures["perplexity"])


def test_the_command_ends_with_a_table_and_names_the_folder(tmp_path):
    dataset, out = write_sound(tmp_path / "dataset", steps=50), tmp_path / "codec"
    words = ["train", "codec", "--dataset", str(dataset), "--out", str(out), "--steps", "30"]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "Codec on 8 chunks" in result.output
    assert "mean error at the last step, mrad" in result.output
    assert f"codec written to {out}" in result.output
    assert "CodecReport" not in result.output


def test_the_same_seed_gives_the_same_codec(chunks, trained, tmp_path):
    train_codec(chunks, chunks, SETTINGS, tmp_path, config=CONFIG, progress=False)
    assert load_codec(tmp_path).contract == load_codec(trained).contract


@pytest.mark.parametrize("killed_at", [130, 150, 320])
def test_a_killed_run_resumes_to_the_same_codec(chunks, trained, tmp_path, monkeypatch, killed_at):
    advance, steps = trainer._Run._advance, []

    def killed(run: trainer._Run) -> dict[str, torch.Tensor]:
        steps.append(1)
        if len(steps) > killed_at:
            raise KeyboardInterrupt
        return advance(run)

    monkeypatch.setattr(trainer._Run, "_advance", killed)
    with pytest.raises(KeyboardInterrupt):
        train_codec(chunks, chunks, SETTINGS, tmp_path, config=CONFIG, progress=False)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="go on with --resume"):
        train_codec(chunks, chunks, SETTINGS, tmp_path, config=CONFIG, progress=False)
    report = train_codec(
        chunks, chunks, SETTINGS, tmp_path, config=CONFIG, resume=True, progress=False
    )
    assert load_codec(tmp_path).contract == load_codec(trained).contract
    assert report.goal_code_stability == 1.0


def test_without_a_save_there_is_nothing_to_resume(chunks, tmp_path):
    with pytest.raises(FileNotFoundError, match="without --resume"):
        train_codec(chunks, chunks, SETTINGS, tmp_path, config=CONFIG, resume=True, progress=False)


def test_resuming_with_other_settings_is_refused(chunks, trained):
    with pytest.raises(ValueError, match="other settings"):
        train_codec(
            chunks,
            chunks,
            replace(SETTINGS, seed=1),
            trained,
            config=CONFIG,
            resume=True,
            progress=False,
        )


def test_training_leaves_the_caller_random_state_alone(chunks, tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    short = replace(SETTINGS, goal_steps=2, kinematics_steps=2, warmup_steps=1)
    train_codec(chunks, chunks, short, tmp_path, config=CONFIG, progress=False)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("shape", [(100, 5, 7), (100, 4, 8), (100, 8)])
def test_chunks_of_another_shape_are_refused(tmp_path, shape):
    with pytest.raises(ValueError, match="shape"):
        train_codec(
            *2 * [np.zeros(shape, np.float32)], SETTINGS, tmp_path, config=CONFIG, progress=False
        )


def test_too_few_chunks_are_refused(chunks, tmp_path):
    with pytest.raises(ValueError, match="record more"):
        train_codec(chunks[:16], chunks[:16], SETTINGS, tmp_path, config=CONFIG, progress=False)


def test_chunks_with_nan_are_not_encoded(chunks, trained):
    bad = chunks[:2].copy()
    bad[1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        load_codec(trained).encode(bad)


def test_a_codec_with_foreign_weights_is_refused(trained, tmp_path):
    from safetensors.torch import save_file

    weights = load_file(trained / WEIGHTS)
    weights["decoder.0.bias"] += 1e-3
    save_file(weights, tmp_path / WEIGHTS)
    (tmp_path / "codec.json").write_text((trained / "codec.json").read_text())
    write_manifest(tmp_path)
    with pytest.raises(ContractError, match="checksum"):
        load_codec(tmp_path)


def test_a_damaged_codec_is_refused(trained, tmp_path):
    (tmp_path / WEIGHTS).write_bytes((trained / WEIGHTS).read_bytes()[:500])
    (tmp_path / "codec.json").write_text((trained / "codec.json").read_text())
    write_manifest(tmp_path)
    with pytest.raises(ContractError, match="damaged"):
        load_codec(tmp_path)


def test_a_missing_codec_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=WEIGHTS):
        load_codec(tmp_path)
