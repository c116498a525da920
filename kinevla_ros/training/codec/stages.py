"""Training of the bi-level codec in the paper's two stages (section 3.1).

Stage I fits the goal level to coarse chunks. Stage II freezes it and fits the kinematics level
to the full chunks. Each stage starts as a plain autoencoder, so that k-means finds codebooks in
latents that already mean something.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich import progress as bars
from torch import Tensor
from torch.nn import functional as F
from torch.utils.tensorboard import SummaryWriter

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import naming
from kinevla_ros.codec.amount import HELD_OUT_SHARE, held_out_of, require_enough
from kinevla_ros.codec.bilevel import BilevelCodec, CodecConfig, Reconstruction
from kinevla_ros.codec.checkpoint import Codec, save_codec
from kinevla_ros.codec.statistics import ActionStatistics
from kinevla_ros.training.codec.report import CodecReport, report
from kinevla_ros.training.codec.weights import chunk_weights, move_weights
from kinevla_ros.training.run_state import OPTIMISER, RunState, load_moments

PROGRESS_FILE = "training.safetensors"
REPORT_FILE = "report.json"
_LOG_EVERY = 50
_KMEANS_SAMPLES = 16_384


@dataclass(frozen=True)
class CodecSettings:
    """How to train.

    Attributes:
        goal_steps, kinematics_steps: Batches of stage I and of stage II.
        warmup_steps: Batches at the start of each stage that are not quantised.
        batch_size: Chunks of a batch.
        learning_rate: Of AdamW at the start of a stage; falls to 0 as a cosine.
        commitment: Weight beta of the commitment term (equation 3).
        end_weight: Weight of the last step's joint error: where the next chunk takes over.
        gripper_weight: Weight of the gripper's cross-entropy.
        goal_only_share: Stage II samples that are decoded from their goal codes alone.
        held_out_share: Share at the end of the array that is kept for the report.
        seed: Of weights and batches.
        save_every: Batches between saves.
        device: Torch device.
    """

    goal_steps: int = 4000
    kinematics_steps: int = 8000
    warmup_steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 2e-3
    commitment: float = 1.0
    end_weight: float = 0.5
    gripper_weight: float = 0.3
    goal_only_share: float = 0.1
    held_out_share: float = HELD_OUT_SHARE
    seed: int = 0
    save_every: int = 2000
    device: str = "cpu"

    @classmethod
    def of_steps(cls, steps: int, **others: Any) -> CodecSettings:
        """Return settings of so many batches, in the shares of the default.

        Args:
            steps: of both stages.
            others: further fields.
        """
        share = steps / (cls.goal_steps + cls.kinematics_steps)
        goal, warmup = round(cls.goal_steps * share), round(cls.warmup_steps * min(share, 1.0))
        return cls(goal_steps=goal, kinematics_steps=steps - goal, warmup_steps=warmup, **others)


def train_codec(
    chunks: NDArray[np.float32],
    common: NDArray[np.float32],
    settings: CodecSettings,
    out_dir: Path,
    *,
    config: CodecConfig | None = None,
    space: ActionSpace = RM75,
    resume: bool = False,
    progress: bool = True,
) -> CodecReport:
    """Train a codec and save it, its report and its TensorBoard log.

    Args:
        chunks: Physical, shape (N, H, D), in the order of their episodes, so that the chunks
            held out are of other episodes; absolute actions as offsets from the state measured
            at the chunk's start, see `ActionSpace.start`.
        common: What each chunk shares with the other ways to its goal, alike; the chunk itself
            where it is the only one known.
        settings: How to train.
        out_dir: Folder for codec.safetensors, codec.json, report.json and log/.
        config: Shape of the codec; that of a chunk comes from the action space.
        space: What the numbers of the chunks mean.
        resume: Go on from the last save of a run with the same settings.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: The chunks are unfit (shape, NaN, too few), the saved run had other settings,
            or there is one and it is not to be resumed.
        FileNotFoundError: There is no save to resume from.
    """
    config = (config or CodecConfig()).shaped_for(space)
    if chunks.shape != common.shape:
        raise ValueError(f"chunks have shape {chunks.shape} and their common parts {common.shape}")
    if chunks.ndim != 3 or chunks.shape[1:] != (config.horizon, config.action_dim):
        raise ValueError(
            f"chunks have shape {chunks.shape}, not (N, {config.horizon}, {config.action_dim})"
        )
    require_enough(len(chunks), config.codes_per_level, settings.held_out_share)
    held_out = held_out_of(len(chunks), settings.held_out_share)
    with _reproducible(settings.seed):
        shown = chunks[:-held_out], common[:-held_out]
        run = _Run(*shown, settings, config, space, out_dir, resume)
        if resume:
            run.restore()
        stable = run.train(common[-held_out:], progress)
    trained = Codec(run.codec.eval(), run.statistics, space)
    save_codec(trained, out_dir)
    figures = report(trained, chunks[-held_out:], common[-held_out:], stable)
    write_json(out_dir / REPORT_FILE, asdict(figures))
    return figures


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Seeded, and on one thread: as fast for networks this small, and the same on every host."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


class _Run:
    """One training run; a batch depends on seed and step alone, so that a run can resume."""

    def __init__(
        self,
        chunks: NDArray[np.float32],
        common: NDArray[np.float32],
        settings: CodecSettings,
        config: CodecConfig,
        space: ActionSpace,
        out_dir: Path,
        resume: bool,
    ) -> None:
        self.statistics = ActionStatistics.fit(chunks, space)
        self._settings, self._out_dir, self._space = settings, out_dir, space
        self._chunks = torch.from_numpy(self.statistics.normalise(chunks)).to(settings.device)
        self._common = torch.from_numpy(self.statistics.normalise(common)).to(settings.device)
        self._move_weights = move_weights(chunks, self.statistics, space).to(settings.device)
        self._chunk_weights = chunk_weights(chunks, space).to(settings.device)
        self.codec = BilevelCodec(config).to(settings.device)
        self._optimiser = _optimiser(self.codec)
        self._stage_one_codes = torch.empty(0, config.goal_levels, dtype=torch.int64)
        self._step = 0
        bounds = [self.statistics.lower.tolist(), self.statistics.upper.tolist()]
        made_of = {
            "settings": asdict(settings) | asdict(config),
            "chunks": [len(chunks), bounds, space.to_dict()],
        }
        self._state = RunState(out_dir / PROGRESS_FILE, made_of, resume)

    def train(self, held_out: NDArray[np.float32], progress: bool) -> float | None:
        """Run both stages; return the share of held-out goal codes that stage II left alone.

        None without goal codes.
        """
        settings = self._settings
        normalised = torch.from_numpy(self.statistics.normalise(held_out)).to(settings.device)
        broad = self.codec.coarse(normalised)
        split, total = settings.goal_steps, settings.goal_steps + settings.kinematics_steps
        columns = (
            bars.TextColumn("codec"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeRemainingColumn(),
        )
        self._out_dir.mkdir(parents=True, exist_ok=True)
        with (
            SummaryWriter(str(self._out_dir / "log"), purge_step=self._step) as log,
            bars.Progress(*columns, disable=not progress) as bar,
        ):
            task = bar.add_task("", total=total, completed=self._step)
            while self._step < total:
                if self._step == split:
                    self._stage_one_codes = self._goal_codes(broad)
                    self.codec.begin_kinematics()
                    self._optimiser = _optimiser(self.codec)
                terms = self._advance()
                if self._step % _LOG_EVERY == 0:
                    for name, value in terms.items():
                        log.add_scalar(name, value.item(), self._step)
                self._step += 1
                bar.update(task, completed=self._step)
                if self._step % settings.save_every == 0 or self._step == total:
                    self._save()
        kept = self._goal_codes(broad) == self._stage_one_codes
        return float(kept.float().mean()) if kept.numel() else None

    def _advance(self) -> dict[str, Tensor]:
        """Take the step that is next; return its loss terms."""
        settings = self._settings
        second = self._step >= settings.goal_steps
        local = self._step - settings.goal_steps * second
        steps = settings.kinematics_steps if second else settings.goal_steps
        torch.manual_seed(settings.seed * 2**32 + self._step)
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * (1 + math.cos(math.pi * local / steps)) / 2
        self.codec.train()
        if local == settings.warmup_steps:
            self._initialise_stack(second)
        quantise = local >= settings.warmup_steps
        drawn = self._draw(settings.batch_size)
        batch, common = self._chunks[drawn], self._common[drawn]
        if second:
            goal_only = torch.rand(len(batch), device=batch.device) < settings.goal_only_share
            result = self.codec.full_pass(batch, common, quantise, goal_only)
        else:
            batch = self.codec.coarse(common)
            result = self.codec.goal_pass(batch, quantise)
        terms = self._losses(result, batch, self._chunk_weights[drawn])
        self._optimiser.zero_grad()
        sum(terms.values(), torch.zeros((), device=batch.device)).backward()
        torch.nn.utils.clip_grad_norm_(self.codec.parameters(), 1.0)
        self._optimiser.step()
        return terms

    def _losses(
        self, result: Reconstruction, batch: Tensor, chunk_weights: Tensor
    ) -> dict[str, Tensor]:
        settings = self._settings
        weights = chunk_weights[:, None, None] * self._move_weights
        config = self.codec.config
        error = (result.moves - batch[..., config.moving]).abs() * weights
        terms = {"joints": error.mean(), "end": settings.end_weight * error[:, -1].mean()}
        if result.gripper_logits is not None:
            opening = ((batch[..., config.gripper] + 1) / 2).clamp(0, 1)
            gripper = F.binary_cross_entropy_with_logits(result.gripper_logits, opening)
            terms["gripper"] = settings.gripper_weight * gripper
        return {**terms, "commitment": settings.commitment * result.commitment}

    @torch.no_grad()
    def _initialise_stack(self, second: bool) -> None:
        drawn = self._draw(min(len(self._chunks), _KMEANS_SAMPLES))
        goal_latents = self.codec.goal_latents(self._common[drawn])
        if second:
            residual = self.codec.kinematics_latents(self._chunks[drawn])
            goal = self.codec.goal_stack(goal_latents)
            self.codec.kinematics_stack.initialise(residual - goal.entries.sum(1))
        else:
            self.codec.goal_stack.initialise(goal_latents)

    def _draw(self, count: int) -> Tensor:
        return torch.randint(len(self._chunks), (count,)).to(self._chunks.device)

    def _goal_codes(self, chunks: Tensor) -> Tensor:
        codes = self.codec.eval().encode(chunks)[:, : self.codec.config.goal_levels]
        return codes.cpu()

    def _save(self) -> None:
        stage_one = {"codes": self._stage_one_codes}
        parts = {"model": self.codec.state_dict(), "stage_one": stage_one}
        self._state.save(self._step, parts, self._optimiser)

    def restore(self) -> None:
        """Take up the last save."""
        self._step, parts = self._state.load(self._settings.device)
        with naming(self._state.path, "train into another folder", ValueError):
            self._stage_one_codes = parts["stage_one"]["codes"].cpu()
            if self._step > self._settings.goal_steps:
                self.codec.freeze_goal()
            self.codec.load_state_dict(parts["model"])
            load_moments(self._optimiser, parts[OPTIMISER])


def _optimiser(codec: BilevelCodec) -> torch.optim.Optimizer:
    return torch.optim.AdamW(codec.parameters(), weight_decay=1e-4)
