"""Makes the MCAP file of a killed recorder whole again, in its place: nothing is copied."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mcap.data_stream import ReadDataStream, RecordBuilder
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    McapRecord,
    Message,
    MessageIndex,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.stream_reader import breakup_chunk
from mcap.writer import MCAP0_MAGIC

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.data.recording.episode_file import (
    ABOUT,
    QOS,
    TYPE_HASH,
    BagContents,
    TopicDefinition,
)

HEAD = struct.Struct("<BQ")
"""Kind and length of a record, before its content."""

BROKEN = (McapError, ValueError, struct.error, LookupError)
"""What reading raises on bytes that are no whole record."""


@dataclass
class _Found:
    """What of a file is whole."""

    end: int = len(MCAP0_MAGIC)
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ChunkIndex] = field(default_factory=list)
    metadata: list[MetadataIndex] = field(default_factory=list)
    contents: BagContents = field(default_factory=BagContents)


def make_whole(path: Path) -> BagContents:
    """Cut the end of an unfinished file where it is not whole, and write its index.

    Done again after having been interrupted, it gives the same.

    Returns:
        What the file holds.

    Raises:
        FileError: it is no MCAP file, or holds no message.
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
            raise FileError(f"{path} is no MCAP file: nothing of it can be recovered")
        found = _scan(file)
        if not found.chunks:
            raise FileError(f"{path} holds no whole message: delete its folder")
        file.seek(found.end)
        file.write(_summary(found))
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    return found.contents


def _scan(file: BinaryIO) -> _Found:
    """Read all records up to the first that is not whole, or to the end of the data."""
    found = _Found()
    chunk: tuple[int, Chunk, int] | None = None
    wanted: set[int] = set()
    offsets: dict[int, int] = {}
    for start, kind, content in _records(file):
        end = start + HEAD.size + len(content)
        try:
            stream = ReadDataStream(io.BytesIO(content))
            if kind == Opcode.CHUNK:
                chunk, offsets = (start, Chunk.read(stream), end), {}
                wanted = {
                    record.channel_id
                    for record in breakup_chunk(chunk[1], validate_crc=True)
                    if isinstance(record, Message)
                }
            elif kind == Opcode.MESSAGE_INDEX and chunk:
                offsets[MessageIndex.read(stream).channel_id] = start
                # A chunk counts once its indexes are there, too.
                if set(offsets) == wanted:
                    _keep(found, *chunk, offsets, end)
                    chunk = None
            elif kind == Opcode.METADATA:
                record = Metadata.read(stream)
                found.metadata.append(MetadataIndex(start, end - start, record.name))
                if record.name == ABOUT:
                    found.contents.about = record.metadata
                found.end = end
            elif kind == Opcode.HEADER:
                found.end = end
            else:  # the index of a file that is whole, or what is none
                break
        except BROKEN:
            break
    return found


def _records(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Place, kind and content of each record that is there from its first to its last byte."""
    size = os.fstat(file.fileno()).st_size
    place = len(MCAP0_MAGIC)
    while place + HEAD.size <= size:
        file.seek(place)
        kind, length = HEAD.unpack(file.read(HEAD.size))
        if place + HEAD.size + length > size:
            return
        yield place, kind, file.read(length)
        place += HEAD.size + length


def _keep(
    found: _Found, start: int, chunk: Chunk, end: int, offsets: dict[int, int], whole: int
) -> None:
    """Take a chunk that is whole."""
    for record in breakup_chunk(chunk):
        if isinstance(record, Schema):
            found.schemas[record.id] = record
        elif isinstance(record, Channel):
            found.channels[record.id] = record
            schema = found.schemas[record.schema_id]
            found.contents.topics[record.topic] = TopicDefinition(
                schema.name,
                schema.data.decode(),
                record.metadata.get(QOS, ""),
                record.metadata.get(TYPE_HASH, ""),
            )
        elif isinstance(record, Message):
            found.contents.count(found.channels[record.channel_id].topic, record.log_time)
    index = ChunkIndex(
        chunk_length=end - start,
        chunk_start_offset=start,
        compression=chunk.compression,
        compressed_size=len(chunk.data),
        message_end_time=chunk.message_end_time,
        message_index_length=whole - end,
        message_index_offsets=dict(offsets),
        message_start_time=chunk.message_start_time,
        uncompressed_size=chunk.uncompressed_size,
    )
    found.chunks.append(index)
    found.end = whole


def _summary(found: _Found) -> bytes:
    """The end of the file: index, counts, footer."""
    data = RecordBuilder()
    DataEnd(0).write(data)
    ending = data.end()
    start = found.end + len(ending)
    groups: list[tuple[Opcode, list[McapRecord]]] = [
        (Opcode.SCHEMA, [*found.schemas.values()]),
        (Opcode.CHANNEL, [*found.channels.values()]),
        (Opcode.STATISTICS, [_statistics(found)]),
        (Opcode.CHUNK_INDEX, [*found.chunks]),
        (Opcode.METADATA_INDEX, [*found.metadata]),
    ]
    summary, places = RecordBuilder(), []
    for kind, records in groups:
        begin = summary.count
        for record in records:
            record.write(summary)
        places.append(SummaryOffset(kind, start + begin, summary.count - begin))
    offsets = start + summary.count
    for place in places:
        place.write(summary)
    content = summary.end()
    head = struct.pack("<BQQQ", Opcode.FOOTER, 8 + 8 + 4, start, offsets)
    footer = RecordBuilder()
    Footer(start, offsets, zlib.crc32(head, zlib.crc32(content))).write(footer)
    return bytes(ending + content + footer.end() + MCAP0_MAGIC)


def _statistics(found: _Found) -> Statistics:
    contents = found.contents
    counts: dict[int, int] = defaultdict(int)
    for channel in found.channels.values():
        counts[channel.id] = contents.counts.get(channel.topic, 0)
    return Statistics(
        attachment_count=0,
        channel_count=len(found.channels),
        channel_message_counts=counts,
        chunk_count=len(found.chunks),
        message_count=sum(contents.counts.values()),
        message_end_time=contents.last,
        message_start_time=contents.first,
        metadata_count=len(found.metadata),
        schema_count=len(found.schemas),
    )
