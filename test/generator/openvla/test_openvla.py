"""The published OpenVLA checkpoint becomes ours and gives what the original gives."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from openvla_fixture import FIXTURE, published, shard
from original_openvla import OpenVla
from safetensors.torch import load_file
from typer.testing import CliRunner

from kinevla_ros.base.files.state_dict import WeightsError
from kinevla_ros.base.files.tensor_file import TensorFileError
from kinevla_ros.cli import app
from kinevla_ros.generator.checkpoint import CheckpointError, load_generator
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.openvla.layout import LayoutError
from kinevla_ros.generator.openvla.openvla import convert_openvla
from kinevla_ros.generator.pictures.squares import pixels
from kinevla_ros.generator.weights import read_generator


@pytest.fixture(scope="module")
def expected() -> dict[str, torch.Tensor]:
    return load_file(FIXTURE / "expected.safetensors")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("openvla")
    convert_openvla(published(base / "published", files=3), base / "ours")
    return base / "ours"


@pytest.fixture(scope="module")
def model(converted: Path) -> OpenVla:
    return OpenVla(converted)


@torch.inference_mode()
def test_features_and_logits_are_those_of_the_original(model, expected) -> None:
    features, _ = model.generator.vision(expected["pixel_values"])
    wanted = torch.cat([expected["dino_features"], expected["siglip_features"]], dim=-1)
    # Processors round differently.
    assert (features - wanted).abs().max() <= 1e-5
    assert (model.generator.projector(features) - expected["projected"]).abs().max() <= 1e-5
    logits = model(input_ids=expected["input_ids"], pixel_values=expected["pixel_values"])
    assert logits.shape == expected["logits"].shape
    assert (logits - expected["logits"]).abs().max() <= 1e-4


@torch.inference_mode()
def test_a_second_image_comes_after_the_first_as_more_patch_tokens(model, expected) -> None:
    front = expected["pixel_values"]
    wrist = front.flip(-1)
    both = model(input_ids=expected["input_ids"], pixel_values=torch.cat([front, wrist], dim=1))
    patches = model.generator.config.image_tokens
    assert both.shape[1] == expected["logits"].shape[1] + patches
    alone = expected["logits"][:, : 1 + patches]
    torch.testing.assert_close(both[:, : 1 + patches], alone, atol=1e-4, rtol=0)


def test_weights_come_in_the_dtype_that_was_asked_for(converted) -> None:
    config = GeneratorConfig.load(converted)
    model = read_generator(converted, config, torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_a_converted_checkpoint_is_one_of_ours(converted) -> None:
    GeneratorConfig.load(converted).save(converted)
    generator, vocabulary = load_generator(converted)
    assert len(vocabulary) == generator.config.vocabulary_size


def test_images_are_resized_and_normalised_for_both_towers(model) -> None:
    image = pytest.importorskip("PIL.Image")
    config = model.generator.config
    picture = np.random.default_rng(0).integers(0, 256, (2, 240, 320, 3), dtype=np.uint8)
    given = pixels(config, picture)
    assert given.shape == (2, 6, 224, 224)
    for tensor, array in zip(given, picture, strict=True):
        resized = image.fromarray(array).resize((224, 224), image.Resampling.BICUBIC)
        unit = torch.from_numpy(np.asarray(resized) / 255).permute(2, 0, 1)
        dino = (unit - torch.tensor([0.484375, 0.455078125, 0.40625]).view(3, 1, 1)) / (
            torch.tensor([0.228515625, 0.2236328125, 0.224609375]).view(3, 1, 1)
        )
        # One grey level: Pillow and torch round a few values differently.
        assert (tensor[:3] - dino).abs().max() < 1.01 / 255 / 0.22
        assert (tensor[3:] - (2 * unit - 1)).abs().max() < 2.01 / 255
        assert (tensor[3:] - (2 * unit - 1)).abs().mean() < 1e-4


def test_normalisation_follows_the_checkpoints_own_preprocessor(tmp_path, converted) -> None:
    source = published(tmp_path / "published")
    stated = {"means": [[0.1, 0.2, 0.3], [0.5] * 3], "stds": [[0.2] * 3, [0.5] * 3]}
    (source / "preprocessor_config.json").write_text(json.dumps(stated))
    convert_openvla(source, tmp_path / "ours")
    config = GeneratorConfig.load(tmp_path / "ours")
    black = pixels(config, np.zeros((1, 224, 224, 3), np.uint8))
    torch.testing.assert_close(black[0, :, 0, 0], torch.tensor([-0.5, -1, -1.5, -1, -1, -1]))


POINTERS = {
    "pointer shard": "model-00001-of-00003.safetensors",
    "pointer index": "model.safetensors.index.json",
    "pointer config": "config.json",
}


def broken(folder: Path, how: str) -> None:
    """Spoil a published folder in one way."""
    config = json.loads((folder / "config.json").read_text())
    index = folder / "model.safetensors.index.json"
    first, second, _ = sorted(folder.glob("model-*.safetensors"))
    tensors = load_file(first)
    if how == "other model":
        (folder / "config.json").write_text(json.dumps(config | {"model_type": "llava"}))
    elif how == "other towers":
        changed = config | {"vision_backbone_id": "clip-vit-l"}
        (folder / "config.json").write_text(json.dumps(changed))
    elif how == "no config":
        (folder / "config.json").unlink()
    elif how == "config cut":
        (folder / "config.json").write_text("{")
    elif how == "shard missing":
        second.unlink()
    elif how == "shards swapped":
        kept = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(kept)
    elif how == "shard cut":
        first.write_bytes(first.read_bytes()[:-100])
    elif how == "header cut":
        first.write_bytes(first.read_bytes()[:50])
    elif how == "not safetensors":
        first.write_bytes(b"PK\x03\x04" + bytes(1000))
    elif how == "index cut":
        index.write_text(index.read_text()[:40])
    elif how == "pickle only":
        index.unlink()
        for path in folder.glob("model-*.safetensors"):
            path.rename(folder / "pytorch_model.bin")
    elif how in POINTERS:
        (folder / POINTERS[how]).write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 6948961960\n"
        )
    elif how == "adapters beside":
        (folder / "adapter_config.json").write_text("{}")
    elif how == "heads beside":
        (folder / "action_head--150000_checkpoint.pt").touch()
    elif how == "single file beside shards":
        (folder / "model.safetensors").write_bytes(first.read_bytes())
    elif how == "shard too long":
        first.write_bytes(first.read_bytes() + bytes(7))
    elif how == "heads unknown":
        (folder / "fixture.json").unlink()
    else:
        spoilt_tensors(folder, tensors, how)


def spoilt_tensors(folder: Path, tensors: dict[str, torch.Tensor], how: str) -> None:
    """Spoil names or shapes, the index in agreement."""
    tensors = load_file(FIXTURE / "model.safetensors")
    name = "language_model.model.layers.1.mlp.up_proj.weight"
    if how == "tensor renamed":
        tensors["language_model.model.layers.1.mlp.other.weight"] = tensors.pop(name)
    elif how == "tensor missing":
        del tensors[name]
    elif how == "shape wrong":
        tensors[name] = tensors[name][:-1]
    elif how == "tower missing":
        tensors = {k: v for k, v in tensors.items() if "fused_featurizer" not in k}
    elif how == "mixed":
        tensors[name] = tensors[name].to(torch.bfloat16)
    elif how == "8 bits":
        tensors[name] = tensors[name].to(torch.int8)
    elif how == "fp8":
        tensors[name] = tensors[name].to(torch.float8_e4m3fn)
    elif how == "8 bits of bitsandbytes":
        tensors[name] = tensors[name].to(torch.uint8)
        tensors[f"{name.removesuffix('weight')}SCB"] = torch.ones(4)
    elif how == "adapters inside":
        tensors[f"base_model.model.{name.replace('weight', 'lora_A.weight')}"] = torch.ones(4, 4)
    shard(tensors, folder, 3)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("other model", LayoutError, "OpenVLA"),
        ("other towers", LayoutError, "vision_backbone_id"),
        ("no config", LayoutError, "config.json is missing"),
        ("config cut", LayoutError, "config.json is damaged"),
        ("shard missing", LayoutError, "00002-of-00003.safetensors missing"),
        ("shards swapped", LayoutError, "mixed up or renamed"),
        ("shard cut", TensorFileError, "100 are missing: it was cut short"),
        ("shard too long", TensorFileError, "7 too many follow"),
        ("pointer shard", LayoutError, r"00001-of.*git-lfs.*git lfs pull"),
        ("pointer index", LayoutError, r"index\.json is a pointer of git-lfs"),
        ("pointer config", LayoutError, r"config\.json is a pointer of git-lfs"),
        ("adapters beside", LayoutError, r"not merged.*merge_and_unload"),
        ("adapters inside", LayoutError, r"lora_A.*not merged.*merge_and_unload"),
        ("heads beside", LayoutError, r"action_head.*OpenVLA-OFT.*start from openvla-7b"),
        ("single file beside shards", LayoutError, "nothing says which"),
        ("mixed", LayoutError, r"float32 and .*bfloat16; save the model in one"),
        ("8 bits", TensorFileError, "I8, of a model rounded to 8 bits"),
        ("fp8", TensorFileError, "F8_E4M3, of a model rounded"),
        ("8 bits of bitsandbytes", LayoutError, "rounded to 8 or 4 bits"),
        ("header cut", TensorFileError, "header"),
        ("not safetensors", TensorFileError, "no safetensors header"),
        ("index cut", LayoutError, "index.json is damaged"),
        ("pickle only", LayoutError, "pickle files are never loaded"),
        ("heads unknown", LayoutError, "attention heads"),
        ("tensor renamed", WeightsError, r"mlp\.other\.weight is unknown"),
        ("tensor missing", WeightsError, r"mlp\.up_proj\.weight is missing"),
        ("shape wrong", WeightsError, r"\[127, 64\]"),
        ("tower missing", LayoutError, "fused_featurizer"),
    ],
)
def test_a_wrong_cut_or_renamed_file_is_refused_by_name(tmp_path, how, error, message) -> None:
    source = published(tmp_path / "published", files=3)
    broken(source, how)
    with pytest.raises(error, match=message):
        convert_openvla(source, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_a_checkpoint_is_not_written_over(tmp_path) -> None:
    source = published(tmp_path / "published")
    with pytest.raises(LayoutError, match="already holds"):
        convert_openvla(source, source)


def test_a_converted_folder_without_tokenizer_says_what_to_copy(tmp_path) -> None:
    convert_openvla(FIXTURE, tmp_path / "ours")
    with pytest.raises(CheckpointError, match=r"copy tokenizer\.json"):
        load_generator(tmp_path / "ours")


def test_the_command_converts_or_says_why_not(tmp_path) -> None:
    run = CliRunner().invoke
    arguments = ["convert-openvla", str(FIXTURE), str(tmp_path / "ours")]
    assert run(app, arguments).exit_code == 0
    assert (tmp_path / "ours" / "model.safetensors").is_file()
    again = run(app, arguments)
    assert again.exit_code == 1
    assert "already holds" in again.output


def test_converting_and_loading_take_little_more_memory_than_one_copy(tmp_path) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory is read from Linux' /proc")
    source = published(tmp_path / "published")
    tensors = enlarged(load_file(source / "model.safetensors"))
    (source / "model.safetensors").unlink()
    shard(tensors, source, 2)
    size = sum(path.stat().st_size for path in source.glob("model-*"))
    # In float32; one copy in bfloat16 is half of it.
    copy, largest = size / 2, max(t.nbytes for t in tensors.values())
    assert peak(lambda: convert_openvla(source, tmp_path / "ours")) < 1.2 * copy
    config = GeneratorConfig.load(tmp_path / "ours")
    load = partial(read_generator, tmp_path / "ours", config, torch.bfloat16)
    assert peak(load) < 1.2 * copy + largest


def enlarged(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The fixture with a language model of 110 MB in float32."""
    width, rows = 768, 8_000
    grown = {}
    for name, tensor in tensors.items():
        if name.startswith("language_model") or name.startswith("projector.fc3"):
            tensor = tensor.new_zeros([_grown(n, width, rows) for n in tensor.shape])
        elif name.startswith("projector.fc2"):
            tensor = tensor.new_zeros([_grown(tensor.shape[0], width, rows), *tensor.shape[1:]])
        grown[name] = tensor
    return grown


def _grown(extent: int, width: int, rows: int) -> int:
    return {64: width, 128: 2 * width, 576: rows}[extent]


def peak(work) -> int:
    """Bytes of memory that the work takes on top of what the process has."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(key: str) -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(key))
    return 1024 * int(line.split()[1])
