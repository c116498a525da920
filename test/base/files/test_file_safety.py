"""Files are checked before memory is taken, stay in their folder, have one writer, stay whole."""

import errno
import json
import multiprocessing
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from kinevla_ros.base.files import atomic
from kinevla_ros.base.files.atomic import replacing, write_text
from kinevla_ros.base.files.damage import FileError, for_user
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.lock import FolderInUse, FolderLock, only_writer
from kinevla_ros.base.files.paths import inside
from kinevla_ros.base.files.state_dict import WeightsError
from kinevla_ros.base.files.tensor_file import TensorFile, TensorFileError, save_tensors
from kinevla_ros.cli import app
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.weights import load_weights


def tensor_file(path: Path, header: dict, data: bytes) -> Path:
    """Write a safetensors file with any header."""
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(begin: int, end: int, shape: list | None = None, dtype: str = "U8") -> dict:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape} | {
        "data_offsets": [begin, end]
    }


@pytest.mark.parametrize(
    "header",
    [
        {f"tensor{i}": entry(0, 64) for i in range(200)},
        {"one": entry(0, 40), "other": entry(30, 64)},
        {"one": entry(0, 30), "other": entry(40, 64)},
        {"one": entry(0, 1 << 50, [1 << 50])},
        {"one": entry(0, 64, [1 << 62, 1 << 62])},
        {"one": entry(0, 64, [-8, -8])},
        {"one": entry(0, 64, [64.0])},
        {"one": entry(0, 64, [True] * 64)},
        {"one": entry(0, 64, dtype="F8")},
        {"one": entry(0, 64), "__metadata__": {"step": 3}},
        {"one": []},
    ],
)
def test_a_header_that_lies_is_refused_before_anything_is_read(tmp_path: Path, header) -> None:
    path = tensor_file(tmp_path / "lie.safetensors", header, bytes(64))
    with pytest.raises(TensorFileError, match=r"lie\.safetensors is damaged"):
        TensorFile(path)


def test_a_header_nested_a_million_times_is_refused(tmp_path: Path) -> None:
    text = b'{"a":' * 1_000_000
    (tmp_path / "deep").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(TensorFileError, match="header cannot be read"):
        TensorFile(tmp_path / "deep")


def test_what_is_saved_is_what_the_library_reads(tmp_path: Path) -> None:
    tensors = {"a": torch.rand(3, 4), "b": torch.arange(5), "none": torch.empty(0, 3)}
    tensors["c"] = torch.tensor(1.5, dtype=torch.bfloat16)
    save_tensors(tmp_path / "ours", tensors, {"step": "3"})
    save_file(tensors, tmp_path / "theirs", {"step": "3"})
    for name in ("ours", "theirs"):
        with TensorFile(tmp_path / name) as file:
            assert file.metadata["step"] == "3"
            for key, tensor in tensors.items():
                assert torch.equal(file.read(key), tensor)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vision.depths", [1_000_000]),
        ("vision.depths", [64, 64, 64, 64]),
        ("vision.auto_map", {"AutoModel": "model.Evil"}),
        ("vision.model_type", "timm_wrapper"),
        ("language.num_hidden_layers", 10**9),
        ("language.num_attention_heads", 0),
        ("language.hidden_size", 1e9),
        ("language.attn_implementation", "kernels-community/flash-attn"),
        ("language.trust_remote_code", True),
        ("language.rms_norm_eps", float("inf")),
        ("image_size", 97 * 97),
        ("image_tokens", 8),
        ("codes_per_level", 10**12),
        ("goal_codes", True),
        ("state_dim", 101),
        ("cameras", 0),
        ("max_text_tokens", -1),
    ],
)
def test_a_configuration_that_no_generator_has_is_refused_by_the_field(field, value) -> None:
    config = GeneratorConfig.tiny(515)
    fields = {name: getattr(config, name) for name in config.__dataclass_fields__}
    part, _, name = field.rpartition(".")
    if part:
        fields[part] = {**fields[part], name: value}
    else:
        fields[name] = value
    with pytest.raises(ValueError, match=name):
        GeneratorConfig(**fields)


def test_weights_of_another_shape_are_refused_before_one_is_read() -> None:
    def never() -> None:
        raise AssertionError("a tensor was read")
        yield

    plan = {"language.lm_head.weight": torch.empty(1 << 30, 192, device="meta")}
    with pytest.raises(WeightsError):
        load_weights(GeneratorConfig.tiny(515), plan, never())


