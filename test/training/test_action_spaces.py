"""Every arm trains and evaluates open loop; what does not fit is refused with both sides named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from arms import ARMS, LIBERO, OTHER_GRIPPER, SIX_JOINTS, write_arm_dataset

from kinevla_ros.base.action_space import RM75, ActionSpace, ActionSpaceError
from kinevla_ros.base.observation import Observation
from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.data.action_space_file import FILE_NAME, dataset_space
from kinevla_ros.data.checks.dataset import require_sound
from kinevla_ros.data.lerobot.metadata import read_info
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.evaluation import open_loop as evaluation
from kinevla_ros.generator.checkpoint import CheckpointError, load_contract
from kinevla_ros.generator.policy import Policy
from kinevla_ros.robot.executable import require_executable

pytest.importorskip("onnxscript")

from kinevla_ros.training import pipeline
from kinevla_ros.training.codec.stages import CodecSettings
from kinevla_ros.training.generator import batches
from kinevla_ros.training.generator.batches import GeneratorSettings
from kinevla_ros.training.generator.samples import load_samples

QUICK = CodecSettings(goal_steps=10, kinematics_steps=10, warmup_steps=5, batch_size=32)
SMALL = CodecConfig(codes_per_level=8, latent_dim=8, hidden_dim=16)
FRAMES = 8
STEPS = GeneratorSettings(steps=2, batch_size=4, warmup=1)
Made = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Dataset, codec and checkpoint of an arm, each made once."""
    made: dict[str, Made] = {}

    def trained(arm: str) -> Made:
        if arm not in made:
            root = tmp_path_factory.mktemp("arm")
            dataset = write_arm_dataset(root / "dataset", ARMS[arm])
            codec, out = root / "codec", root / "model"
            pipeline.codec_from_samples(load_samples([dataset], None), codec, QUICK, False, SMALL)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(batches, "PHRASINGS", 2)
                if arm != "other gripper":  # one with other cameras than two is exported
                    patch.setattr(pipeline, "export_graphs", lambda _: None)
                pipeline.generator_from_dataset([dataset], codec, out, STEPS, None, False)
            made[arm] = dataset, codec, out
        return made[arm]

    return trained


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_goes_from_dataset_to_checkpoint_with_its_names_and_units(make, arm) -> None:
    dataset, codec, model = make(arm)
    space = ARMS[arm]
    assert dataset_space(dataset, read_info(dataset)) == space
    assert load_codec(codec).space == space
    contract = load_contract(model)
    assert contract.space == space
    decoder = OnnxDecoder(model / "decoder.onnx", contract)
    chunks = decoder(np.zeros((3, contract.levels), np.int64))
    assert chunks.shape == (3, space.horizon, space.width)
    if space.gripper is not None:
        low, high = space.gripper.bounds
        slack = 1e-4 * (high - low)
        opening = chunks[..., space.gripper_index]
        assert low - slack <= opening.min() and opening.max() <= high + slack


