"""Whatever a file holds, it is loaded or refused in one line that this package wrote."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import spoilt_bytes, spoilt_json, spoilt_safetensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openvla_fixture import FIXTURE, published
from small_datasets import SCHEMA, episode, write

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.manifest import FILE_NAME as MANIFEST
from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.files.state_dict import WeightsError
from kinevla_ros.base.files.tensor_file import TensorFileError
from kinevla_ros.base.resources import resource_path
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.codec.contract import ContractError
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.data.lerobot.metadata import DatasetError
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.generator.checkpoint import CheckpointError, load_decoder, load_generator
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.openvla.layout import LayoutError
from kinevla_ros.generator.openvla.openvla import convert_openvla
from kinevla_ros.generator.weights import skeleton

SEEDS = st.integers(0, 2**32)
FEWER = {"model.safetensors": 4, "tokenizer.json": 12}
"""Tries of the files that take longer to load."""


def tries(count: int) -> Callable:
    """The same ones each time."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def spoilt(path: Path, rng: random.Random) -> Iterator[None]:
    """The file spoilt inside the block, and as it was after it."""
    whole = path.read_bytes()
    how = {".json": spoilt_json, ".safetensors": spoilt_safetensors}.get(path.suffix, spoilt_bytes)
    if path.suffix == ".json" and rng.random() < 0.2:
        how = spoilt_bytes
    path.write_bytes(how(whole, rng))
    try:
        yield
    finally:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole)


def loads_or_is_refused(load: Callable[[], object], *own: type[Exception]) -> None:
    """Any other exception than the package's own fails the test."""
    try:
        load()
    except own as problem:
        assert "\n" not in str(problem)
        assert len(str(problem)) < 3000


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shipped = resource_path("models", "kinevla-tiny")
    return Path(shutil.copytree(shipped, tmp_path_factory.mktemp("hostile") / "model"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile") / "dataset"
    write(root, range(3))
    return root


def load_part(folder: Path, name: str, config: GeneratorConfig) -> None:
    """Load what a file belongs to."""
    if name.startswith("codec."):
        load_codec(folder)
    elif name in ("decoder.onnx", "kinevla.json"):
        load_decoder(folder, config)
    else:
        load_generator(folder)


@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "model.safetensors", "tokenizer.json", "codec.json", "codec.safetensors"),
        *("decoder.onnx", "kinevla.json"),
    ],
)
def test_a_checkpoint_with_a_spoilt_file_loads_or_is_refused(checkpoint: Path, name: str) -> None:
    config = GeneratorConfig.load(checkpoint)
    own = CheckpointError, ContractError

    @tries(FEWER.get(name, 15))
    @given(SEEDS)
    def run(seed: int) -> None:
        with spoilt(checkpoint / name, random.Random(seed)):
            write_manifest(checkpoint)
            loads_or_is_refused(lambda: load_part(checkpoint, name, config), *own)

    run()
    write_manifest(checkpoint)
    load_part(checkpoint, name, config)


@pytest.mark.parametrize("name", ["config.json", "kinevla.json", "decoder.onnx", "codec.json"])
def test_a_spoilt_file_that_the_manifest_knows_otherwise_is_always_refused(
    checkpoint: Path, name: str
) -> None:
    config = GeneratorConfig.load(checkpoint)
    whole = (checkpoint / name).read_bytes()

    @tries(5)
    @given(SEEDS)
    def run(seed: int) -> None:
        with spoilt(checkpoint / name, random.Random(seed)):
            if (checkpoint / name).read_bytes() != whole:
                with pytest.raises((CheckpointError, ContractError), match=name):
                    load_part(checkpoint, name, config)

    run()


@tries(12)
@given(SEEDS)
def test_a_spoilt_manifest_lets_nothing_else_be_loaded(checkpoint: Path, seed: int) -> None:
    with spoilt(checkpoint / MANIFEST, random.Random(seed)):
        own = CheckpointError, ContractError
        loads_or_is_refused(lambda: load_codec(checkpoint), *own)
        loads_or_is_refused(lambda: GeneratorConfig.load(checkpoint), FileError)


