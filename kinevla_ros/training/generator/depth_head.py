"""Training of a depth head on demonstrations; the generator stays as it is.

The generator reads its batches once. The head then learns from the states they left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from rich.progress import Progress, track
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.data.action_space_file import Wanted
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.decoding.depth_head import DepthHead
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Level, Vocabulary
from kinevla_ros.training.generator.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.generator.objective import Batch, written_states
from kinevla_ros.training.generator.samples import load_samples
from kinevla_ros.training.pipeline import code_variants, device

STEP = 512
"""Samples of one step of the head."""

HELD_OUT = 0.05
"""Share of the batches, the last ones, that the head is judged by."""


@dataclass(frozen=True)
class Right:
    """Share of the codes after a level's first chosen right, the codes before them being true.

    Attributes:
        head: by the depth head, in batches it has not learnt from.
        generator: by the generator, in the same.
    """

    head: float
    generator: float


@dataclass(frozen=True)
class Lessons:
    """N samples of one level.

    Attributes:
        states: last hidden states where the level's first code is chosen, (N, width), float32.
        ids: token ids of the level's true codes, (N, levels).
        right: which of the codes after the first the generator chooses itself, (N, levels - 1).
    """

    states: Tensor
    ids: Tensor
    right: Tensor


def depth_head_from_dataset(
    datasets: Sequence[Path],
    codec: Path,
    model: Path,
    settings: GeneratorSettings,
    steps: int,
    cameras: Mapping[str, str] | None = None,
) -> Right:
    """Train the depth head of a checkpoint and save it there; see `train_depth_head`.

    Args:
        datasets, codec: what the generator was trained on.
        model: folder of the checkpoint.
        cameras: as of `load_samples`.

    Raises:
        DatasetError: the dataset is missing or damaged.
        ContractError: the codec is damaged.
        CheckpointError: the checkpoint is incomplete or damaged.
        FolderInUse: another process writes to the checkpoint.
    """
    generator, vocabulary = load_generator(model)
    with only_writer(model):
        trained = load_codec(codec)
        wanted = Wanted(trained.space, f"the codec {codec}")
        samples = load_samples(datasets, generator.config.image_size, cameras, wanted)
        codes = code_variants(samples, trained, settings.seed)
        maker = BatchMaker(samples, codes, vocabulary, generator.config, settings)
        head, right = train_depth_head(generator.to(device()), vocabulary, maker, settings, steps)
        head.save(model)
    return right


def train_depth_head(
    model: Generator,
    vocabulary: Vocabulary,
    maker: BatchMaker,
    settings: GeneratorSettings,
    steps: int,
) -> tuple[DepthHead, Right]:
    """Train a depth head in float32; returns it and what it gets right.

    Args:
        maker: of the batches that the generator reads.
        settings: how many batches, the head's learning rate and seed.
        steps: of the head.

    Raises:
        ValueError: no level has a second code.
    """
    if max(model.config.goal_codes, model.config.kinematics_codes) == 1:
        raise ValueError("every level has one code; there is nothing for a depth head to choose")
    torch.manual_seed(settings.seed)
    held_out = max(1, round(HELD_OUT * settings.steps))
    lessons = _lessons(model, vocabulary, maker, range(settings.steps))
    kept = _lessons(model, vocabulary, maker, range(settings.steps, settings.steps + held_out))
    head = DepthHead(model.config).to(next(model.parameters()).device)
    optimiser = torch.optim.AdamW(head.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps
    )
    with Progress() as progress:
        bar = progress.add_task("train depth head", total=steps)
        for _ in range(steps):
            terms = [
                _loss(model, vocabulary, head, level, _drawn(lessons[level])) for level in lessons
            ]
            optimiser.zero_grad()
            torch.stack(terms).sum().backward()
            optimiser.step()
            schedule.step()
            progress.update(bar, advance=1)
    return head.eval(), _judge(model, vocabulary, head, kept)


def _drawn(lessons: Lessons) -> Lessons:
    rows = torch.randint(len(lessons.states), (STEP,), device=lessons.states.device)
    return Lessons(lessons.states[rows], lessons.ids[rows], lessons.right[rows])


def _loss(
    model: Generator, vocabulary: Vocabulary, head: DepthHead, level: Level, lessons: Lessons
) -> Tensor:
    """Cross-entropy of the codes after the first."""
    scores = _scores(model, head, level, lessons)
    return F.cross_entropy(scores.flatten(0, 1), _later(vocabulary, level, lessons).flatten())


@torch.no_grad()
def _judge(
    model: Generator, vocabulary: Vocabulary, head: DepthHead, kept: dict[Level, Lessons]
) -> Right:
    chosen = torch.cat(
        [
            (_scores(model, head, level, some).argmax(-1) == _later(vocabulary, level, some))
            for level, some in kept.items()
        ]
    )
    own = torch.cat([some.right for some in kept.values()])
    return Right(float(chosen.float().mean()), float(own.float().mean()))


def _scores(model: Generator, head: DepthHead, level: Level, lessons: Lessons) -> Tensor:
    """Scores of the codes after the first, each after the true ones before, (N, levels - 1, K)."""
    state, scores = head.begin(lessons.states), []
    for ids in lessons.ids[:, :-1].unbind(1):
        state = head.step(model.embed(ids).detach().float(), state)
        scores.append(head.logits(level, state))
    return torch.stack(scores, dim=1)


def _later(vocabulary: Vocabulary, level: Level, lessons: Lessons) -> Tensor:
    return lessons.ids[:, 1:] - vocabulary.code_id(level, 0)


@torch.no_grad()
def _lessons(
    model: Generator, vocabulary: Vocabulary, maker: BatchMaker, numbers: range
) -> dict[Level, Lessons]:
    """What some batches teach, for each level that has a second code."""
    counts = model.config.goal_codes, model.config.kinematics_codes
    found: dict[Level, list[Lessons]] = {
        level: [] for level, count in zip(LEVELS, counts, strict=True) if count > 1
    }
    place = next(model.parameters()).device
    for number in track(numbers, "read batches"):
        batch = maker(number)
        batch = Batch(**{f.name: getattr(batch, f.name).to(place) for f in fields(Batch)})
        hidden = _states(model, batch)
        for index, level in enumerate(LEVELS):
            if level in found:
                found[level].append(_level(model, vocabulary, batch, hidden, index, counts[index]))
    names = [f.name for f in fields(Lessons)]
    return {
        level: Lessons(*(torch.cat([getattr(part, name) for part in parts]) for name in names))
        for level, parts in found.items()
    }


def _level(
    model: Generator, vocabulary: Vocabulary, batch: Batch, hidden: Tensor, index: int, count: int
) -> Lessons:
    """The lessons of one level in a batch; disturbed goal codes are read and not learnt."""
    places = batch.starts[:, index, None] + torch.arange(count, device=hidden.device)
    rows = batch.code.gather(1, places[:, :1]).flatten().nonzero()
    places, ids = places[rows[:, 0]], batch.targets[rows, places[rows[:, 0]]]
    states = hidden[rows, places]
    first = vocabulary.code_id(LEVELS[index], 0)
    weight = model.language.lm_head.weight[first : first + model.config.codes_per_level]
    chosen = F.linear(states[:, 1:], weight).argmax(-1) + first
    return Lessons(states[:, 0].float(), ids, chosen == ids[:, 1:])


def _states(model: Generator, batch: Batch) -> Tensor:
    """Last hidden states of the written part, (B, N, width); zeros where words are written."""
    seen = model.observe(batch.images, batch.state)
    seen = seen.repeat_interleave(len(batch.prompt) // len(seen), dim=0)
    nothing = torch.zeros(len(batch.prompt), dtype=torch.bool, device=seen.device)
    return written_states(model, batch, seen, nothing)
