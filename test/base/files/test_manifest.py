"""A checkpoint's files are those that it was written with, or nothing is loaded."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from kinevla_ros.base.files import manifest
from kinevla_ros.base.files.manifest import (
    ManifestError,
    add_to_manifest,
    checked,
    digest,
    write_manifest,
)
from kinevla_ros.base.files.tensor_file import save_tensors
from kinevla_ros.base.resources import resource_path
from kinevla_ros.cli import app
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.codec.contract import ContractError
from kinevla_ros.generator.checkpoint import CheckpointError, load_decoder, load_generator
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.depth_head import DepthHead, load_depth_head


@pytest.fixture(scope="module")
def shipped() -> Path:
    return resource_path("models", "kinevla-tiny")


@pytest.fixture
def copy(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "model"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "other"):
        (tmp_path / name).write_text(name)
    write_manifest(tmp_path)
    return tmp_path


def flip(path: Path, place: int) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_the_shipped_checkpoint_lists_all_its_files(shipped: Path) -> None:
    listed = {name for name in os.listdir(shipped) if name not in (".lock", "README.md")}
    for name in listed - {manifest.FILE_NAME}:
        assert checked(shipped, name) == shipped / name


@pytest.mark.parametrize("name", ["decoder.onnx", "kinevla.json"])
def test_a_decoder_with_one_flipped_bit_is_refused(copy: Path, name: str) -> None:
    config = GeneratorConfig.load(copy)
    flip(copy / name, -100)
    with pytest.raises(CheckpointError, match=rf"{name} is damaged: its SHA-256"):
        load_decoder(copy, config)


def test_weights_with_one_flipped_bit_are_refused(copy: Path) -> None:
    flip(copy / "model.safetensors", -100)
    with pytest.raises(CheckpointError, match="kinevla manifest"):
        load_generator(copy)


def test_a_codec_with_one_flipped_bit_is_refused(copy: Path) -> None:
    flip(copy / "codec.json", -10)
    with pytest.raises(ContractError, match=r"codec\.json is damaged: its SHA-256"):
        load_codec(copy)


def test_a_checkpoint_without_manifest_is_refused_with_the_command_that_writes_it(copy) -> None:
    (copy / manifest.FILE_NAME).unlink()
    with pytest.raises(CheckpointError, match=f"kinevla manifest {copy}"):
        load_generator(copy)
    assert CliRunner().invoke(app, ["manifest", str(copy)]).exit_code == 0
    load_decoder(copy, GeneratorConfig.load(copy))


def test_the_command_refuses_what_is_no_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["manifest", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "is no folder" in result.output
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2}', '{"version": 1, "sha256": {"one": "abc"}}', "[" * 100_000],
)
def test_a_damaged_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / manifest.FILE_NAME).write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json"):
        checked(folder, "one")


def test_a_file_that_came_later_is_loaded_only_once_it_is_listed(folder: Path) -> None:
    (folder / "third").write_text("third")
    with pytest.raises(ManifestError, match="does not list third"):
        checked(folder, "third")
    add_to_manifest(folder, "third")
    assert checked(folder, "third").read_text() == "third"


def test_adding_a_file_does_not_take_a_changed_one_for_whole(folder: Path) -> None:
    (folder / "one").write_text("changed")
    (folder / "third").write_text("third")
    add_to_manifest(folder, "third")
    with pytest.raises(ManifestError, match="one is damaged"):
        checked(folder, "one")


def test_a_depth_head_joins_the_manifest(copy: Path) -> None:
    config = GeneratorConfig.load(copy)
    DepthHead(config).save(copy)
    load_depth_head(copy, config, torch.float32, "cpu")
    flip(copy / "depth_head.safetensors", -1)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_depth_head(copy, config, torch.float32, "cpu")


def test_a_large_file_is_hashed_once_until_it_changes(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(manifest, "REMEMBERED_FROM", 1)
    path, hashed = tmp_path / "weights", []
    algorithm = manifest.hashlib.sha256

    def counted(data: bytes = b"") -> object:
        hashed.append(not data)
        return algorithm(data)

    monkeypatch.setattr(manifest.hashlib, "sha256", counted)
    path.write_bytes(b"weights")
    assert digest(path) == digest(path) == algorithm(b"weights").hexdigest()
    assert sum(hashed) == 1
    path.write_bytes(b"WEIGHTS")
    assert digest(path) == algorithm(b"WEIGHTS").hexdigest()
    assert sum(hashed) == 2


def test_without_a_cache_folder_a_large_file_is_hashed_every_time(tmp_path, monkeypatch) -> None:
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(manifest, "REMEMBERED_FROM", 1)
    (tmp_path / "weights").write_bytes(b"weights")
    assert digest(tmp_path / "weights") == digest(tmp_path / "weights")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused_by_name(copy: Path, value: float) -> None:
    for file, name in (
        ("model.safetensors", "language.lm_head.weight"),
        ("codec.safetensors", "decoder.0.bias"),
    ):
        tensors = load_file(copy / file)
        tensors[name].view(-1)[7] = value
        save_tensors(copy / file, tensors)
    write_manifest(copy)
    with pytest.raises(CheckpointError, match=r"language\.lm_head\.weight holds NaN or infinity"):
        load_generator(copy)
    with pytest.raises(ContractError, match=r"decoder\.0\.bias holds NaN or infinity"):
        load_codec(copy)
