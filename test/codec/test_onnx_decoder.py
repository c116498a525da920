from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kinevla_ros.base.action_space import RM75, GripperAxis
from kinevla_ros.codec.bilevel import BilevelCodec, CodecConfig
from kinevla_ros.codec.checkpoint import Codec
from kinevla_ros.codec.contract import Contract, ContractError, InvalidCodeError
from kinevla_ros.codec.onnx_decoder import CONTRACT_KEY, OnnxDecoder
from kinevla_ros.codec.statistics import ActionStatistics

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def trained() -> Codec:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        codec = BilevelCodec(CodecConfig(latent_dim=16, hidden_dim=32)).eval()
    bounds = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.6, 1.4], np.float32)
    statistics = ActionStatistics(np.append(-bounds, 0.0), np.append(bounds / 2, 0.07))
    return Codec(codec, statistics)


@pytest.fixture(scope="module")
def path(trained: Codec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from kinevla_ros.codec.onnx_export import export_onnx

    path = tmp_path_factory.mktemp("decoder") / "decoder.onnx"
    export_onnx(trained.codec, trained.statistics, path)
    return path


@pytest.mark.parametrize("batch", [1, 3, 257])
def test_the_decoder_gives_the_motion_of_torch_in_physical_units(trained, path, batch):
    codes = np.random.default_rng(batch).integers(0, 128, (batch, 4))
    chunks = OnnxDecoder(path)(codes)
    assert chunks.shape == (batch, 5, 8)
    assert chunks.dtype == np.float32
    np.testing.assert_allclose(chunks, trained.decode(codes), atol=1e-5)
    assert chunks[..., 7].min() >= -1e-6
    assert chunks[..., 7].max() <= 0.07 + 1e-6


def test_the_codes_of_one_chunk_need_no_batch_axis(path):
    decoder = OnnxDecoder(path)
    np.testing.assert_array_equal(
        decoder(np.array([1, 2, 3, 4])), decoder(np.array([[1, 2, 3, 4]]))
    )


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("bad", [-1, 128, 129, 2**40])
def test_a_code_out_of_range_gives_no_motion(path, level, bad):
    codes = np.zeros((2, 4), np.int64)
    codes[1, level] = bad
    with pytest.raises(InvalidCodeError, match=str(bad)):
        OnnxDecoder(path)(codes)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((1, 4)),
        np.zeros((1, 4), bool),
        np.zeros((1, 3), int),
        np.zeros((0, 4), int),
        np.zeros((1, 1, 4), int),
    ],
    ids=["float", "bool", "three", "none", "three axes"],
)
def test_codes_of_another_type_or_shape_are_refused(path, codes):
    with pytest.raises(InvalidCodeError):
        OnnxDecoder(path)(codes)


def test_the_contract_travels_in_the_file(trained, path):
    assert OnnxDecoder(path, trained.contract).contract == trained.contract
    assert trained.contract.space == RM75


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kinematics_levels", 4),
        ("checksum", "0" * 64),
    ],
)
def test_another_contract_is_refused_by_name_of_what_differs(trained, path, field, value):
    with pytest.raises(ContractError, match=field):
        OnnxDecoder(path, replace(trained.contract, **{field: value}))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"rate": 20.0}, "rate: 10.0 Hz and 20.0 Hz"),
        ({"horizon": 8}, "horizon: 5 steps and 8 steps"),
        ({"names": (*RM75.names[6::-1], "gripper")}, "names of action: joint1, .* and joint7,"),
        ({"gripper": GripperAxis("gripper", 0.07, 0.0)}, "gripper closed at 0, open at 0.07 and"),
        ({"reference": "relative"}, "reference: absolute and relative"),
        ({"cameras": ("front",)}, r"cameras: \[front, wrist\] and \[front\]"),
    ],
)
def test_other_actions_are_refused_by_name_of_what_differs(trained, path, changed, named):
    other = replace(trained.contract, space=replace(RM75, **changed))
    with pytest.raises(ContractError, match=named):
        OnnxDecoder(path, other)


def test_a_contract_of_before_means_an_rm75():
    old = {
        **{"horizon": 5, "action_dim": 8, "dt": 0.1, "joint_order": list(RM75.names[:-1])},
        **{"units": ["rad"] * 7 + ["m"], "goal_levels": 3, "kinematics_levels": 3},
        **{"codes_per_level": 128, "checksum": "0" * 64},
    }
    assert Contract.from_dict(old) == Contract(RM75, 3, 3, 128, "0" * 64)
    for field, value in {"dt": 0.05, "units": ["deg"] * 7 + ["m"], "action_dim": 7}.items():
        with pytest.raises(ContractError, match="does not say what its actions mean"):
            Contract.from_dict(old | {field: value})


def test_a_contract_is_read_as_it_was_written(trained):
    assert Contract.from_json(trained.contract.to_json()) == trained.contract


def test_a_file_without_a_contract_is_refused(path, tmp_path):
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(ContractError, match="carries no contract"):
        OnnxDecoder(tmp_path / "bare.onnx")


def test_a_file_whose_graph_breaks_its_own_contract_is_refused(path, tmp_path):
    model = onnx.load(path)
    lie = replace(OnnxDecoder(path).contract, goal_levels=4)
    for entry in model.metadata_props:
        if entry.key == CONTRACT_KEY:
            entry.value = lie.to_json()
    onnx.save(model, tmp_path / "lie.onnx")
    with pytest.raises(ContractError, match="inputs and outputs"):
        OnnxDecoder(tmp_path / "lie.onnx", Contract(goal_levels=4))


def test_a_damaged_file_is_refused(path, tmp_path):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ContractError, match="not a readable ONNX file"):
        OnnxDecoder(damaged)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is missing"):
        OnnxDecoder(tmp_path / "decoder.onnx")


def test_text_that_is_no_contract_is_refused():
    for text in ("", "[]", "{}", '{"horizon": 5}', '{"joint_order": [], "units": [], "no": 1}'):
        with pytest.raises(ContractError):
            Contract.from_json(text)