@pytest.mark.parametrize("name", ["config.json", "fixture.json", "model.safetensors.index.json"])
def test_a_published_folder_with_a_spoilt_file_loads_or_is_refused(tmp_path, name: str) -> None:
    source = published(tmp_path / "published", files=3, patches=16)
    target = tmp_path / "ours"
    own = LayoutError, TensorFileError, WeightsError

    @tries(6)
    @given(SEEDS)
    def run(seed: int) -> None:
        with spoilt(source / name, random.Random(seed)):
            shutil.rmtree(target, ignore_errors=True)
            loads_or_is_refused(lambda: convert_openvla(source, target), *own)

    run()


def read_all(root: Path) -> None:
    """Everything that a training, and a recording that goes on, reads."""
    reader = DatasetReader(root)
    assert len(reader.frames["index"]) == reader.info["total_frames"]
    for camera in reader.cameras:
        for _ in reader.iter_video(camera):
            pass
    DatasetWriter.open(root, SCHEMA).close()


@pytest.mark.parametrize(
    "pattern",
    [
        *("meta/info.json", "meta/stats.json", "meta/tasks.parquet", "meta/episodes/*/*-000*"),
        *("data/*/*-001*", "videos/*front/*/*-000.mp4"),
    ],
)
def test_a_dataset_with_a_spoilt_file_is_read_or_refused(dataset: Path, pattern: str) -> None:
    (path,) = dataset.glob(pattern)

    @tries(12)
    @given(SEEDS)
    def run(seed: int) -> None:
        with spoilt(path, random.Random(seed)):
            loads_or_is_refused(lambda: read_all(dataset), DatasetError)

    run()
    read_all(dataset)


COLUMNS = [
    [None] * 6,
    [-1] * 6,
    [2**40] * 6,
    [float("nan")] * 6,
    [float("inf")] * 6,
    ["../../x"] * 6,
    [[1.0]] * 6,
    [[float("nan")] * 8] * 6,
    [[1.0] * 8] * 5 + [[1.0] * 7],
    [[]] * 6,
    [True] * 6,
]


@pytest.mark.parametrize("pattern", ["meta/tasks.parquet", "meta/episodes/*/*", "data/*/*"])
def test_a_table_with_another_column_is_read_or_refused(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, range(1))
    (path,) = tmp_path.glob(pattern)
    whole = pq.read_table(path)
    named = [n for n in whole.column_names if not n.startswith("stats/")]
    for number, name in enumerate(named):
        for values in COLUMNS[number % 3 :: 3]:
            column = pa.array(values[-whole.num_rows :])
            pq.write_table(whole.set_column(whole.column_names.index(name), name, column), path)
            loads_or_is_refused(lambda: read_all(tmp_path), DatasetError)
        pq.write_table(whole.remove_column(whole.column_names.index(name)), path)
        loads_or_is_refused(lambda: DatasetReader(tmp_path).frames, DatasetError)
    pq.write_table(whole, path)
    read_all(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("video_path", "http://127.0.0.1:9/{video_key}.mp4"),
        ("video_path", "concat:/etc/passwd"),
        ("video_path", "../{video_key}/{chunk_index}/{file_index}.mp4"),
        ("data_path", "/etc/{chunk_index}{file_index}"),
        ("data_path", "data/{chunk_index:>1000000000}"),
        ("data_path", "{chunk_index.__class__.__mro__}"),
    ],
)
def test_a_dataset_names_no_file_outside_its_folder(tmp_path: Path, field, value) -> None:
    write(tmp_path, range(1))
    info = tmp_path / "meta" / "info.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {field: value}))
    with pytest.raises(DatasetError, match=field):
        DatasetReader(tmp_path)


