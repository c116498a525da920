"""The training objective: cross-entropy over words and codes, InfoNCE, and regressions.

Where the objects are, and how the arm moves, are learnt as numbers too: a code says nothing of
which other codes are near it. The head that reads the motion serves training alone. Where it is
asked for, what will be seen at the chunk's end is learnt as well (`Foresight`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.training.generator.foresight import Foresight, VisualTokens
from kinevla_ros.training.generator.grounded_head import ActionHead

SCENE_BETA = 0.02
"""Error of the scene up to which the loss is quadratic: 5 mm."""


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term; every term is a mean over its own positions."""

    text: float = 0.3
    codes: float = 1.0
    mutual_information: float = 0.1
    scene: float = 5.0
    motion: float = 2.0
    foresight: float = 0.0


@dataclass(frozen=True)
class Batch:
    """B sequences over F frames, as many for each frame, next to each other.

    Attributes:
        images: (F, cameras, 3, S, S), normalised.
        state: (F, S), normalised.
        prompt: instruction ids (B, P); `prompt_segments` alike.
        tail: written ids (B, N); `tail_segments`, `targets`, `text`, `code` alike.
        command: index of the command behind words and codes (B,); equal ones are InfoNCE positives.
        starts: where in `tail` each level's codes are asked for (B, 2).
        motion: what the goal codes and what all codes say (B, 2, H D), in units of
            `ActionSpace.motion_scale`.
        scene: object poses (F, n) in units of `SCENE_SCALE`; n is 0 where they are not known.
        ahead: pictures at the chunks' ends, shaped as `images`; empty where nobody predicts them.
        followed: whether the sequence's command is the demonstrated one, whose motion leads to
            what `ahead` shows, (B,), bool.
    """

    images: Tensor
    state: Tensor
    prompt: Tensor
    prompt_segments: Tensor
    tail: Tensor
    tail_segments: Tensor
    targets: Tensor
    text: Tensor
    code: Tensor
    command: Tensor
    starts: Tensor
    motion: Tensor
    scene: Tensor
    ahead: Tensor = field(default_factory=lambda: torch.empty(0))
    followed: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.bool))


def losses(
    model: Generator,
    batch: Batch,
    motion_head: ActionHead | None,
    encoder_alone: bool = False,
    text_every: int = 1,
    foresight: Foresight | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Loss terms, and figures to log, of one batch.

    Args:
        encoder_alone: the term of the scene only.
        text_every: of so many frames one teaches the words; see `written_states`.
        foresight: predicts what `Batch.ahead` shows.
    """
    terms: dict[str, Tensor] = {}
    figures: dict[str, Tensor] = {}
    tokens, maps = model.see(batch.images, batch.state)
    scene = model.locate(tokens, maps)
    if scene is not None and batch.scene.numel():
        terms["scene"] = F.smooth_l1_loss(scene.float(), batch.scene, beta=SCENE_BETA)
    if encoder_alone:
        return terms, figures
    seen = model.with_scene(tokens, scene)
    views = len(batch.prompt) // len(seen)
    observation = seen.repeat_interleave(views, dim=0)
    worded = torch.arange(len(batch.prompt), device=seen.device) // views % text_every == 0
    written = written_states(model, batch, observation, worded)
    # All positions, so that shapes stay the same from batch to batch.
    logits = model.language.lm_head(written).float()
    each = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="none")
    right = (logits.argmax(-1) == batch.targets).flatten().float()
    text = batch.text & worded[:, None]
    for name, mask in (("text", text), ("codes", batch.code)):
        weight = mask.flatten().float()
        count = weight.sum().clamp(min=1)
        terms[name] = (each * weight).sum() / count
        figures[f"{name}_top1"] = (right * weight).sum() / count
    terms["mutual_information"] = _info_nce(model, written, batch)
    asked = written.gather(1, batch.starts[..., None].expand(-1, -1, written.shape[-1]))
    sight = None
    if foresight is not None:
        future = foresight.seen(batch.ahead, batch.state)
        present = tokens[:, : future.shape[1]].repeat_interleave(views, dim=0)
        sight = VisualTokens(
            present=foresight.norm(present),
            predicted=foresight(present, asked[:, 1]),
            future=future.repeat_interleave(views, dim=0),
            followed=batch.followed,
        )
        terms["foresight"], more = foresight.loss(sight)
        figures |= more
    if motion_head is not None:
        terms["motion"] = motion_head.loss(asked, batch.motion, sight)
    return terms, figures


def written_states(model: Generator, batch: Batch, observation: Tensor, worded: Tensor) -> Tensor:
    """Last hidden states of the written part, (B, N, width).

    The codes see neither instruction nor words as written. Where `worded` is false both are left
    out, which is faster and gives every other position the state that it would have had.

    Args:
        observation: embedded, one row for each sequence, (B, T, width).
        worded: which sequences keep them, (B,), bool.
    """
    embeddings, segments = model.context(batch.prompt, batch.prompt_segments, observation)
    embeddings = torch.cat([embeddings, model.embed(batch.tail)], dim=1)
    segments = torch.cat([segments, batch.tail_segments], dim=1)
    hidden = torch.zeros_like(embeddings)
    full, part = worded.nonzero().flatten(), (~worded).nonzero().flatten()
    if len(full):
        hidden[full] = model(embeddings[full], segments[full], with_logits=False)[1].to(
            hidden.dtype
        )
    if len(part):
        unseen = torch.tensor(
            [Segment.PAD, Segment.INSTRUCTION, Segment.WORDS], device=segments.device
        )
        left = ~torch.isin(segments[part], unseen)
        # The positions left come first, in their order.
        places = torch.argsort(~left, dim=1, stable=True)[:, : int(left.sum(dim=1).max())]
        rows = part[:, None]
        hidden[rows, places] = model(
            embeddings[rows, places], segments[rows, places], with_logits=False, positions=places
        )[1].to(hidden.dtype)
    return hidden[:, -batch.tail.shape[1] :]


def _info_nce(model: Generator, written: Tensor, batch: Batch) -> Tensor:
    """Symmetric InfoNCE between pooled words and pooled codes (paper equations 6 and 7).

    Each is read without the other, so that neither can copy what it is compared with.
    Samples of one command say the same and are positives of each other, not negatives.
    """
    words, codes = model.agreement(written, batch.tail_segments)
    scores = model.temperature(words @ codes.T)
    same = (batch.command[:, None] == batch.command[None, :]).float()
    positives = same / same.sum(dim=1, keepdim=True)
    rows = -(positives * scores.log_softmax(dim=1)).sum(dim=1).mean()
    columns = -(positives * scores.T.log_softmax(dim=1)).sum(dim=1).mean()
    return (rows + columns) / 2
