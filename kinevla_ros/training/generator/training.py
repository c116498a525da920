"""Training of the generator from demonstrations and a trained codec."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter

from kinevla_ros.base.action_space import ActionSpace
from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.manifest import checked, write_manifest
from kinevla_ros.base.files.state_dict import WeightsError, load_state
from kinevla_ros.base.files.tensor_file import read_tensors, save_tensors
from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.weights import MODEL_FILE
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary
from kinevla_ros.training.generator.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.generator.foresight import Foresight
from kinevla_ros.training.generator.grounded_head import ActionHead
from kinevla_ros.training.generator.motion_heads import MotionHead
from kinevla_ros.training.generator.objective import Batch, losses
from kinevla_ros.training.generator.samples import Samples
from kinevla_ros.training.run_state import OPTIMISER, RunState, load_moments

RESUME_FILE = "resume.safetensors"


@dataclass(frozen=True)
class _Parts:
    """What a training run moves along."""

    model: Generator
    motion_head: ActionHead
    foresight: Foresight | None
    optimiser: torch.optim.AdamW
    device: torch.device


def train_generator(
    samples: Samples,
    codes: NDArray[np.int64],
    vocabulary: Vocabulary,
    config: GeneratorConfig,
    settings: GeneratorSettings,
    out: Path,
    start: Path | None = None,
    resume: bool = False,
    *,
    batches: type[BatchMaker] = BatchMaker,
    head: type[ActionHead] = MotionHead,
) -> Path:
    """Train and save a generator.

    Args:
        samples: frames of a dataset.
        codes: codes of each sample's chunk for each command, (N, 7, variants, levels); of the
            variants the first is exact, the others have disturbed goal codes.
        vocabulary, config, settings: see there.
        out: folder for checkpoints and the TensorBoard log; the result is in `out`.
        start: checkpoint whose weights to start from; random ones without it.
        resume: go on from the last checkpoint in `out`.
        batches: what a batch looks like.
        head: what reads the motion; `read_head` gives the trained one.

    Returns:
        The folder with config.json, model.safetensors, tokenizer.json and manifest.json; who
        adds a file writes the manifest again.

    Raises:
        FileNotFoundError: `resume` without a checkpoint.
        ValueError: the checkpoint was made with other settings or data, `out` holds a run that
            is not to be resumed, `start` has another shape, the loss is no number, or the encoder
            cannot learn alone.
    """
    if settings.encoder_steps and not samples.scene.shape[1]:
        raise ValueError(
            "the dataset has no places of objects (environment_state): leave --encoder-steps out"
        )
    made_of = {"settings": asdict(settings), "datasets": samples.parts}
    state = RunState(out / RESUME_FILE, made_of, resume)
    out.mkdir(parents=True, exist_ok=True)
    parts = _build(config, settings, head, samples.space)
    if start is not None:
        _begin_at(parts, start)
    if parts.foresight is not None:
        parts.foresight.follow(parts.model)
    first = _restore(parts, state) if resume else 0
    maker = batches(samples, codes, vocabulary, config, settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        SummaryWriter(str(out / "log")) as log,
        Progress(*columns, TimeRemainingColumn()) as progress,
    ):
        bar = progress.add_task("train generator", total=settings.steps, completed=first)
        for step, batch in batches_of(maker, first, settings.steps, parts.device):
            terms, figures = _step(parts, batch, settings, step)
            if step % 50 == 0:
                for name, value in (terms | figures).items():
                    log.add_scalar(name, value.detach(), step)
                shown = " ".join(f"{n} {v.item():.3f}" for n, v in (terms | figures).items())
                progress.update(bar, description=f"train generator  {shown}")
                if not progress.console.is_terminal:
                    progress.console.print(f"step {step}  {shown}")
            progress.update(bar, advance=1)
            if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
                saved = {name: module.state_dict() for name, module in _modules(parts).items()}
                state.save(step + 1, saved, parts.optimiser)
    config.save(out)
    vocabulary.save(out)
    save_tensors(out / MODEL_FILE, parts.model.state_dict())
    write_manifest(out)
    return out


def read_head(folder: Path, config: GeneratorConfig, kind: type[ActionHead]) -> ActionHead:
    """The motion head of a finished run, from its last save.

    Raises:
        FileNotFoundError: there is none.
        ManifestError, TensorFileError: it is damaged, or not the one of the checkpoint.
    """
    head = kind(config.language["hidden_size"])
    head.load_state_dict(_under(read_tensors(checked(folder, RESUME_FILE)), "motion."))
    return head


def read_foresight(folder: Path, model: Generator) -> Foresight:
    """What a finished run's model foresees by; see `read_head`."""
    foresight = Foresight(model)
    saved = read_tensors(checked(folder, RESUME_FILE))
    foresight.load_state_dict(_under(saved, "foresight."))
    return foresight


