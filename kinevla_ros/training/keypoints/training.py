"""Training of a keypoint network; the result is one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.keypoints.rig import KeypointRig
from kinevla_ros.keypoints.samples import KeypointSamples, LabelledScene
from kinevla_ros.training.keypoints.batches import CameraBatch, KeypointSettings, batch
from kinevla_ros.training.keypoints.export import export_keypoints
from kinevla_ros.training.keypoints.network import KeypointNetwork
from kinevla_ros.training.run_state import OPTIMISER, RunState, load_moments

SCENES, RESUME_FILE, RESULT = "scenes", "resume.safetensors", "keypoints.onnx"
_MODEL = "model"

FIXED = 0.25
"""Share of the steps, the last ones, in which normalisation no longer follows the batch: cameras
differ in what is usual, and the file has one statistic for all of them."""


def train_keypoints(
    rig: KeypointRig,
    make: Callable[[range], Iterable[LabelledScene]],
    made_of: dict[str, int],
    scenes: int,
    settings: KeypointSettings,
    out: Path,
    resume: bool = False,
) -> Path:
    """Make scenes, train on them, and write the network with what its outputs mean.

    Args:
        rig: what there is to be found.
        make: labelled scenes of numbers, see `KeypointSamples.fill`.
        made_of: what tells these scenes from others, such as their seed.
        scenes: how many.
        settings: see there.
        out: folder for scenes, the run's state and the result.
        resume: go on with a run that was stopped, to these steps, even if they were others before;
            scenes that are there are always kept.

    Returns:
        The file, `RESULT` in `out`.

    Raises:
        FileNotFoundError: `resume` without a run.
        ValueError: the folder holds another run or other scenes, or the loss is no number.
        FolderInUse: another process writes to it.
    """
    with only_writer(out), _bars() as progress:
        own = {name: value for name, value in asdict(settings).items() if name != "steps"}
        state = RunState(out / RESUME_FILE, {"settings": own, **made_of}, resume)
        samples = KeypointSamples(out / SCENES, rig, scenes, made_of)
        bar = progress.add_task("render scenes", total=scenes, completed=samples.done)
        samples.fill(make, lambda done: progress.update(bar, completed=done))
        network = _train(samples, settings, state, resume, progress)
        export_keypoints(network, rig, out / RESULT)
    return out / RESULT


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn())


def _train(
    samples: KeypointSamples,
    settings: KeypointSettings,
    state: RunState,
    resume: bool,
    progress: Progress,
) -> KeypointNetwork:
    torch.manual_seed(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = KeypointNetwork(samples.rig.channels, samples.rig.centres).to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    first = 0
    if resume:
        first, parts = state.load(device)
        network.load_state_dict(parts[_MODEL])
        load_moments(optimiser, parts[OPTIMISER])
    bar = progress.add_task("train keypoints", total=settings.steps, completed=first)
    network.train()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batch, samples, settings, first)
        for step in range(first, settings.steps):
            cameras = coming.result()
            coming = pool.submit(batch, samples, settings, step + 1)
            if step >= (1.0 - FIXED) * settings.steps:
                _fix_statistics(network)
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * _share(step / settings.steps)
            heat, depth = _step(network, optimiser, cameras, settings.depth_weight, device)
            text = f"train keypoints  heat {heat:.3f} depth {depth:.3f}"
            progress.update(bar, advance=1, description=text)
            if step % 50 == 0 and not progress.console.is_terminal:
                progress.console.print(f"step {step}  heat {heat:.3f} depth {depth:.3f}")
            if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
                state.save(step + 1, {_MODEL: network.state_dict()}, optimiser)
    return network.cpu().eval()


def _fix_statistics(network: KeypointNetwork) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _share(done: float) -> float:
    """Of the highest learning rate: up in the first twentieth, then down as a cosine."""
    if done < 0.05:
        return (done + 1e-3) / 0.051
    return 0.5 * (1.0 + float(torch.cos(torch.tensor(torch.pi * (done - 0.05) / 0.95)))) + 1e-3


def _step(
    network: KeypointNetwork,
    optimiser: torch.optim.Optimizer,
    cameras: list[CameraBatch],
    depth_weight: float,
    device: torch.device,
) -> tuple[float, float]:
    """One step over the pictures of all cameras; returns both losses."""
    optimiser.zero_grad()
    shown = torch.zeros(2)
    for each in cameras:
        terms = losses(network, CameraBatch(*(part.to(device) for part in each)))
        loss = terms[0] + depth_weight * terms[1]
        if not torch.isfinite(loss):
            raise ValueError("the loss is no number; train with a smaller --learning-rate")
        (loss / len(cameras)).backward()
        shown += torch.stack(terms).detach().cpu() / len(cameras)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(shown[0]), float(shown[1])


def losses(network: KeypointNetwork, given: CameraBatch) -> tuple[Tensor, Tensor]:
    """Of where keypoints are, cross-entropy, and of how far ahead, log.

    "In no cell" is one more cell with the logit 0, so that the heat map also learns what is not
    in the picture.
    """
    pictures = given.pictures.contiguous(memory_format=torch.channels_last)
    heat, depth = (each.float().flatten(2) for each in network(pictures))
    none = heat.new_zeros(*heat.shape[:2], 1)
    logs = torch.cat([heat, none], -1).log_softmax(-1)
    missing = 1.0 - given.cells.sum(-1)
    entropy = -(given.cells * logs[..., :-1]).sum(-1) - missing * logs[..., -1]
    weight = given.weights.sum().clamp_min(1.0)
    away = (depth - given.depths[..., None]).abs()
    off = (given.cells * away).sum(-1)
    return (given.weights * entropy).sum() / weight, (given.weights * off).sum() / weight
