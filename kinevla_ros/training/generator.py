"""Training of the generator from demonstrations and a trained codec."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.images import STATE_SCALE, image_tensor
from kinevla_ros.generator.model import Generator
from kinevla_ros.generator.sequence import instruction_ids, tail
from kinevla_ros.language.grammar import TASKS, goal_text, instruction, kinematics_text, siblings
from kinevla_ros.language.vocabulary import Vocabulary
from kinevla_ros.training.objective import Batch, LossWeights, losses
from kinevla_ros.training.samples import Samples

MODEL_FILE = "model.safetensors"
RESUME_FILE = "resume.safetensors"
PHRASINGS = 1024
"""Instructions drawn for each command before training."""


@dataclass(frozen=True)
class GeneratorSettings:
    """How to train.

    Attributes:
        steps, batch_size, learning_rate, warmup, weight_decay: AdamW with a cosine schedule.
        alternative_share: samples that follow another command than the demonstration did.
        swap_share: samples whose instruction is another of the same family while words and
            codes stay true; they carry no text loss and teach the codes to heed the words.
        seed: of batches and weights.
        save_every: steps between checkpoints.
    """

    steps: int = 30_000
    batch_size: int = 64
    learning_rate: float = 8e-4
    warmup: int = 300
    weight_decay: float = 0.02
    alternative_share: float = 0.5
    swap_share: float = 0.25
    seed: int = 0
    save_every: int = 500
    weights: LossWeights = field(default_factory=LossWeights)


class BatchMaker:
    """Draws batches; the batch of a step depends on seed and step alone, so runs resume."""

    def __init__(
        self,
        samples: Samples,
        codes: NDArray[np.int64],
        vocabulary: Vocabulary,
        config: GeneratorConfig,
        settings: GeneratorSettings,
    ) -> None:
        self._samples, self._codes = samples, codes
        self._vocabulary, self._config, self._settings = vocabulary, config, settings
        rng = np.random.default_rng(settings.seed)
        self._prompts = [
            [
                instruction_ids(vocabulary, config, instruction(command, rng))
                for _ in range(PHRASINGS)
            ]
            for command in TASKS
        ]
        codes_of_zero = [0] * config.goal_codes, [0] * config.kinematics_codes
        self._sibling = [[TASKS.index(s) for s in siblings(command)] for command in TASKS]
        # One length for all batches: a CPU compiles its kernels anew for each shape.
        self._length = max(
            len(tail(vocabulary, goal_text(c), kinematics_text(c), *codes_of_zero).ids)
            for c in TASKS
        )
        scene = samples.scene
        self._scene_mean = scene.mean(axis=0)
        self._scene_scale = scene.std(axis=0) + 1e-3

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, on the CPU."""
        settings, samples = self._settings, self._samples
        rng = np.random.default_rng((settings.seed, step))
        rows = np.sort(rng.integers(len(samples), size=settings.batch_size))
        images = samples.images[rows]
        tasks, prompts, tails, swapped = [], [], [], []
        for row in rows:
            task = int(samples.task[row])
            if rng.random() < settings.alternative_share:
                task = int(rng.choice(np.flatnonzero(samples.valid[row])))
            asked = task
            if rng.random() < settings.swap_share:
                asked = int(rng.choice(self._sibling[task]))
            codes = self._codes[row, task]
            split = self._config.goal_codes
            command = TASKS[task]
            tasks.append(task)
            swapped.append(asked != task)
            prompts.append(self._prompts[asked][int(rng.integers(PHRASINGS))])
            tails.append(
                tail(
                    self._vocabulary,
                    goal_text(command),
                    kinematics_text(command),
                    codes[:split].tolist(),
                    codes[split:].tolist(),
                )
            )
        length = self._length
        text = _padded([t.text for t in tails], length).bool()
        text[torch.tensor(swapped)] = False
        scene = (samples.scene[rows] - self._scene_mean) / self._scene_scale
        return Batch(
            images=image_tensor(_relit(images, rng)),
            state=torch.from_numpy(samples.state[rows] / STATE_SCALE),
            prompt=torch.tensor([ids for ids, _ in prompts]),
            prompt_segments=torch.tensor([segments for _, segments in prompts]),
            tail=_padded([t.ids for t in tails], length),
            tail_segments=_padded([t.segments for t in tails], length),
            text=text,
            code=_padded([t.code for t in tails], length).bool(),
            family=torch.tensor(tasks),
            scene=torch.from_numpy(scene),
        )


@dataclass(frozen=True)
class _Parts:
    """What a training run moves along."""

    model: Generator
    scene_head: nn.Module | None
    optimiser: torch.optim.AdamW
    device: torch.device