@pytest.mark.parametrize("arm", ARMS)
def test_a_check_holds_a_dataset_against_its_own_arm(make, arm) -> None:
    require_sound(make(arm)[0])


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_evaluated_open_loop_in_its_own_units(make, arm, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(evaluation, "MOST_FRAMES", FRAMES)
    dataset, _, model = make(arm)
    space, file = ARMS[arm], tmp_path / "figures.json"
    assert evaluation.open_loop(model, dataset, {}, file) == 0
    figures = json.loads(file.read_text())
    assert figures["frames"] == FRAMES
    assert {"machine", "versions"} <= set(figures)
    assert figures["rates"]["known"]["rate"] == 1.0
    assert figures["rates"]["accepted"]["n"] == FRAMES
    by_words = figures["error"]["dataset_words"]
    assert [by_words[name]["unit"] for name in space.names] == list(space.units)
    assert all(0 <= by_words[name]["mean"] < np.inf for name in space.names)
    # Motion was demonstrated, so standing still is wrong.
    assert all(figures["error"]["still"][space.names[i]]["end"] > 0 for i in space.moving)
    assert ("gripper" in figures["rates"]) == (space.gripper is not None)


def test_three_cameras_run_by_onnx_graphs(make) -> None:
    assert Policy(make("other gripper")[2]).backend == "ONNX graphs"


def test_open_loop_refuses_the_dataset_of_another_arm(make, capsys) -> None:
    assert evaluation.open_loop(make("rm75")[2], make("six joints")[0], {}, None) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "the dataset" in said and "the checkpoint" in said
    assert "shoulder_1" in said and "joint1" in said


@pytest.mark.parametrize("arm", [name for name in ARMS if name != "rm75"])
def test_what_the_robot_does_not_know_is_not_executed(make, arm) -> None:
    policy = Policy(make(arm)[2], graphs=False)
    with pytest.raises(ActionSpaceError, match=r"the checkpoint .* and this arm"):
        require_executable(policy.space, "the checkpoint x", ("front", "wrist"))
    pictures = dict.fromkeys(policy.space.cameras, np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(ActionSpaceError, match="an RM75"):
        policy.infer("put the bread there", Observation(pictures, np.zeros(7), 0.0, 0.0))


def test_a_camera_that_the_robot_lacks_is_named() -> None:
    space = RM75.with_cameras(("front", "hand"))
    with pytest.raises(ActionSpaceError, match=r"front, hand, and this robot has front, wrist"):
        require_executable(space, "the policy", ("front", "wrist"))
    require_executable(RM75.with_cameras(["front"]), "the policy", ("front", "wrist"))


DIFFERENT = {
    "degrees": (
        replace(RM75, units=("deg",) * 7 + ("m",), state_units=("deg",) * 7 + ("m",)),
        "unit of action joint1: deg and rad",
    ),
    "six joints": (SIX_JOINTS, "names of action: shoulder_1, .* and joint1, "),
    "relative": (replace(RM75, reference="relative"), "reference: relative and absolute"),
    "rate": (replace(RM75, rate=30.0), "rate: 30.0 Hz and 10.0 Hz"),
    "horizon": (replace(RM75, horizon=8), "horizon: 8 steps and 5 steps"),
    "gripper": (OTHER_GRIPPER, "names of action: claw, .* and joint1"),
    "camera": (
        RM75.with_cameras(("front", "hand")),
        "front, wrist, and .* has front, hand",
    ),
}


@pytest.mark.parametrize("which", DIFFERENT)
def test_a_dataset_that_does_not_fit_the_codec_is_refused(make, tmp_path, which) -> None:
    space, named = DIFFERENT[which]
    dataset = write_arm_dataset(tmp_path / "dataset", space, episodes=1, frames=4)
    _, codec, _ = make("rm75")
    with pytest.raises(ActionSpaceError, match=named) as refused:
        pipeline.generator_from_dataset([dataset], codec, tmp_path / "out", STEPS, None, False)
    assert str(dataset) in str(refused.value) and str(codec) in str(refused.value)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_datasets_of_different_arms_are_not_mixed(tmp_path) -> None:
    two = [
        write_arm_dataset(tmp_path / str(i), space, episodes=1, frames=4)
        for i, space in enumerate((RM75, replace(RM75, rate=20.0)))
    ]
    with pytest.raises(ActionSpaceError, match=r"rate: 20\.0 Hz and 10\.0 Hz"):
        load_samples(two, None)


def test_cameras_are_found_by_a_map(make, tmp_path) -> None:
    other = RM75.with_cameras(("top", "left_wrist", "unused"))
    dataset = write_arm_dataset(tmp_path / "dataset", other, episodes=1, frames=4)
    cameras = {"front": "top", "wrist": "left_wrist"}
    samples = load_samples([dataset], 32, cameras)
    assert samples.space == RM75
    assert samples.images[np.array([0])].shape == (1, 2, 32, 32, 3)
    with pytest.raises(DatasetError, match="has no camera middle; it has top, left_wrist, unused"):
        load_samples([dataset], 32, {"front": "middle"})


def without_file(root: Path, space: ActionSpace) -> Path:
    dataset = write_arm_dataset(root, space, episodes=1, frames=4)
    (dataset / FILE_NAME).unlink()
    return dataset


def test_a_dataset_that_says_nothing_is_an_rm75s_if_its_names_are(tmp_path) -> None:
    dataset = without_file(tmp_path / "own", RM75)
    assert dataset_space(dataset, read_info(dataset)) == RM75
    for number, other in enumerate((SIX_JOINTS, OTHER_GRIPPER, LIBERO)):
        with pytest.raises(DatasetError, match=FILE_NAME):
            load_samples([without_file(tmp_path / str(number), other)], None)


def test_degrees_that_are_said_to_be_radians_are_noticed(tmp_path) -> None:
    dataset = write_arm_dataset(tmp_path / "dataset", SIX_JOINTS, episodes=2, frames=4)
    file = dataset / FILE_NAME
    file.write_text(file.read_text().replace("deg", "rad"))
    with pytest.raises(DatasetError, match="looks like degrees"):
        load_samples([dataset], None)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rate": 12.0}, "12 Hz, and meta/info.json 15 frames"),
        ({"cameras": ["nowhere"]}, "has no camera nowhere; it has top"),
        ({"reference": "somehow"}, "is no action space: reference"),
        ({"gripper": {"name": "claw", "closed": 0, "open": 1}}, "gripper claw is none"),
        ({"state": {}}, "the state has no shoulder_1"),
        ({"units": 1}, "has 'units', which is not known"),
    ],
)
def test_a_description_that_is_not_of_the_dataset_is_refused(tmp_path, change, named) -> None:
    dataset = write_arm_dataset(tmp_path / "dataset", SIX_JOINTS, episodes=1, frames=4)
    file = dataset / FILE_NAME
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | change, sort_keys=False))
    with pytest.raises(DatasetError, match=named):
        dataset_space(dataset, read_info(dataset))


def test_a_model_of_other_cameras_than_its_contract_is_refused(make, tmp_path) -> None:
    import shutil

    from kinevla_ros.base.files.manifest import write_manifest

    copy = Path(shutil.copytree(make("rm75")[2], tmp_path / "copy"))
    for name in ("decoder.onnx", "kinevla.json"):
        shutil.copy(make("six joints")[2] / name, copy / name)
    write_manifest(copy)
    with pytest.raises(CheckpointError, match="names 1 cameras and 6 numbers"):
        Policy(copy)
