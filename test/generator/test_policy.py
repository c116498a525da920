"""A checkpoint folder is whole or refused; what is not understood moves nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from shipped_tasks import command_of, kinematics_text, shipped_vocabulary

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.policy import Policy

INSTRUCTION = "hold the carrot by the upper part and place it on the right side of the plate"
IMAGES = {name: np.full((240, 320, 3), 90, np.uint8) for name in ("front", "wrist")}
HOME = np.array([0.0, 0.16, 0.0, 1.54, 0.0, 1.44, 0.0])


def seen(stamp: float) -> Observation:
    return Observation(IMAGES, HOME, 0.07, stamp)


@pytest.fixture(scope="module")
def shipped() -> Path:
    return resource_path("models", "kinevla-tiny")


@pytest.fixture(scope="module")
def policy(shipped: Path) -> Policy:
    return Policy(shipped)


@pytest.fixture
def copy(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "model"))


def test_the_shipped_checkpoint_is_small_and_has_a_card(shipped: Path) -> None:
    size = sum(file.stat().st_size for file in shipped.iterdir())
    assert size < 20e6
    assert "kinevla evaluate" in (shipped / "README.md").read_text()


def test_a_chunk_is_absolute_near_the_arm_and_carries_the_observations_time(policy) -> None:
    given = policy.infer(INSTRUCTION, seen(12.5))
    assert given.chunk.stamp == 12.5
    assert given.chunk.sequence == given.sequence
    assert np.abs(given.chunk.positions[0] - HOME).max() < 0.5
    assert given.goal == "place the carrot in the plate"
    assert "upper" in given.kinematics
    assert "right" in given.kinematics


def test_the_second_chunk_keeps_the_first_ones_words_in_one_pass_per_code(policy) -> None:
    policy.reset()
    cold = policy.infer(INSTRUCTION, seen(0.0))
    warm = policy.infer(INSTRUCTION, seen(0.3))
    assert warm.draft_accepted
    assert warm.passes == policy.contract.levels
    assert (warm.goal_codes, warm.kinematics_codes) == (cold.goal_codes, cold.kinematics_codes)
    assert warm.sequence == cold.sequence + 1


def test_a_new_instruction_costs_no_more_passes_than_a_repeated_one(policy) -> None:
    policy.reset()
    first = policy.infer(INSTRUCTION, seen(0.0))
    other = policy.infer(INSTRUCTION.replace("upper", "lower"), seen(0.1))
    assert other.kinematics != first.kinematics
    for cold in (first, other):
        assert cold.draft_accepted
        assert cold.passes == policy.contract.levels


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "say for example"),
        ("make me a coffee", "say for example"),
        ("pick up the bread", "say for example"),
        ("pick up the bread and move it to the left right", "say for example"),
    ],
)
def test_an_instruction_that_names_no_task_is_not_understood(policy, said, message) -> None:
    with pytest.raises(NotUnderstood, match=message):
        policy.infer(said, seen(0.0))
    assert policy.infer(INSTRUCTION, seen(0.1)).goal


@pytest.mark.parametrize(
    "said",
    [
        "Please, hold the carrot by the upper part, and place it on the right side of the plate!",
        "put the carrot on the right of the plate, gripping its leafy end",
        "please " * 30 + INSTRUCTION,
    ],
)
def test_other_words_for_the_same_give_the_same_words_and_codes(policy, said: str) -> None:
    policy.reset()
    first = policy.infer(INSTRUCTION, seen(0.0))
    other = policy.infer(said, seen(0.1))
    assert other.draft_accepted
    assert (other.goal, other.kinematics) == (first.goal, first.kinematics)
    assert other.kinematics_codes == first.kinematics_codes
    assert other.instruction == said


def test_a_checkpoints_own_tasks_say_what_its_policy_understands(policy, copy: Path) -> None:
    tasks = copy / "tasks.yaml"
    tasks.write_text(
        tasks.read_text().replace(
            "[bread, loaf, loaf of bread, bread loaf, piece of bread]", "[bread, toast]"
        )
    )
    with pytest.raises(CheckpointError, match="damaged"):
        Policy(copy)
    write_manifest(copy)
    own = Policy(copy)
    given = own.infer("bring the toast to the front", seen(0.0))
    with pytest.raises(NotUnderstood, match="loaf"):
        own.infer("bring the loaf to the front", seen(0.0))
    policy.reset()
    known = policy.infer("bring the loaf to the front", seen(0.0))
    assert (given.kinematics, given.kinematics_codes) == (known.kinematics, known.kinematics_codes)


def test_a_model_that_writes_another_way_than_was_read_moves_nothing(policy, monkeypatch) -> None:
    lower = command_of("carrot", part="lower", side="right")
    generate, naming = policy._writer.generate, Override.naming(lower)
    given = naming.given(policy.vocabulary, policy.model.config)

    def write_another(said, images, state, *_):
        return generate(said, images, state, None, given)

    monkeypatch.setattr(policy._writer, "generate", write_another)
    with pytest.raises(NotUnderstood) as refusal:
        policy.infer(INSTRUCTION, seen(0.0))
    assert INSTRUCTION in str(refusal.value)
    assert kinematics_text(lower) in str(refusal.value)


def test_codes_follow_words_given_from_outside_and_only_while_they_are_given(policy) -> None:
    upper, lower = (command_of("carrot", part=part, side="right") for part in ("upper", "lower"))
    policy.reset()
    own = policy.infer(INSTRUCTION, seen(0.0))
    same = policy.infer(INSTRUCTION, seen(0.1), Override.naming(upper))
    other = policy.infer(INSTRUCTION, seen(0.2), Override.naming(lower))
    again = policy.infer(INSTRUCTION, seen(0.3))
    assert (same.goal_codes, same.kinematics_codes) == (own.goal_codes, own.kinematics_codes)
    assert other.kinematics == kinematics_text(lower)
    assert (again.kinematics, again.kinematics_codes) == (own.kinematics, own.kinematics_codes)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (Override(kinematics="grasp the carrot somehow"), "somehow"),
        (Override(goal="move the bread"), "same object|ran past|names"),
        (Override(kinematics=""), "names no"),
        (Override(kinematics="grasp the carrot " * 20), "shorten"),
        (Override(goal="ねこ"), "characters outside"),
        (Override(goal_codes=(1, 128)), "not 3 in"),
        (Override(kinematics_codes=(1,)), "not 3 in"),
    ],
)
def test_words_or_codes_that_mean_nothing_give_no_motion(policy, override, message) -> None:
    with pytest.raises((NotUnderstood, GenerationError), match=message):
        policy.infer(INSTRUCTION, seen(0.0), override)
    assert policy.infer(INSTRUCTION, seen(0.1)).goal


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "decoder.onnx",
        "kinevla.json",
        "tasks.yaml",
    ],
)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        Policy(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_refused(copy: Path, name: str) -> None:
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        Policy(copy)


def test_a_decoder_of_another_codec_is_refused(copy: Path) -> None:
    contract = (copy / "kinevla.json").read_text()
    (copy / "kinevla.json").write_text(contract.replace('"checksum": "', '"checksum": "0'))
    write_manifest(copy)
    with pytest.raises(CheckpointError, match="checksum is"):
        Policy(copy)


def test_weights_of_another_shape_are_refused(copy: Path) -> None:
    GeneratorConfig.tiny(len(shipped_vocabulary()) + 1).save(copy)
    with pytest.raises(CheckpointError):
        Policy(copy)