def train_generator(
    samples: Samples,
    codes: NDArray[np.int64],
    vocabulary: Vocabulary,
    config: GeneratorConfig,
    settings: GeneratorSettings,
    out: Path,
    resume: bool = False,
) -> Path:
    """Train and save a generator.

    Args:
        samples: frames of a dataset.
        codes: codec's code of each sample's chunk for each command, [N, 7, levels].
        vocabulary, config, settings: see there.
        out: folder for checkpoints and the TensorBoard log; the result is in `out`.
        resume: go on from the last checkpoint in `out`.

    Returns:
        The folder with config.json, model.safetensors and tokenizer.json.

    Raises:
        FileNotFoundError: `resume` without a checkpoint.
        ValueError: the checkpoint was made with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts = _build(config, settings, samples.scene.shape[1])
    first = _restore(parts, settings, out) if resume else 0
    maker = BatchMaker(samples, codes, vocabulary, config, settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        SummaryWriter(str(out / "log")) as log,
        Progress(*columns, TimeRemainingColumn()) as progress,
    ):
        bar = progress.add_task("train generator", total=settings.steps, completed=first)
        for step, batch in _batches(maker, first, settings.steps):
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
                _save(parts, settings, step + 1, out)
    config.save(out)
    vocabulary.save(out)
    save_file(parts.model.state_dict(), out / MODEL_FILE)
    return out


def _build(config: GeneratorConfig, settings: GeneratorSettings, scene: int) -> _Parts:
    torch.manual_seed(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Generator(config).to(device).train()
    width = config.language["hidden_size"]
    head = nn.Linear(2 * config.image_tokens * width, scene).to(device) if scene else None
    parameters = [*model.parameters(), *(head.parameters() if head else ())]
    optimiser = torch.optim.AdamW(
        parameters,
        settings.learning_rate,
        betas=(0.9, 0.95),
        weight_decay=settings.weight_decay,
    )
    return _Parts(model, head, optimiser, device)


def _batches(maker: BatchMaker, first: int, steps: int) -> Iterator[tuple[int, Batch]]:
    """Batches of the remaining steps, the next one made while the present one trains."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(maker, first)
        for step in range(first, steps):
            batch = future.result()
            future = pool.submit(maker, step + 1)
            yield step, batch


def _step(
    parts: _Parts, batch: Batch, settings: GeneratorSettings, step: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    moved = Batch(**{f.name: getattr(batch, f.name).to(parts.device) for f in fields(Batch)})
    for group in parts.optimiser.param_groups:
        group["lr"] = settings.learning_rate * _schedule(step, settings)
    with torch.autocast(parts.device.type, torch.bfloat16):
        terms, figures = losses(parts.model, moved, parts.scene_head)
    weights = asdict(settings.weights)
    loss = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
    if not torch.isfinite(loss):
        raise FloatingPointError(f"the loss is {float(loss)} at step {step}; lower learning_rate")
    parts.optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(parts.model.parameters(), 1.0)
    parts.optimiser.step()
    return terms, figures


def _schedule(step: int, settings: GeneratorSettings) -> float:
    """Linear warm-up, then a cosine to zero."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * share))


def _save(parts: _Parts, settings: GeneratorSettings, step: int, out: Path) -> None:
    """Write a checkpoint to resume from; the old one stays until the new one is whole."""
    tensors = {f"model.{k}": v for k, v in parts.model.state_dict().items()}
    if parts.scene_head is not None:
        tensors |= {f"scene.{k}": v for k, v in parts.scene_head.state_dict().items()}
    for index, state in parts.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": v for k, v in state.items()}
    meta = {"step": str(step), "settings": json.dumps(asdict(settings))}
    partial = out / f"{RESUME_FILE}.partial"
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, partial, meta)
    partial.replace(out / RESUME_FILE)


def _restore(parts: _Parts, settings: GeneratorSettings, out: Path) -> int:
    """Load the last checkpoint; returns the step to go on from."""
    path = out / RESUME_FILE
    if not path.is_file():
        raise FileNotFoundError(f"nothing to resume in {out}; start without --resume")
    with safe_open(path, "pt") as file:
        meta = file.metadata()
    if json.loads(meta["settings"]) != asdict(settings):
        raise ValueError(f"{path} was made with other settings ({meta['settings']})")
    tensors = load_file(path, device=str(parts.device))
    parts.model.load_state_dict(_under(tensors, "model."))
    if parts.scene_head is not None:
        parts.scene_head.load_state_dict(_under(tensors, "scene."))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _under(tensors, "optimiser.").items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = value
    groups = parts.optimiser.state_dict()["param_groups"]
    parts.optimiser.load_state_dict({"state": state, "param_groups": groups})
    return int(meta["step"])


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _padded(rows: Sequence[Sequence[int]], length: int) -> Tensor:
    """Rows as one tensor [B, length], zeros (the pad id and segment) at their ends."""
    padded = torch.zeros(len(rows), length, dtype=torch.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = torch.tensor(row)
    return padded


def _relit(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random brightness and contrast for each sample."""
    shape = (len(images), 1, 1, 1, 1)
    gain = rng.uniform(0.8, 1.2, shape).astype(np.float32)
    offset = rng.uniform(-20, 20, shape).astype(np.float32)
    return np.clip(images * gain + offset, 0, 255).astype(np.uint8)
