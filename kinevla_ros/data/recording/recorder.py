"""Begins, ends and watches episodes; what is received comes from outside."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.files.lock import FolderLock
from kinevla_ros.data.recording import folders
from kinevla_ros.data.recording.bag import FAILURE, INSTRUCTION, UNFINISHED, VERDICT
from kinevla_ros.data.recording.episode_file import TopicDefinition
from kinevla_ros.data.recording.episode_writer import EpisodeWriter
from kinevla_ros.data.recording.topics import TopicKind
from kinevla_ros.data.recording.watch import StreamWatch, skew
from kinevla_ros.data.synchronisation.instructions import InstructionLog

FRESH = 2.0
"""A required topic of which nothing has come for so long is missing, s."""

LOST, ENDED = "lost", "ended"
"""Entries of `custom_data`: what is missing, and why there is no more."""


class RecordingError(RuntimeError):
    """An episode cannot begin or end so; the message says what to do."""


@dataclass(frozen=True)
class TopicState:
    """How a topic comes.

    Attributes:
        name: of the topic.
        messages: since the episode began, or since the one before ended.
        rate: Hz, over the last two seconds.
        gaps: between stamps.
        missing: messages that would have filled them.
        longest_gap: s.
        dropped: messages that the disk was too slow for.
    """

    name: str
    messages: int
    rate: float
    gaps: int
    missing: int
    longest_gap: float
    dropped: int


@dataclass(frozen=True)
class RecorderState:
    """What the recorder does.

    Attributes:
        episode: its name; empty while there is none.
        problem: why nothing more is written of it.
        waits_for: required topics that do not come.
        instruction: of the episode where it was set for it; else in force now.
        seconds: since it began.
        size: bytes on the disk.
        waiting: bytes that are not yet there.
        free: bytes free on the disk.
        skew: largest time between pictures of the two cameras, s.
        topics: each that has come or is required.
    """

    episode: str
    problem: str
    waits_for: tuple[str, ...]
    instruction: str
    seconds: float
    size: int
    waiting: int
    free: int
    skew: float
    topics: tuple[TopicState, ...]


class EpisodeRecorder:
    """One at a time in a folder; one thread calls it.

    Args:
        root: folder of the episodes; made if absent.
        topics: what is recorded.
        least_free: bytes of the disk that stay free.

    Attributes:
        instructions: what was said.

    Raises:
        FolderInUse: another recorder writes there.
        OSError: the folder cannot be made.
    """

    def __init__(self, root: Path, topics: Sequence[TopicKind], least_free: int) -> None:
        self._lock = FolderLock(root)
        self.root = root
        self.instructions = InstructionLog()
        self._kinds = {kind.name: kind for kind in topics}
        self._watches = {kind.name: StreamWatch() for kind in topics}
        self._kept = {
            kind.name: deque[tuple[TopicDefinition, bytes]](maxlen=kind.kept) for kind in topics
        }
        self._least_free = least_free
        self._writer: EpisodeWriter | None = None
        self._folder, self._about, self._began = Path(), dict[str, str](), 0.0

    def receive(self, topic: str, definition: TopicDefinition, at: int, data: bytes) -> None:
        """Take a message, CDR, received at a time (ns since 1970); never waits for the disk."""
        kind = self._kinds[topic]
        self._watches[topic].take(kind.stamp(data), at)
        self._kept[topic].append((definition, data))
        if self._writer:
            self._writer.add(topic, definition, at, data)

    def start(self, about: Mapping[str, str], now: int) -> str:
        """Begin an episode; returns its name.

        Args:
            about: what is known of it, for `custom_data`.
            now: ns since 1970, by the clock of `receive`.

        Raises:
            RecordingError: one is under way, a required topic does not come, or the disk is full.
            OSError: nothing can be written.
        """
        if self._writer:
            raise RecordingError(f"{self._name} is being recorded: stop or discard it first")
        if missing := self.waits_for(now):
            raise RecordingError(
                f"nothing comes on {', '.join(missing)}: start what publishes it, then begin again"
            )
        if (free := shutil.disk_usage(self.root).free) < self._least_free:
            raise RecordingError(
                f"only {free / 1e6:.0f} MB are free in {self.root}: make room for "
                f"{self._least_free / 1e6:.0f} MB and more"
            )
        folder = folders.new_folder(self.root)
        try:
            writer = EpisodeWriter(folder, about, self._least_free)
        except OSError:
            folders.discard(folder)
            raise
        self._folder, self._about, self._writer = folder, dict(about), writer
        self._began = time.monotonic()
        self.instructions.begin()
        for watch in self._watches.values():
            watch.begin()
        for topic, messages in self._kept.items():
            for definition, data in messages:
                writer.add(topic, definition, now, data)
        return self._name

    def stop(self, verdict: str, now: int, why: str = "") -> str:
        """End the episode and keep it; returns what it holds and what was lost, in a line.

        Args:
            verdict: `success` or `failure`.
            now: as of `start`.
            why: it ended, where nobody asked for that.

        Raises:
            RecordingError: there is none, or it cannot be written and stays unfinished.
        """
        writer = self._require_writer()
        seconds = time.monotonic() - self._began
        self._writer = None
        stated = {**self._about, VERDICT: verdict}
        said = self.instructions.of_episode()
        if len(said) == 1:
            stated.setdefault(INSTRUCTION, said[0])
        try:
            contents = writer.finish()
            lost = self._lost(writer, now)
            stated |= {LOST: lost} if lost else {}
            ended = writer.problem or why
            stated |= {ENDED: ended} if ended else {}
            final = folders.finish(self._folder, contents, stated)
        except (OSError, ValueError) as problem:
            raise RecordingError(
                f"{self._folder} stays unfinished ({problem}): make room, then "
                f"kinevla recover {self._folder}"
            ) from problem
        spoken = stated.get(INSTRUCTION) or (f"{len(said)} instructions" if said else "")
        parts = [f"{seconds:.1f} s, {writer.size / 1e6:.0f} MB, {verdict}", ended]
        parts += [f"lost: {lost}" if lost else "nothing lost"]
        parts += ["" if spoken else "no instruction was said: it cannot be converted"]
        return f"{final.name}: {'; '.join(part for part in parts if part)}"

    def discard(self) -> str:
        """End the episode and remove it; returns its name. Raises RecordingError."""
        writer = self._require_writer()
        self._writer = None
        writer.abandon()
        name = self._name
        folders.discard(self._folder)
        return name

    def end(self, now: int) -> str:
        """Keep an episode under way as a failure; returns what became of it, empty without one."""
        why = "the recorder was shut down before anybody said whether it was a success"
        try:
            return self.stop(FAILURE, now, why) if self._writer else ""
        except RecordingError as problem:
            return str(problem)

    def close(self) -> None:
        """Give the folder back, after `end`."""
        self._lock.release()

    def waits_for(self, now: int) -> tuple[str, ...]:
        """Required topics that do not come."""
        return tuple(
            kind.name
            for kind in self._kinds.values()
            if kind.required and self._watches[kind.name].silence(now) > FRESH
        )

    def state(self, now: int) -> RecorderState:
        """What it does; now: as of `start`."""
        writer = self._writer
        seen = [
            name
            for name, watch in self._watches.items()
            if watch.messages or self._kinds[name].required
        ]
        pictures = [watch for name, watch in self._watches.items() if self._kinds[name].is_picture]
        assert len(pictures) == len(CAMERAS)
        stated = self._about.get(INSTRUCTION, "") if writer else ""
        return RecorderState(
            episode=self._name if writer else "",
            problem=writer.problem if writer else "",
            waits_for=self.waits_for(now),
            instruction=stated or self.instructions.in_force(),
            seconds=time.monotonic() - self._began if writer else 0.0,
            size=writer.size if writer else 0,
            waiting=writer.waiting if writer else 0,
            free=shutil.disk_usage(self.root).free,
            skew=skew(*pictures),
            topics=tuple(self._topic(name, now) for name in seen),
        )

    @property
    def _name(self) -> str:
        return self._folder.name.removesuffix(UNFINISHED)

    def _require_writer(self) -> EpisodeWriter:
        if not self._writer:
            raise RecordingError("nothing is being recorded: start an episode first")
        return self._writer

    def _topic(self, name: str, now: int) -> TopicState:
        watch = self._watches[name]
        dropped = self._writer.dropped[name] if self._writer else 0
        return TopicState(
            name,
            watch.messages,
            watch.rate(now),
            watch.gaps,
            watch.missing,
            watch.longest / 1e9,
            dropped,
        )

    def _lost(self, writer: EpisodeWriter, now: int) -> str:
        """What is missing of an episode, in words; empty if nothing is."""
        gaps = [
            f"{watch.missing} of {watch.messages + watch.missing} on {name} (longest gap "
            f"{watch.longest / 1e9:.2f} s)"
            for name, watch in self._watches.items()
            if watch.gaps
        ]
        slow = [
            f"{count} on {name} for which the disk was too slow"
            for name, count in writer.dropped.items()
        ]
        silent = [f"all of {name} at the end" for name in self.waits_for(now)]
        return ", ".join(gaps + slow + silent)
