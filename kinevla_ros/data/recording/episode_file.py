"""One MCAP file that grows, and loses no more than its last moment when its writer is killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcap.writer import CompressionType, Writer

ABOUT = "kinevla"
"""Name of the metadata record that says what is known at the start of an episode."""

QOS, TYPE_HASH = "offered_qos_profiles", "topic_type_hash"
"""Entries of a channel's metadata, as rosbag2 names them."""

UNBOUNDED = 1 << 62
"""Size of a chunk: they end by `flush` alone."""


@dataclass(frozen=True)
class TopicDefinition:
    """What a bag says of a topic.

    Attributes:
        type: of its messages.
        definition: that type and all that it uses, as MCAP's `ros2msg`.
        qos: what its publishers offer, as rosbag2 writes it (YAML).
        type_hash: of the type, such as `RIHS01_…`; empty if unknown.
    """

    type: str
    definition: str
    qos: str = ""
    type_hash: str = ""


@dataclass
class BagContents:
    """What metadata.yaml says of an MCAP file.

    Attributes:
        topics: name to definition.
        counts: name to number of messages.
        first, last: time of receipt of the first and last message, ns since 1970; 0 without any.
        about: what was known at the start.
    """

    topics: dict[str, TopicDefinition] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    first: int = 0
    last: int = 0
    about: dict[str, str] = field(default_factory=dict)

    def count(self, topic: str, at: int) -> None:
        """Take note of a message."""
        self.counts[topic] = self.counts.get(topic, 0) + 1
        self.first = min(self.first or at, at)
        self.last = max(self.last, at)


class EpisodeFile:
    """Writes an MCAP file.

    Args:
        path: of the new file.
        about: what is known at the start.

    Attributes:
        contents: what has been written.
        size: bytes of it.

    Raises:
        OSError: it cannot be written. So may every method; then `abandon`.
    """

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self.contents = BagContents(about=dict(about))
        self._disk = _Disk(path)
        self._writer = Writer(
            self._disk,  # type: ignore[arg-type]  # it needs no more of a file than that has
            chunk_size=UNBOUNDED,
            compression=CompressionType.NONE,
        )
        self._channels: dict[str, int] = {}
        self._whole = 0
        self.pending = 0
        try:
            self._writer.start(profile="ros2")
            self._writer.add_metadata(ABOUT, dict(about))
            self.flush()
        except OSError:
            self._disk.close()
            raise

    @property
    def size(self) -> int:
        """Bytes that are flushed."""
        return self._whole

    def add(self, topic: str, definition: TopicDefinition, at: int, data: bytes) -> None:
        """Take a message, CDR, received at a time (ns since 1970); it waits for `flush`."""
        if topic not in self._channels:
            schema = self._writer.register_schema(
                definition.type, "ros2msg", definition.definition.encode()
            )
            entries = {QOS: definition.qos, TYPE_HASH: definition.type_hash}
            channel = self._writer.register_channel(topic, "cdr", schema, entries)
            self._channels[topic] = channel
            self.contents.topics[topic] = definition
        self._writer.add_message(self._channels[topic], at, data, at)
        self.contents.count(topic, at)
        self.pending += len(data)

    def flush(self) -> None:
        """Hand everything to the system as a chunk of its own: a kill no longer loses it."""
        self._writer.flush()
        self.pending = 0
        self._whole = self._disk.tell()

    def sync(self) -> None:
        """Put on the disk what was flushed: no crash loses it; from any thread, while open."""
        self._disk.sync()

    def finish(self) -> BagContents:
        """Write the index and close."""
        self._writer.finish()
        self._disk.sync()
        self._whole = self._disk.tell()
        self._disk.close()
        return self.contents

    def abandon(self) -> None:
        """Cut what was not flushed, and close; the file can be recovered."""
        self._disk.cut(self._whole)
        self._disk.close()


class _Disk:
    """Bytes go to the file at once: nothing is pending when a write fails."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self._at = 0

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            written = os.write(self._descriptor, rest)
            self._at += written
            rest = rest[written:]
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is kept back."""

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        self._at = size

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