def _build(
    config: GeneratorConfig, settings: GeneratorSettings, kind: type[ActionHead], space: ActionSpace
) -> _Parts:
    torch.manual_seed(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Generator(config).to(device).train()
    numbers = space.horizon * space.width
    head = kind(config.language["hidden_size"], numbers).to(device)
    foresight = Foresight(model).to(device) if settings.weights.foresight else None
    learning = [*model.parameters(), *head.parameters()]
    if foresight is not None:
        learning += [p for p in foresight.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        learning,
        settings.learning_rate,
        betas=(0.9, 0.95),
        weight_decay=settings.weight_decay,
    )
    return _Parts(model, head, foresight, optimiser, device)


def _modules(parts: _Parts) -> dict[str, nn.Module]:
    """What is saved, by the name that it is saved under."""
    modules = {"model": parts.model, "motion": parts.motion_head}
    return modules | ({"foresight": parts.foresight} if parts.foresight else {})


def _begin_at(parts: _Parts, start: Path) -> None:
    try:
        load_state(parts.model, checked(start, MODEL_FILE))
    except WeightsError as problem:
        raise ValueError(f"the weights of {start} have another shape: {problem}") from problem


class _Steps(Dataset[Batch]):
    """Batches by their step, for the processes that make them."""

    def __init__(self, maker: BatchMaker) -> None:
        self._maker = maker

    def __getitem__(self, step: int) -> Batch:
        return self._maker(step)


def batches_of(
    maker: BatchMaker, first: int, steps: int, device: torch.device
) -> Iterator[tuple[int, Batch]]:
    """Batches of the remaining steps, later ones made while the present one trains."""
    if device.type == "cuda":
        # A GPU trains faster than one thread makes batches.
        workers = max(1, (os.cpu_count() or 2) - 2)
        order = range(first, steps)
        loader = DataLoader(
            _Steps(maker), batch_size=None, sampler=order, num_workers=workers,
            worker_init_fn=_start_worker,
        )  # fmt: skip
        yield from zip(order, loader, strict=True)
        return
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(maker, first)
        for step in range(first, steps):
            batch = future.result()
            future = pool.submit(maker, step + 1)
            yield step, batch


def _start_worker(_: int) -> None:
    torch.set_num_threads(1)
    leave_interrupt_to_parent()


def _step(
    parts: _Parts, batch: Batch, settings: GeneratorSettings, step: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    moved = Batch(**{f.name: getattr(batch, f.name).to(parts.device) for f in fields(Batch)})
    for group in parts.optimiser.param_groups:
        group["lr"] = settings.learning_rate * _schedule(step, settings)
    with torch.autocast(parts.device.type, torch.bfloat16):
        terms, figures = losses(
            parts.model,
            moved,
            parts.motion_head,
            encoder_alone=step < settings.encoder_steps,
            text_every=settings.text_every,
            foresight=parts.foresight,
        )
    weights = asdict(settings.weights)
    loss = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
    if not torch.isfinite(loss):
        raise ValueError(f"the loss is {float(loss)} at step {step}; lower the learning rate")
    parts.optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(parts.model.parameters(), 1.0)
    parts.optimiser.step()
    if parts.foresight is not None:
        parts.foresight.follow(parts.model)
    return terms, figures


def _schedule(step: int, settings: GeneratorSettings) -> float:
    """Linear warm-up, then a cosine to zero."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * share))


def _restore(parts: _Parts, state: RunState) -> int:
    """Load the last save; returns the step to go on from."""
    step, saved = state.load(parts.device)
    with naming(state.path, "train into another folder", ValueError):
        for name, module in _modules(parts).items():
            module.load_state_dict(saved[name])
        load_moments(parts.optimiser, saved[OPTIMISER])
    return step


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