@pytest.mark.parametrize(
    "pattern",
    ["videos/*front/*/*.mp4", "data/*/*", "meta/*/*/*", "meta/info.json", "meta/tasks.parquet"],
)
def test_a_dataset_with_a_link_out_of_its_folder_is_refused(tmp_path: Path, pattern: str) -> None:
    root = tmp_path / "dataset"
    write(root, range(1))
    (path,) = root.glob(pattern)
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(DatasetError, match="link out of"):
        read_all(root)


def test_a_list_of_addresses_that_calls_itself_a_video_is_not_fetched(tmp_path: Path) -> None:
    write(tmp_path, range(1))
    (path,) = tmp_path.glob("videos/*front/*/*.mp4")
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")
    with pytest.raises(DatasetError, match="Invalid data"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    "place", ["../outside.safetensors", "/outside.safetensors", "http://host/x.safetensors"]
)
def test_an_index_names_no_file_outside_its_folder(tmp_path: Path, place: str) -> None:
    source = published(tmp_path / "published", files=3)
    shutil.copyfile(FIXTURE / "model.safetensors", tmp_path / "outside.safetensors")
    index = source / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"] = dict.fromkeys(content["weight_map"], place)
    index.write_text(json.dumps(content))
    with pytest.raises(LayoutError, match="names no file of this folder"):
        convert_openvla(source, tmp_path / "ours")


def test_what_a_published_config_says_of_code_reaches_no_loader(tmp_path: Path) -> None:
    source = published(tmp_path / "published", patches=16)
    config = json.loads((source / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil--model.Evil"}
    config["text_config"]["attn_implementation"] = "kernels-community/flash-attn"
    (source / "config.json").write_text(json.dumps(config))
    convert_openvla(source, tmp_path / "ours")
    language = skeleton(GeneratorConfig.load(tmp_path / "ours")).language
    assert language.config._attn_implementation == "sdpa"


def test_a_tokenizer_with_a_pattern_that_is_not_known_is_refused(checkpoint: Path) -> None:
    path = checkpoint / "tokenizer.json"
    whole = path.read_bytes()
    content = json.loads(whole)
    content["pre_tokenizer"]["pretokenizers"][1]["pattern"] = {"Regex": "(" * 3000 + ")" * 3000}
    path.write_text(json.dumps(content))
    write_manifest(checkpoint)
    with pytest.raises(CheckpointError, match="regular expression"):
        load_generator(checkpoint)
    path.write_bytes(whole)
    write_manifest(checkpoint)


def test_a_decoder_whose_weights_are_no_numbers_is_refused_by_name(checkpoint, tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(checkpoint / "decoder.onnx")
    tensor = next(t for t in model.graph.initializer if t.name.endswith("decoder.0.bias"))
    values = np.frombuffer(tensor.raw_data, np.float32).copy()
    values[3] = np.nan
    tensor.raw_data = values.tobytes()
    onnx.save(model, tmp_path / "nan.onnx")
    with pytest.raises(ContractError, match=r"decoder\.0\.bias holds NaN or infinity"):
        OnnxDecoder(tmp_path / "nan.onnx")


@pytest.mark.parametrize("how", ["external", "operator", "graph"])
def test_a_decoder_that_asks_for_more_than_decoding_is_refused(checkpoint, tmp_path, how) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(checkpoint / "decoder.onnx")
    if how == "external":
        tensor = model.graph.initializer[0]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")
    elif how == "operator":
        model.graph.node.add(op_type="ConstantOfShape", input=["val_14"], output=["huge"])
    else:
        model.graph.node[0].attribute.add(name="body", type=5).g.CopyFrom(onnx.GraphProto(name="x"))
    (tmp_path / "more.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ContractError, match=r"another file|ConstantOfShape|graph in a graph"):
        OnnxDecoder(tmp_path / "more.onnx")


def test_an_instruction_too_long_to_be_read_back_is_not_written() -> None:
    with pytest.raises(ValueError, match="at most"):
        type(episode(0))("x" * 20_000, episode(0).frames)
