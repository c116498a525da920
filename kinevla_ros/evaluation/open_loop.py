"""Words and chunks of a checkpoint at the frames of a dataset, where nothing moves.

For any arm: what a policy would do is compared with what was demonstrated from the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.progress import Progress
from rich.table import Table

from kinevla_ros.base.action_space import ActionSpace
from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.resources import resource_path
from kinevla_ros.data.action_space_file import Wanted, require_plausible
from kinevla_ros.data.chunks import demonstrated_chunks
from kinevla_ros.data.lerobot.reader import DatasetReader, EpisodeEntry
from kinevla_ros.data.lerobot.schema import STATE, TEXTS, DatasetError
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import NotUnderstood, Prediction
from kinevla_ros.generator.policy import Policy

MOST_FRAMES = 1000
"""Frames looked at, spread over the dataset."""

Errors = list[NDArray[np.float64]]

RATES = {
    "accepted": "frames whose instruction gave a chunk",
    "goal": "frames whose goal text is the dataset's",
    "kinematics": "frames whose kinematics text is the dataset's",
    "known": "frames whose texts in the dataset the checkpoint knows",
    "gripper": "of these, gripper open and closed in the right steps",
}
COLUMNS = {
    "own_words": "by its own words",
    "dataset_words": "by the dataset's words",
    "still": "if nothing moved",
}
"""Figures and what they say."""


@dataclass
class Findings:
    """What was found, frame by frame.

    Attributes:
        accepted: whether the instruction gave a chunk.
        goal, kinematics: whether the text written was the dataset's; false without a chunk.
        own: absolute errors of the chunk by the model's words, (H, D), where it accepted.
        known: whether the checkpoint knows the dataset's words.
        given: errors of the chunk by the dataset's words, where they are known.
        opened: whether the gripper of that chunk is open and closed in the right steps.
        still: errors of an arm that stays where it is and keeps its gripper as at the first step.
    """

    accepted: list[bool] = field(default_factory=list)
    goal: list[bool] = field(default_factory=list)
    kinematics: list[bool] = field(default_factory=list)
    own: Errors = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    given: Errors = field(default_factory=list)
    opened: list[bool] = field(default_factory=list)
    still: Errors = field(default_factory=list)


def open_loop(
    model: Path | None, dataset: Path, cameras: Mapping[str, str], figures: Path | None
) -> int:
    """Measure, print, write the JSON file; returns the exit code.

    Args:
        model: checkpoint folder; the shipped one without it.
        dataset: held out: not of the episodes that it was trained on.
        cameras: as of `load_samples`.
        figures: JSON file to write.
    """
    folder = model or resource_path("models", "kinevla-tiny")
    try:
        policy, reader = Policy(folder), DatasetReader(dataset)
        with Progress(transient=True) as progress:
            bar = progress.add_task("open loop", total=None)
            found = measure(policy, reader, cameras, lambda: progress.advance(bar))
    except (DatasetError, ValueError, OSError) as problem:
        Console(stderr=True).print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    content = {"model": str(folder), "dataset": str(dataset), **summary(found, policy.space)}
    publish(content, lambda shown: Group(table(shown), *rate_lines(shown)), figures)
    return 0


def measure(
    policy: Policy,
    reader: DatasetReader,
    cameras: Mapping[str, str] | None = None,
    advance: Callable[[], object] = lambda: None,
) -> Findings:
    """Compare a policy with the frames of a dataset.

    Raises:
        ActionSpaceError: its actions or cameras are not the checkpoint's; names both.
        DatasetError: it is damaged or lacks a column.
    """
    cameras, space, columns = cameras or {}, policy.space, reader.frames
    Wanted(space, f"the checkpoint {policy.folder}").require(reader.root, reader.info, cameras)
    if missing := [name for name in (STATE, *TEXTS) if name not in columns]:
        raise DatasetError(f"{reader.root} lacks the columns {', '.join(missing)}")
    require_plausible(reader.root, space, columns)
    chunks = demonstrated_chunks(columns, space)
    own = {name: cameras.get(name, name) for name in space.cameras}
    total, found = len(chunks), Findings()
    rows = np.unique(np.linspace(0, total - 1, min(total, MOST_FRAMES)).round().astype(int))
    for number, entry in enumerate(reader.episodes):
        chosen = rows[(rows >= entry.start) & (rows < entry.start + entry.length)]
        if not len(chosen):
            continue
        videos = {name: reader.video(number, camera) for name, camera in own.items()}
        frames = _Frames(entry, videos, columns, chunks, chosen)
        _by_own_words(policy, frames, found)
        _by_given_words(policy, frames, found)
        advance()
    return found


@dataclass(frozen=True)
class _Frames:
    """Those frames of an episode that are looked at."""

    entry: EpisodeEntry
    videos: Mapping[str, NDArray[np.uint8]]
    columns: Mapping[str, NDArray[Any]]
    chunks: NDArray[np.float32]
    rows: NDArray[np.int64]

    def images(self, row: int) -> dict[str, NDArray[np.uint8]]:
        return {name: video[row - self.entry.start] for name, video in self.videos.items()}

    def state(self, row: int) -> NDArray[np.float64]:
        return self.columns[STATE][row].astype(np.float64)

    def texts(self, row: int) -> tuple[str, str]:
        goal, kinematics = (str(self.columns[name][row]) for name in TEXTS)
        return goal, kinematics


def _by_own_words(policy: Policy, frames: _Frames, found: Findings) -> None:
    policy.reset()
    for row in frames.rows.tolist():
        answer = _answer(policy, frames, row, None)
        written = (answer.goal, answer.kinematics) if answer else (None, None)
        right = [text == wanted for text, wanted in zip(written, frames.texts(row), strict=True)]
        found.accepted.append(answer is not None)
        found.goal.append(right[0])
        found.kinematics.append(right[1])
        if answer:
            found.own.append(np.abs(answer.actions - frames.chunks[row]))


def _by_given_words(policy: Policy, frames: _Frames, found: Findings) -> None:
    space = policy.space
    for row in frames.rows.tolist():
        wanted = frames.chunks[row]
        still = np.repeat(space.start(frames.state(row))[None], space.horizon, axis=0)
        if (gripper := space.gripper_index) is not None:
            still[:, gripper] = wanted[0, gripper]
        found.still.append(np.abs(still - wanted))
        answer = _answer(policy, frames, row, Override(*frames.texts(row)))
        found.known.append(answer is not None)
        if answer:
            found.given.append(np.abs(answer.actions - wanted))
            found.opened.append(bool((space.opened(answer.actions) == space.opened(wanted)).all()))


def _answer(
    policy: Policy, frames: _Frames, row: int, override: Override | None
) -> Prediction | None:
    """What the policy answers; nothing where it refuses."""
    said = frames.entry.instruction
    try:
        return policy.predict(said, frames.images(row), frames.state(row), override)
    except (NotUnderstood, GenerationError):
        return None


def summary(found: Findings, space: ActionSpace) -> dict[str, Any]:
    """Figures as plain JSON types: rates are 0 to 1, errors in the units of the actions."""
    rates = {"accepted": found.accepted, "goal": found.goal, "kinematics": found.kinematics}
    rates |= {"known": found.known}
    if space.gripper:
        rates |= {"gripper": found.opened}
    errors = {"own_words": found.own, "dataset_words": found.given, "still": found.still}
    return {
        "frames": len(found.accepted),
        "actions": space.to_dict(),
        "rates": {name: Rate.of(values).to_json() for name, values in rates.items()},
        "error": {name: _errors(values, space) for name, values in errors.items()},
    }


def _errors(errors: Errors, space: ActionSpace) -> dict[str, Any] | None:
    if not errors:
        return None
    every = np.array(errors)
    mean, end = every.mean(axis=(0, 1)), every[:, -1].mean(axis=0)
    return {
        "frames": len(errors),
        **{
            name: {"mean": float(mean[i]), "end": float(end[i]), "unit": space.units[i]}
            for i, name in enumerate(space.names)
        },
    }


def table(content: dict[str, Any]) -> Table:
    """Mean absolute error of each dimension, over the chunk and at its last step."""
    grid = Table(title=f"Error of the chunk at {content['frames']} frames: mean / at its end")
    for name in ("action", *COLUMNS.values(), "unit"):
        grid.add_column(name, justify="left" if name in ("action", "unit") else "right")
    for name, unit in content["actions"]["actions"].items():
        cells = []
        for column in COLUMNS:
            found = content["error"][column]
            cells.append(f"{found[name]['mean']:.4g} / {found[name]['end']:.4g}" if found else "-")
        grid.add_row(name, *cells, unit)
    return grid


def rate_lines(content: dict[str, Any]) -> list[str]:
    """Each rate and of how many frames it is."""
    return [
        f"{text}: {'-' if rate['rate'] is None else format(rate['rate'], '.1%')} of {rate['n']}"
        for name, text in RATES.items()
        if (rate := content["rates"].get(name))
    ]
