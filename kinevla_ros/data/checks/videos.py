"""Videos against the episode list: sizes, rates, spans and how many pictures there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.data.checks.finding import FaultPlace, Finding
from kinevla_ros.data.lerobot.metadata_checks import video_size
from kinevla_ros.data.lerobot.reader import DatasetReader, EpisodeEntry
from kinevla_ros.data.lerobot.schema import CURE, DatasetError, camera_key
from kinevla_ros.data.video import VideoHeader, read_header


def check_videos(reader: DatasetReader, cameras: Sequence[str]) -> Iterator[Finding]:
    """Yield files that are damaged, of another size or rate, or end too early, and wrong spans."""
    for camera in cameras:
        if camera not in reader.cameras:
            continue
        key = camera_key(camera)
        clips = ((entry.clips[camera], entry) for entry in reader.episodes)
        ordered = sorted(clips, key=lambda pair: (pair[0].path, pair[0].first))
        for path, group in groupby(ordered, lambda pair: pair[0].path):
            episodes = [entry for _, entry in group]
            yield from _check_spans(reader, camera, episodes)
            try:
                header = read_header(path)
            except DatasetError as problem:
                said = one_line(problem).removesuffix(f"; {CURE}")
                yield Finding(key, said, CURE, FaultPlace(episodes[0].index))
                continue
            yield from _check_file(reader, camera, path, header, episodes)


def _check_spans(
    reader: DatasetReader, camera: str, episodes: Sequence[EpisodeEntry]
) -> Iterator[Finding]:
    fps, key = reader.info["fps"], camera_key(camera)
    end = 0
    for entry in episodes:
        first, last = reader.span(entry.index, camera)
        if abs((last - first) * fps - entry.length) > 0.5:
            problem = (
                f"its video runs from {first:.2f} to {last:.2f} s, {(last - first) * fps:.0f} "
                f"frames, and the episode has {entry.length}"
            )
            yield Finding(key, problem, CURE, FaultPlace(entry.index))
        begin = entry.clips[camera].first
        if begin < end:
            problem = f"its video begins {end - begin} frames before the last episode's ends"
            yield Finding(key, problem, CURE, FaultPlace(entry.index))
        end = begin + entry.length


def _check_file(
    reader: DatasetReader,
    camera: str,
    path: Path,
    header: VideoHeader,
    episodes: Sequence[EpisodeEntry],
) -> Iterator[Finding]:
    fps, key = reader.info["fps"], camera_key(camera)
    name = path.relative_to(reader.root)
    size = video_size(reader.info["features"][key])
    if header.size != size:
        found, wanted = (f"{width}x{height}" for height, width in (header.size, size))
        problem = f"{name} is of {found} px, and meta/info.json says {wanted}"
        yield Finding(key, problem, CURE, FaultPlace(episodes[0].index))
    if header.rate and abs(header.rate / fps - 1) > 0.02:
        problem = f"{name} has {header.rate:.3g} pictures a second, and meta/info.json says {fps}"
        yield Finding(key, problem, CURE, FaultPlace(episodes[0].index))
    for entry in episodes:
        missing = entry.clips[camera].first + entry.length - header.frames
        if missing > 0:
            frame = max(0, entry.length - missing)
            problem = f"{name} ends {missing} frames before the episode does"
            yield Finding(key, problem, CURE, FaultPlace(entry.index, frame))
            return
    spare = header.frames - max(e.clips[camera].first + e.length for e in episodes)
    if spare:
        problem = f"{name} holds {spare} pictures more than its episodes"
        cure = "nothing to do if a recording was interrupted; else it is another video"
        yield Finding(key, problem, cure, FaultPlace(episodes[-1].index), stops=False)
