"""A fine-tuning run: samples, `transformers.Trainer`, checkpoints, the merged result.

Devices are a matter of the launch (`accelerate launch`, with FSDP or without), not of this code.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from rich.console import Console
from safetensors import SafetensorError
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info
from transformers import Trainer, TrainingArguments

from kinevla_ros.base.files.atomic import copy, write_json
from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.weights import read_generator
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary, texts_fit
from kinevla_ros.language.tokenizer.vocabulary import FILE_NAME as TOKENIZER_FILE
from kinevla_ros.training.generator.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.generator.samples import Samples
from kinevla_ros.training.lora.adapters import (
    BilevelObjective,
    LoraSettings,
    add_adapters,
    as_fields,
    merge_adapter,
)
from kinevla_ros.training.lora.memory import estimate, room_on
from kinevla_ros.training.run_state import CURE, as_json, require_own

ADAPTER_FOLDER, RUN_FOLDER, SETTINGS_FILE = "adapter", "run", "lora.json"
STATE_FILE = "trainer_state.json"
"""What the trainer writes last into a checkpoint: without it the checkpoint is not whole."""
LARGEST_STATE = 256 << 20
LOG_EVERY = 10


class Draws(Dataset):
    """Pairs of sequences over one frame; pair i depends on the seed and i alone: runs resume."""

    def __init__(self, maker: BatchMaker, count: int) -> None:
        self._maker, self._count = maker, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if get_worker_info() is not None:
            # A terminal interrupts every process of a run; its first one ends its workers.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return as_fields(self._maker(index))


class LoraTrainer(Trainer):
    """The trainer, which also logs the terms of the loss."""

    _terms: dict[str, float]

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        if self.state.global_step % LOG_EVERY == LOG_EVERY - 1:
            self._terms = {k: round(float(v), 4) for k, v in outputs.items() if k != "loss"}
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        super().log(logs | getattr(self, "_terms", {}), start_time)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        try:
            super()._save_checkpoint(model, trial)
        except (RuntimeError, SafetensorError) as problem:
            # What torch and safetensors make of a full disk.
            raise OSError(
                f"the save in {self.args.output_dir} failed ({one_line(problem)}); see to the room "
                "on the disk, then go on with --resume from the save before"
            ) from problem

    def _get_train_sampler(self, *_: Any) -> torch.utils.data.Sampler:
        # The draws are random already.
        return torch.utils.data.SequentialSampler(cast(Draws, self.train_dataset))


def fine_tune(
    base: Path,
    config: GeneratorConfig,
    vocabulary: LlamaVocabulary,
    samples: Samples,
    codes: NDArray[np.int64],
    settings: LoraSettings,
    out: Path,
    resume: bool = False,
) -> Path:
    """Fine-tune a converted checkpoint; adapters go to `out/adapter`, the merged model to `out`.

    Args:
        base: folder of the converted checkpoint.
        config: its configuration with the codec's stacks.
        vocabulary: its tokenizer with the codec's codes.
        samples, codes: as of `train_generator`.
        settings: how.
        out: folder; checkpoints and the TensorBoard log go to `out/run`.
        resume: go on from the last checkpoint.

    Raises:
        FileNotFoundError: `resume` without a checkpoint.
        ValueError: the checkpoint was made with other settings or data, `out` holds another run
            and `resume` is not asked for, or FSDP keeps it in shards.
        VocabularyError: the tokenizer cannot write the reasoning.
    """
    texts_fit(vocabulary, [text for pair in samples.tasks.texts() for text in pair])
    _check_run({"settings": asdict(settings), "datasets": samples.parts}, out, resume)
    generator = read_generator(base, config)
    model = add_adapters(generator, vocabulary, settings)
    draws = _draws(samples, codes, vocabulary, config, settings)
    trainer = LoraTrainer(
        model=model,
        args=_arguments(settings, out, bfloat16=generator.language.dtype == torch.bfloat16),
        train_dataset=draws,
        data_collator=_stacked,
    )
    _check_launch(trainer)
    _fit_memory(trainer, model, config, settings, tail=len(draws[0]["tail"]))
    last = last_save(out / RUN_FOLDER) if resume else None
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    trainer.save_model(str(out / ADAPTER_FOLDER))
    if trainer.is_world_process_zero():
        merge_adapter(base, out / ADAPTER_FOLDER, config, out)
        config.save(out)
        copy(base / TOKENIZER_FILE, out / TOKENIZER_FILE)
        write_manifest(out)
    return out


def _check_run(made_of: dict[str, Any], out: Path, resume: bool) -> None:
    """Hold settings and data against those of the run that is to go on; note those of a new one.

    Of several processes each comes here, perhaps when another has begun the same run.
    """
    path, begun = out / SETTINGS_FILE, None
    if last_save(out / RUN_FOLDER) is not None:
        begun = as_json(read_object(path, CURE)) if path.is_file() else {}
    require_own(out, begun, as_json(made_of), resume)
    if not resume and is_first():
        write_json(path, made_of)


def is_first() -> bool:
    """Whether this is the process of the run, perhaps of several, that writes to its folder."""
    return os.environ.get("RANK", "0") == "0"


def last_save(run: Path) -> Path | None:
    """The newest checkpoint of a run that is whole: a full disk or a kill may cut the last one."""
    saves = [path.parent for path in run.glob(f"checkpoint-*/{STATE_FILE}") if _is_whole(path)]
    return max(saves, key=lambda save: int(save.name.rpartition("-")[2]), default=None)


def _is_whole(state: Path) -> bool:
    try:
        read_object(state, "", LARGEST_STATE)
    except ValueError:
        return False
    return state.parent.name.rpartition("-")[2].isdecimal()


def _check_launch(trainer: Trainer) -> None:
    """Sharded checkpoints of adapters could not be merged at the end."""
    plugin = trainer.accelerator.state.fsdp_plugin if trainer.is_fsdp_enabled else None
    if plugin is not None and "FULL_STATE_DICT" not in str(plugin.state_dict_type):
        raise ValueError("launch with fsdp_state_dict_type: FULL_STATE_DICT, as config/fsdp.yaml")


def _draws(
    samples: Samples,
    codes: NDArray[np.int64],
    vocabulary: LlamaVocabulary,
    config: GeneratorConfig,
    settings: LoraSettings,
) -> Draws:
    one = GeneratorSettings(
        batch_size=2,
        alternative_share=settings.alternative_share,
        refusal_share=settings.refusal_share,
        seed=settings.seed,
    )
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    count = settings.steps * settings.accumulation * settings.batch_size // 2 * processes
    return Draws(BatchMaker(samples, codes, vocabulary, config, one), count)


def _arguments(settings: LoraSettings, out: Path, bfloat16: bool) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(out / RUN_FOLDER),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_size // 2,  # pairs
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,  # the original does not clip
        optim="adamw_torch_fused" if cuda else "adamw_torch",
        bf16=bfloat16,
        use_cpu=not cuda,
        activation_checkpointing=True,
        activation_checkpointing_kwargs={"use_reentrant": False},
        save_steps=settings.save_every,
        save_total_limit=2,
        logging_steps=LOG_EVERY,
        report_to="tensorboard",
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        dataloader_num_workers=4 if cuda else 0,
        dataloader_pin_memory=cuda,
        seed=settings.seed,
    )


def _stacked(rows: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}


def _fit_memory(
    trainer: LoraTrainer,
    model: PeftModel,
    config: GeneratorConfig,
    settings: LoraSettings,
    tail: int,
) -> None:
    """Hold what the device has memory for instead of computing it again, and say what is needed."""
    device = trainer.args.device
    # Of sharded weights nobody knows here how much a device will hold.
    room = None if trainer.is_fsdp_enabled else room_on(device)
    wanted = estimate(model, config, settings.batch_size, tail).filling(room)
    cast(BilevelObjective, model.get_base_model()).held_blocks = wanted.held
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    console = Console(quiet=not is_first())
    console.print(f"{trained:,} parameters train; one device needs {wanted}", highlight=False)
    if room is not None and wanted.total > room:
        console.print(
            f"[yellow]the device has {room / 1e9:.0f} GB: lower the batch size, or launch with "
            "FSDP on several",
            highlight=False,
        )
