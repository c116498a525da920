"""Results of an evaluation in a file, one line of JSON an episode, so that it can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from kinevla_ros.base.files.manifest import FILE_NAME as MANIFEST
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.evaluation.suite.tried import Tried

_TUPLES = ("model_times", "warm", "codes", "texts", "path", "disagreement")


class Rows:
    """The file of one evaluation; its first line says of which.

    Args:
        file: made where it is not there.
        run: what every result depends on besides its episode, such as the model.
        plan: all episodes that are wanted.

    Attributes:
        done: results of the plan's episodes that the file holds.

    Raises:
        ValueError: the file is of another run, or is none.
    """

    def __init__(self, file: Path, run: Mapping[str, Any], plan: Sequence[EpisodeSetup]) -> None:
        self._file, self._run = file, dict(run)
        self._wanted = {_key(episode): episode for episode in plan}
        lines = file.read_text().splitlines() if file.exists() else []
        # A line that a crash cut short is written again.
        self._whole = [line for line in lines if _is_whole(line)]
        if lines and not self._whole:
            raise ValueError(f"{file} holds no results of an evaluation; give another file")
        if self._whole and json.loads(self._whole[0]) != {"run": self._run}:
            raise ValueError(
                f"{file} holds results of another run, with {self._whole[0][:300]}; give another "
                "file, or the same model and options"
            )
        self.done = [
            _result(self._wanted[key], row)
            for row in map(json.loads, self._whole[1:])
            if (key := row.pop("key")) in self._wanted
        ]

    def left(self) -> list[EpisodeSetup]:
        """Episodes of the plan that are still to be run."""
        known = {_key(result.episode) for result in self.done}
        return [episode for key, episode in self._wanted.items() if key not in known]

    def kept(self, results: Iterable[EpisodeResult]) -> Generator[EpisodeResult]:
        """What was done before, then the results as they come, each of them written."""
        yield from self.done
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("w") as out:
            for line in self._whole or [json.dumps({"run": self._run})]:
                out.write(line + "\n")
            for result in results:
                out.write(json.dumps(_row(result)) + "\n")
                out.flush()
                yield result


def run_of(tried: Tried, settings: EvaluationSettings) -> dict[str, Any]:
    """What every result depends on besides its episode."""
    manifest = tried.folder / MANIFEST
    return {
        "suite": settings.suite,
        "model": tried.folder.name,
        "manifest": hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else "",
        "weights": settings.weights,
        "depth_head": settings.depth_head,
        "keypoints": settings.keypoints and settings.keypoints.name,
    }


def _is_whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _key(episode: EpisodeSetup) -> str:
    """What tells an episode of a run from all others."""
    return json.dumps(
        [
            episode.command.goal,
            episode.command.kinematics,
            episode.seed,
            episode.trial,
            episode.instruction,
            episode.condition,
        ]
    )


def _row(result: EpisodeResult) -> dict[str, Any]:
    row = {f.name: getattr(result, f.name) for f in fields(result) if f.name != "episode"}
    worded = result.worded
    row["worded"] = None if worded is None else worded.task_number
    return {"key": _key(result.episode), **row}


def _result(episode: EpisodeSetup, row: Mapping[str, Any]) -> EpisodeResult:
    found = dict(row)
    for name in _TUPLES:
        found[name] = tuple(tuple(v) if isinstance(v, list) else v for v in found[name])
    number = found["worded"]
    found["worded"] = None if number is None else episode.command.tasks.commands[number - 1]
    return EpisodeResult(episode=episode, **found)
