"""Training learns, logs its terms apart, and goes on after a stop as if there had been none."""

import resource
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from shipped_tasks import (
    TASKS,
    goal_text,
    kinematics_text,
    shipped_vocabulary,
    siblings,
)
from small_generator import small_config
from training_frames import memory

from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.files.tensor_file import TensorFile
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.decoding.decode import BilevelDecoder, Given
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.generator.pictures.squares import image_tensor, state_tensor
from kinevla_ros.language.grammar import REFUSAL, instruction
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary
from kinevla_ros.training.generator import batches
from kinevla_ros.training.generator.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.generator.motion_heads import MotionHead
from kinevla_ros.training.generator.objective import LossWeights, losses
from kinevla_ros.training.generator.training import batches_of, train_generator
from kinevla_ros.training.pipeline import begin_with_decoder

SETTINGS = GeneratorSettings(
    steps=400,
    batch_size=16,
    learning_rate=3e-3,
    warmup=20,
    save_every=50,
    refusal_share=0.0,
    alternative_share=1.0,
    text_every=1,
    weights=LossWeights(text=1.0),
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return shipped_vocabulary()


@pytest.fixture
def few_phrasings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is drawn in a moment."""
    monkeypatch.setattr(batches, "PHRASINGS", 16)


def test_a_few_frames_are_learnt_by_heart_and_the_words_choose_the_codes(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    samples, codes = memory()
    settings = replace(SETTINGS, steps=300, batch_size=8, learning_rate=4e-3)
    train_generator(samples, codes, vocabulary, small_config(vocabulary), settings, tmp_path)
    model, read = load_generator(tmp_path)
    decoder = BilevelDecoder(model, read)
    understood = right = 0
    for frame in range(len(samples)):
        for task, command in enumerate(TASKS):
            said = instruction(command, np.random.default_rng(frame))
            seen = (
                image_tensor(samples.images[frame]),
                state_tensor(samples.state[frame]),
            )
            true = goal_text(command), kinematics_text(command)
            words = decoder.generate(said, *seen).words
            texts = read.decode_text(words.goal), read.decode_text(words.kinematics)
            understood += texts == true
            given = Given(*(tuple(read.encode_text(text)) for text in true))
            codes_read = decoder.generate(said, *seen, given=given)
            both = (*codes_read.goal_codes, *codes_read.kinematics_codes)
            right += both == tuple(codes[frame, task, 0])
    assert understood >= 0.9 * len(samples) * len(TASKS)
    assert right >= 0.8 * len(samples) * len(TASKS)


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    samples, codes = memory()
    config = small_config(vocabulary)
    settings = replace(SETTINGS, steps=8, save_every=4, batch_size=4)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train_generator(samples, codes, vocabulary, config, settings, whole)
    stopped = replace(samples, images=_Stopping(samples.images, 6))
    with pytest.raises(KeyboardInterrupt):
        train_generator(stopped, codes, vocabulary, config, settings, halves)
    # By this file scripts/reproduce.sh knows what is done.
    assert not (halves / "model.safetensors").exists()
    with pytest.raises(ValueError, match="go on with --resume"):
        train_generator(samples, codes, vocabulary, config, settings, halves)
    train_generator(samples, codes, vocabulary, config, settings, halves, resume=True)
    one, two = (load_file(folder / "model.safetensors") for folder in (whole, halves))
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], msg=name)


class _Stopping:
    """Images that a user's Ctrl-C comes between."""

    def __init__(self, images: np.ndarray, batches: int) -> None:
        self._images, self._left = images, batches

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return self._images[rows]


def test_a_checkpoint_of_other_settings_is_not_resumed(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    samples, codes = memory()
    config = small_config(vocabulary)
    settings = replace(SETTINGS, steps=2, batch_size=4)
    train_generator(samples, codes, vocabulary, config, settings, tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        train_generator(
            samples, codes, vocabulary, config, replace(settings, seed=1), tmp_path, resume=True
        )
    more = replace(samples, parts=(*samples.parts, 1))
    with pytest.raises(ValueError, match="other datasets"):
        train_generator(more, codes, vocabulary, config, settings, tmp_path, resume=True)


def test_a_start_of_another_shape_is_named(vocabulary: Vocabulary, tmp_path: Path) -> None:
    samples, codes = memory()
    config, settings = small_config(vocabulary), replace(SETTINGS, steps=1, batch_size=4)
    start = train_generator(samples, codes, vocabulary, config, settings, tmp_path / "start")
    wider = replace(config, language={**config.language, "intermediate_size": 192})
    with pytest.raises(ValueError, match="another shape"):
        train_generator(samples, codes, vocabulary, wider, settings, tmp_path / "out", start)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_a_checkpoint_begun_with_another_codec_keeps_its_own(tmp_path: Path) -> None:
    for name, contract in (("one", "{}"), ("other", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "decoder.onnx").write_text(name)
        (tmp_path / name / "kinevla.json").write_text(contract)
        write_manifest(tmp_path / name)
    out = tmp_path / "out"
    begin_with_decoder(tmp_path / "one", kine_realman(), out)
    begin_with_decoder(tmp_path / "one", kine_realman(), out)
    with pytest.raises(ValueError, match="another codec"):
        begin_with_decoder(tmp_path / "other", kine_realman(), out)
    assert (out / "decoder.onnx").read_text() == "one"


def test_of_frames_from_any_dataset_as_many_teach_the_words(vocabulary: Vocabulary) -> None:
    samples, codes = memory()
    half = len(samples) // 2
    samples = replace(samples, parts=(half, len(samples) - half))
    samples.state[:] = np.arange(len(samples))[:, None]
    maker = BatchMaker(samples, codes, vocabulary, small_config(vocabulary), SETTINGS)
    frames = torch.cat([maker(step).state[::4, 0] for step in range(60)]) * np.pi
    assert 0.35 < float((frames.round() >= half).float().mean()) < 0.65


def test_a_gpu_trains_on_the_batches_that_a_cpu_does(vocabulary: Vocabulary) -> None:
    samples, codes = memory()
    maker = BatchMaker(samples, codes, vocabulary, small_config(vocabulary), SETTINGS)
    made = [list(batches_of(maker, 2, 5, torch.device(kind))) for kind in ("cpu", "cuda")]
    for (step, one), (same, other) in zip(*made, strict=True):
        assert step == same
        for field in fields(one):
            torch.testing.assert_close(getattr(one, field.name), getattr(other, field.name))


def test_resuming_nothing_says_how_to_start(vocabulary: Vocabulary, tmp_path: Path) -> None:
    samples, codes = memory()
    with pytest.raises(FileNotFoundError, match="without --resume"):
        train_generator(
            samples, codes, vocabulary, small_config(vocabulary), SETTINGS, tmp_path, resume=True
        )


def test_each_frame_is_seen_with_two_commands_of_one_goal(vocabulary: Vocabulary) -> None:
    samples, codes = memory()
    batch = BatchMaker(samples, codes, vocabulary, small_config(vocabulary), SETTINGS)(0)
    assert len(batch.images) * 2 == len(batch.tail)
    for one, other in batch.command.reshape(-1, 2).tolist():
        assert TASKS[other] in siblings(TASKS[one])


def test_a_frame_with_one_label_is_seen_twice_with_it(vocabulary: Vocabulary) -> None:
    samples, codes = memory()
    only = np.zeros_like(samples.valid)
    only[np.arange(len(samples)), samples.task] = True
    lone = replace(samples, valid=only)
    batch = BatchMaker(lone, codes, vocabulary, small_config(vocabulary), SETTINGS)(0)
    assert (batch.command[::2] == batch.command[1::2]).all()


def test_words_left_out_of_most_frames_change_nothing_for_the_codes(
    vocabulary: Vocabulary, few_phrasings: None
) -> None:
    samples, codes = memory(7)
    config = small_config(vocabulary)
    settings = replace(SETTINGS, refusal_share=0.3)
    batch = BatchMaker(samples, codes, vocabulary, config, settings)(0)
    torch.manual_seed(0)
    model, head = Generator(config), MotionHead(config.language["hidden_size"])
    with torch.no_grad():
        whole, _ = losses(model, batch, head)
        fewer, _ = losses(model, batch, head, text_every=4)
    for name in ("codes", "mutual_information", "motion"):
        torch.testing.assert_close(fewer[name], whole[name])
    assert fewer["text"] != whole["text"]


def test_disturbed_goal_codes_are_read_and_not_learnt(vocabulary: Vocabulary) -> None:
    samples, codes = memory()
    both = np.concatenate([codes, codes], axis=2)
    batch = BatchMaker(samples, both, vocabulary, small_config(vocabulary), SETTINGS)(0)
    learnt = batch.code.sum(dim=1)
    assert (learnt[::2] == 4).all()
    assert set(learnt[1::2].tolist()) == {2, 4}


def test_an_instruction_that_names_no_task_is_answered_with_a_refusal(
    vocabulary: Vocabulary, few_phrasings: None
) -> None:
    samples, codes = memory()
    settings = replace(SETTINGS, refusal_share=1.0)
    batch = BatchMaker(samples, codes, vocabulary, small_config(vocabulary), settings)(0)
    for targets, text in zip(batch.targets, batch.text, strict=True):
        *written, closing = targets[text].tolist()
        assert vocabulary.decode_text(written) == REFUSAL
        assert closing == vocabulary.goal_codes
    # What the codes read is true, and so are they.
    assert (batch.code.sum(dim=1) == 4).all()
    read = batch.tail[0][batch.tail_segments[0] == Segment.READING].tolist()
    command = TASKS[int(batch.command[0])]
    assert vocabulary.decode_text(read) == f"{goal_text(command)} {kinematics_text(command)}"


def test_the_observation_encoder_learns_alone_first(vocabulary: Vocabulary, tmp_path: Path) -> None:
    samples, codes = memory()
    config = small_config(vocabulary)
    one, other = (
        replace(SETTINGS, steps=steps, encoder_steps=steps, batch_size=4, weight_decay=0.0)
        for steps in (1, 4)
    )
    train_generator(samples, codes, vocabulary, config, one, tmp_path / "one")
    train_generator(samples, codes, vocabulary, config, other, tmp_path / "other")
    before, after = (load_file(tmp_path / n / "model.safetensors") for n in ("one", "other"))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(
        name.startswith(("vision", "locator", "projector", "image_", "state")) for name in moved
    )


def test_an_encoder_without_known_places_cannot_learn_alone(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    samples, codes = memory()
    blind = replace(samples, scene=samples.scene[:, :0])
    with pytest.raises(ValueError, match="environment_state"):
        train_generator(
            blind,
            codes,
            vocabulary,
            small_config(vocabulary),
            replace(SETTINGS, encoder_steps=1),
            tmp_path,
        )


def test_a_disk_that_fills_leaves_the_last_save_to_go_on_from(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    samples, codes = memory()
    config = small_config(vocabulary)
    settings = replace(SETTINGS, steps=3, save_every=1, batch_size=4)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train_generator(samples, codes, vocabulary, config, settings, whole)
    saved, limit = cut / "resume.safetensors", resource.getrlimit(resource.RLIMIT_FSIZE)

    class Filling(_Stopping):
        """After the first save no file may grow beyond a few kB."""

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            if saved.exists():
                resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))
            return self._images[rows]

    filling = replace(samples, images=Filling(samples.images, 9))
    try:
        with pytest.raises(OSError, match="File too large") as raised:
            train_generator(filling, codes, vocabulary, config, settings, cut)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert "make room" in for_user(raised.value)
    with TensorFile(saved) as file:
        assert 1 <= int(file.metadata["step"]) < settings.steps
    assert sorted(path.name for path in cut.iterdir()) == ["log", "resume.safetensors"]
    train_generator(samples, codes, vocabulary, config, settings, cut, resume=True)
    one, two = (load_file(folder / "model.safetensors") for folder in (whole, cut))
    assert all(torch.equal(tensor, two[name]) for name, tensor in one.items())
