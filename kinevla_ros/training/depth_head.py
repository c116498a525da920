"""Training of a depth head on demonstrations; the generator stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.depth_head import DepthHead
from kinevla_ros.generator.model import Generator
from kinevla_ros.language.vocabulary import LEVELS, Vocabulary
from kinevla_ros.training.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.objective import Batch
from kinevla_ros.training.pipeline import code_variants, device
from kinevla_ros.training.samples import Samples, load_samples

COUNTED_STEPS = 50
"""Last steps over which the share of right codes is taken."""


def depth_head_from_dataset(
    datasets: Sequence[Path], codec: Path, model: Path, settings: GeneratorSettings
) -> float:
    """Train the depth head of a checkpoint and save it there.

    Args:
        datasets, codec: what the generator was trained on.
        model: folder of the checkpoint.
        settings: steps, batch size, learning rate and seed.

    Returns:
        Share of the codes after the first that it chose right at the end of training.

    Raises:
        DatasetError: the dataset is missing or damaged.
        ContractError: the codec is damaged.
        CheckpointError: the checkpoint is incomplete or damaged.
    """
    generator, vocabulary = load_generator(model)
    samples = load_samples(datasets, generator.config.image_size)
    codes = code_variants(samples, load_codec(codec), settings.seed)
    head, right = train_depth_head(generator.to(device()), vocabulary, samples, codes, settings)
    head.save(model)
    return right


def train_depth_head(
    model: Generator,
    vocabulary: Vocabulary,
    samples: Samples,
    codes: NDArray,
    settings: GeneratorSettings,
) -> tuple[DepthHead, float]:
    """Train a depth head in float32; returns it and its share of right codes at the end.

    Args:
        samples, codes: as of `train_generator`.

    Raises:
        ValueError: no level has a second code.
    """
    if max(model.config.goal_codes, model.config.kinematics_codes) == 1:
        raise ValueError("every level has one code; there is nothing for a depth head to choose")
    torch.manual_seed(settings.seed)
    place = next(model.parameters()).device
    head = DepthHead(model.config).to(place)
    optimiser = torch.optim.AdamW(head.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.steps
    )
    maker = BatchMaker(samples, codes, vocabulary, model.config, settings)
    shares = []
    with Progress() as progress:
        bar = progress.add_task("train depth head", total=settings.steps)
        for step in range(settings.steps):
            batch = maker(step)
            batch = Batch(**{f.name: getattr(batch, f.name).to(place) for f in fields(Batch)})
            loss, right = _loss(model, vocabulary, head, batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            shares.append(right.detach())
            progress.update(bar, advance=1)
    return head.eval(), float(torch.stack(shares[-COUNTED_STEPS:]).mean())


def _loss(
    model: Generator, vocabulary: Vocabulary, head: DepthHead, batch: Batch
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the codes after each level's first, and the share that is right."""
    config = model.config
    asked = _states(model, batch)
    scores, wanted = [], []
    for index, count in enumerate((config.goal_codes, config.kinematics_codes)):
        level = LEVELS[index]
        places = batch.starts[:, index, None] + 1 + torch.arange(count, device=asked.device)
        ids = batch.tail.gather(1, places)
        # Disturbed goal codes are there to be read, not to be learnt.
        learnt = batch.code.gather(1, places[:, :1]).squeeze(1)
        state = head.begin(asked[:, index])
        for place in range(1, count):
            state = head.step(model.embed(ids[:, place - 1]).float(), state)
            scores.append(head.logits(level, state)[learnt])
            wanted.append(ids[learnt, place] - vocabulary.code_id(level, 0))
    logits, target = torch.cat(scores), torch.cat(wanted)
    return F.cross_entropy(logits, target), (logits.argmax(-1) == target).float().mean()


@torch.no_grad()
def _states(model: Generator, batch: Batch) -> Tensor:
    """Last hidden states where each level's codes are asked for, [B, 2, width], float32."""
    seen = model.observe(batch.images, batch.state)
    seen = seen.repeat_interleave(len(batch.prompt) // len(seen), dim=0)
    embeddings, segments = model.context(batch.prompt, batch.prompt_segments, seen)
    embeddings = torch.cat([embeddings, model.embed(batch.tail)], dim=1)
    segments = torch.cat([segments, batch.tail_segments], dim=1)
    _, hidden = model(embeddings, segments, heads=False)
    written = hidden[:, -batch.tail.shape[1] :]
    return written.gather(1, batch.starts[..., None].expand(-1, -1, written.shape[-1])).float()
