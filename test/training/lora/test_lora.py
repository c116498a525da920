"""Fine-tuning a converted checkpoint by adapters learns, resumes, and gives a whole checkpoint."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from openvla_fixture import CODES, llama_tokenizer, published
from safetensors.torch import load_file
from shipped_tasks import NOTHING_SAID, TASKS, goal_text, kinematics_text
from torch.utils.data import DataLoader

from kinevla_ros.base.files.tensor_file import TensorFileError, save_tensors
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import BilevelDecoder
from kinevla_ros.generator.openvla.openvla import convert_openvla
from kinevla_ros.generator.pictures.squares import pixels, state_tensor
from kinevla_ros.generator.weights import read_generator
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary
from kinevla_ros.training.generator.objective import LossWeights
from kinevla_ros.training.generator.samples import Samples
from kinevla_ros.training.lora import run as lora_run
from kinevla_ros.training.lora.adapters import (
    LoraSettings,
    add_adapters,
    cast_inputs,
    merge_adapter,
)
from kinevla_ros.training.lora.memory import MemoryEstimate, estimate, room_on
from kinevla_ros.training.lora.run import Draws, LoraTrainer, fine_tune, last_save

SETTINGS = LoraSettings(
    steps=96,
    batch_size=4,
    learning_rate=1e-2,
    alternative_share=0.0,
    refusal_share=0.0,
    save_every=1000,
    weights=LossWeights(text=1.0),
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lora")
    source = published(folder / "published", patches=16, dtype=torch.bfloat16)
    convert_openvla(source, folder / "base")
    return folder / "base"


@pytest.fixture(scope="module")
def config(base: Path) -> GeneratorConfig:
    return replace(
        GeneratorConfig.load(base),
        max_instruction_tokens=96,
        goal_codes=2,
        kinematics_codes=2,
        codes_per_level=CODES,
    )


@pytest.fixture(scope="module")
def vocabulary(config: GeneratorConfig) -> LlamaVocabulary:
    return LlamaVocabulary(llama_tokenizer(), config.vocabulary_size, CODES)


LEARNT = [0, len(TASKS) - 1]  # a bread and a carrot


def memory(frames: int = 2) -> tuple[Samples, np.ndarray]:
    """A few frames, each of a task with a goal of its own."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (frames, 2, 56, 56, 3), dtype=np.uint8)
    state = rng.uniform(-1, 1, (frames, 8)).astype(np.float32)
    chunks = np.zeros((frames, len(TASKS), 5, 8), np.float32)
    valid = np.zeros((frames, len(TASKS)), bool)
    valid[np.arange(frames), LEARNT[:frames]] = True
    samples = Samples(
        images,
        state,
        np.array(LEARNT[:frames]),
        chunks,
        valid,
        np.zeros((frames, 0), np.float32),
        (frames,),
        kine_realman(),
        NOTHING_SAID,
    )
    return samples, rng.integers(0, CODES, (frames, len(TASKS), 1, 4))


def test_a_few_frames_are_learnt_by_heart(base, config, vocabulary, tmp_path) -> None:
    samples, codes = memory()
    fine_tune(base, config, vocabulary, samples, codes, SETTINGS, tmp_path)
    model, read = load_generator(tmp_path)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    decoder = BilevelDecoder(model, read)
    for frame, task in enumerate(LEARNT):
        command = TASKS[task]
        said = instruction(command, np.random.default_rng(frame))
        state = state_tensor(samples.state[frame])
        written = decoder.generate(said, pixels(config, samples.images[frame]), state)
        assert read.decode_text(written.words.goal) == goal_text(command)
        assert read.decode_text(written.words.kinematics) == kinematics_text(command)
        assert (*written.goal_codes, *written.kinematics_codes) == tuple(codes[frame, task, 0])


def test_the_adapters_reach_what_the_original_recipe_reached(base, config, vocabulary) -> None:
    model = add_adapters(read_generator(base, config), vocabulary, SETTINGS)
    adapted = {name.split(".lora_A")[0] for name, _ in model.named_parameters() if "lora_A" in name}
    for wanted in (
        "language.lm_head",
        "language.model.layers.1.mlp.gate_proj",
        "vision.dino.embeddings.patch_embeddings.projection",
        "vision.siglip.embeddings.patch_embedding",
        "vision.siglip.encoder.layers.3.self_attn.out_proj",
        "projector.4",
    ):
        assert any(name.endswith(wanted) for name in adapted), wanted
    assert not any("embed_tokens" in name or "_head.lora" in name for name in adapted)


def test_only_adapters_new_rows_and_contrastive_heads_train_in_float32(
    base, config, vocabulary
) -> None:
    generator = read_generator(base, config)
    model = add_adapters(generator, vocabulary, SETTINGS)
    training = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert {p.dtype for p in training.values()} == {torch.float32}
    kinds = ("lora_A", "lora_B", "trainable_tokens", "words_head", "codes_head", "temperature")
    assert all(any(kind in name for kind in kinds) for name in training)
    rows = next(p for name, p in training.items() if "trainable_tokens" in name)
    assert rows.shape == (2 * CODES + 5, config.language["hidden_size"])