@pytest.mark.parametrize(
    "named", ["../secret", "/etc/passwd", "a/../../b", "http://host/x", "", ".", 3, None, "a\0b"]
)
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, named: object) -> None:
    with pytest.raises(FileError, match="names no file of this folder"):
        inside(tmp_path, named)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(FileError, match="link out of"):
        inside(tmp_path / "folder", "link")
    assert inside(tmp_path, "folder/../secret".replace("folder/../", "")).read_text() == "x"


def test_json_that_is_too_deep_too_large_or_no_object_is_refused(tmp_path: Path) -> None:
    for text in ("[" * 100_000, "[]", '{"a": NaN}', '{"a": Infinity}', '{"a": ', "\ud800"):
        (tmp_path / "file").write_text(text, errors="surrogatepass")
        with pytest.raises(FileError, match="is damaged"):
            read_object(tmp_path / "file", "copy it")
    (tmp_path / "file").write_text("{}" + " " * 100)
    with pytest.raises(FileError, match="more than 50 bytes"):
        read_object(tmp_path / "file", "copy it", largest=50)
    with pytest.raises(FileError, match="no regular file"):
        read_object(tmp_path, "copy it")


def test_a_second_writer_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(FolderInUse, match="another process writes to"):
        FolderLock(tmp_path)
    first.release()
    with only_writer(tmp_path):
        pass


def _hold(folder: str, ready: multiprocessing.Event) -> None:  # type: ignore[valid-type]
    FolderLock(Path(folder))
    ready.set()
    os.kill(os.getpid(), 9)


def test_a_writer_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), ready))
    process.start()
    process.join()
    assert ready.is_set()
    FolderLock(tmp_path).release()


ARGUMENTS = {
    "collect": ["--episodes", "1"],
    "train codec": ["--dataset", "x"],
    "train generator": ["--dataset", "x", "--codec", "x"],
    "train lora": ["--dataset", "x", "--codec", "x", "--base", "x"],
    "ablate": ["--dataset", "x"],
    "evaluate": ["--trials", "1"],
    "calibrate": ["--scenes", "1"],
    "manifest": [],
}


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        ("collect", "--out"),
        ("train codec", "--out"),
        ("train generator", "--out"),
        ("train lora", "--out"),
        ("ablate", "--out"),
        ("evaluate", "--report"),
        ("evaluate", "--inspect"),
        ("calibrate", "--report"),
        ("manifest", ""),
    ],
)
def test_every_command_leaves_a_folder_alone_that_another_writes_to(
    tmp_path: Path, verb: str, option: str
) -> None:
    given = [*verb.split(), *ARGUMENTS[verb], *([option] if option else []), str(tmp_path)]
    with only_writer(tmp_path):
        result = CliRunner().invoke(app, given)
        assert os.listdir(tmp_path) == [".lock"]
    assert result.exit_code == 1, result.output
    assert "another process writes to" in " ".join(result.output.split())


def test_a_write_that_fails_leaves_the_file_of_before(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "file"
    write_text(path, "before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "after")
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


def test_a_block_that_fails_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "file") as new:
        new.write_text("half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_reported_in_one_line_with_the_cure() -> None:
    said = for_user(OSError(errno.ENOSPC, "No space left\non device", "/x/resume.safetensors"))
    assert "\n" not in said
    assert "make room" in said
    assert "/x/resume.safetensors" in said


def test_an_error_of_many_lines_is_reported_in_one() -> None:
    said = for_user(ValueError("one\n\ttwo \ud800" + "x" * 10_000))
    assert said.startswith("one two")
    assert len(said) < 700
    said.encode()


def test_numbers_written_are_the_numbers_read(tmp_path: Path) -> None:
    values = {"a": torch.from_numpy(np.linspace(-1, 1, 7))}
    save_tensors(tmp_path / "file", values)
    with TensorFile(tmp_path / "file") as file:
        assert torch.equal(file.read("a"), values["a"])


def test_whoever_waits_for_a_folder_gets_it_one_after_the_other(tmp_path: Path) -> None:
    holders, most, turns = 0, 0, 0

    def work() -> None:
        nonlocal holders, most, turns
        for _ in range(50):
            with only_writer(tmp_path, wait=True):
                holders += 1
                most = max(most, holders)
                turns += 1
                holders -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, turns) == (1, 200)
    assert list(tmp_path.iterdir()) == []