def test_adapters_start_as_nothing(base, config, vocabulary) -> None:
    plain = read_generator(base, config, torch.float32)
    embeddings = torch.randn(1, 5, config.language["hidden_size"])
    segments = torch.full((1, 5), 2)
    before, _ = plain(embeddings, segments)
    add_adapters(plain, vocabulary, SETTINGS)
    after, _ = plain(embeddings, segments)
    torch.testing.assert_close(before, after)


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(
    base, config, vocabulary, tmp_path
) -> None:
    samples, codes = memory()
    settings = replace(SETTINGS, steps=4, save_every=2, batch_size=2)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    fine_tune(base, config, vocabulary, samples, codes, settings, whole)
    with stopping_after(3), pytest.raises(KeyboardInterrupt):
        fine_tune(base, config, vocabulary, samples, codes, settings, halves)
    fine_tune(base, config, vocabulary, samples, codes, settings, halves, resume=True)
    one, two = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (whole, halves))
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], msg=name)
    with pytest.raises(ValueError, match="other settings"):
        fine_tune(
            base, config, vocabulary, samples, codes, replace(settings, seed=1), halves, resume=True
        )
    with pytest.raises(ValueError, match="--resume"):
        fine_tune(base, config, vocabulary, samples, codes, settings, halves)


@contextmanager
def stopping_after(steps: int) -> Iterator[None]:
    """A user's Ctrl-C after some steps, in the process that trains."""
    left, step = [steps], LoraTrainer.training_step

    def counted(*given, **named):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoraTrainer, "training_step", counted)
        yield


def test_processes_that_draw_samples_survive_an_interrupt() -> None:
    fields = {"ids": torch.zeros(1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lora_run, "as_fields", lambda batch: fields)
        loader = DataLoader(Draws(lambda index: None, 40), num_workers=1, batch_size=None)
        drawn = iter(loader)
        next(drawn)
        os.kill(drawn._workers[0].pid, signal.SIGINT)
        assert len(list(drawn)) == 39


def test_resuming_nothing_says_how_to_start(base, config, vocabulary, tmp_path) -> None:
    samples, codes = memory()
    with pytest.raises(FileNotFoundError, match="without --resume"):
        fine_tune(base, config, vocabulary, samples, codes, SETTINGS, tmp_path, resume=True)


def test_the_memory_is_stated_before_training(base, config, vocabulary, tmp_path, capsys) -> None:
    samples, codes = memory()
    with stopping_after(1), pytest.raises(KeyboardInterrupt):
        fine_tune(base, config, vocabulary, samples, codes, SETTINGS, tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert "parameters train; one device needs about" in said


def test_without_float32_copies_and_with_blocks_held_a_step_is_the_same(
    base, config, vocabulary
) -> None:
    settings = replace(SETTINGS, batch_size=2, rank=4)
    model = add_adapters(read_generator(base, config), vocabulary, settings).train()
    batch = lora_run._stacked([lora_run._draws(*memory(), vocabulary, config, settings)[0]])
    wanted = estimate(model, config, 2, batch["tail"].shape[1]).blocks
    generator = model.base_model.model.generator
    blocks = [
        *reversed(generator.language.model.layers),
        *reversed(generator.vision.siglip.encoder.layers),
        *reversed(generator.vision.dino.encoder.layer),
    ]
    kept = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}

    def step(casts: bool, held: int) -> tuple[dict[str, torch.Tensor], int]:
        """Gradients of what trains, and bytes that stay for the backward pass."""
        cast_inputs(model, casts)
        model.base_model.model.held_blocks = held
        model.activation_checkpointing_enable(
            activation_checkpointing_kwargs={"use_reentrant": False}
        )
        again = [block.gradient_checkpointing for block in blocks]
        assert again == [False] * held + [True] * (len(wanted) - held)
        stays: dict[int, torch.Tensor] = {}

        def stay(tensor: torch.Tensor) -> torch.Tensor:
            stays[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(stay, lambda tensor: tensor):
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(**batch)["loss"]
            model.zero_grad()
            loss.backward()
        found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        return found, sum(
            t.untyped_storage().nbytes() for place, t in stays.items() if place not in kept
        )

    (before, _), (without, few) = step(True, 0), step(False, 0)
    for held in (1, len(wanted)):
        found, more = step(False, held)
        assert 0 < more - few <= sum(wanted[:held])
        for name, gradient in before.items():
            assert torch.equal(without[name], gradient), name
            assert torch.equal(found[name], gradient), name


def test_as_many_blocks_as_memory_has_room_for_are_held() -> None:
    wanted = MemoryEstimate(10.0, 2.0, 8.0, (5.0, 5.0, 5.0, 2.0))
    for room, held, total in (
        (None, 0, 20.0),
        (10.0, 0, 20.0),
        (28.0, 1, 25.0),
        (39.0, 3, 35.0),
        (1000.0, 4, 37.0),
    ):
        filled = wanted.filling(room)
        assert (filled.held, filled.total) == (held, total)
    assert room_on(torch.device("cpu")) is None


def test_the_last_save_is_the_newest_that_is_whole(tmp_path) -> None:
    assert last_save(tmp_path) is None
    for step, state in ((2, "{}"), (10, "{}"), (12, '{"global'), (14, None), (16, "")):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_save(tmp_path) == tmp_path / "checkpoint-10"


def test_an_adapter_that_holds_no_numbers_is_not_merged(base, config, tmp_path) -> None:
    weights = {"base_model.model.a.lora_A.weight": torch.tensor([[1.0, torch.nan]])}
    save_tensors(tmp_path / "adapter_model.safetensors", weights)
    with pytest.raises(TensorFileError, match=r"lora_A\.weight holds NaN"):
        merge_adapter(base, tmp_path, config, tmp_path / "out")


def test_an_adapter_without_its_file_is_looked_for_nowhere_else(base, config, tmp_path) -> None:
    (tmp_path / "adapter_model.bin").write_bytes(b"pickle")
    with pytest.raises(FileNotFoundError, match=r"adapter_model\.safetensors"):
        merge_adapter(base, tmp_path, config, tmp_path / "out")
