"""A rosbag2 folder with MCAP files: what was recorded of one episode, in the order of receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.json_file import read_bounded
from kinevla_ros.base.files.paths import inside
from kinevla_ros.data.lerobot.schema import DatasetError

METADATA = "metadata.yaml"
INFORMATION = "rosbag2_bagfile_information"
INSTRUCTION, VERDICT, TEACHING = "instruction", "verdict", "teaching"
"""Entries of `custom_data`: what was asked for; `success` or `failure`; `targets` or `hand`."""

SUCCESS, FAILURE = "success", "failure"
"""Verdicts."""

HAND = "hand"
"""Teaching in which the measured motion is the action."""

UNFINISHED = ".unfinished"
"""End of the name of a folder that its recorder has not made whole."""

LARGEST = 16 << 20
NANO = 1e9
RECOVER = "kinevla recover makes its folder whole; or leave it out"


@dataclass(frozen=True)
class Received:
    """One message.

    Attributes:
        topic: its topic.
        at: when it was received, s since 1970.
        message: its fields, as attributes.
    """

    topic: str
    at: float
    message: Any

    @property
    def stamp(self) -> float:
        """The stamp in its header, s since 1970."""
        stamp = self.message.header.stamp
        return float(stamp.sec + stamp.nanosec / NANO)


class Bag:
    """The bag at `root`.

    Attributes:
        root: its folder.
        counts: topic to number of messages.
        stated: texts that the recorder wrote down (`custom_data`).

    Raises:
        DatasetError: metadata.yaml is missing or damaged.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        path = root / METADATA
        try:
            content = yaml.safe_load(read_bounded(path, LARGEST))[INFORMATION]
            files = [inside(root, name) for name in content["relative_file_paths"]]
            self.counts = {
                str(each["topic_metadata"]["name"]): int(each["message_count"])
                for each in content["topics_with_message_count"]
            }
            stated = content.get("custom_data") or {}
            self.stated = {str(key): str(value) for key, value in stated.items()}
        except FileNotFoundError as problem:
            raise DatasetError(f"{path} is missing: {root} is unfinished; {RECOVER}") from problem
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as problem:
            raise DatasetError(f"{path} is damaged ({one_line(problem)}); {RECOVER}") from problem
        self._files = files

    def topics(self) -> frozenset[str]:
        """Topics of which there is a message."""
        return frozenset(topic for topic, count in self.counts.items() if count)

    def messages(self, topics: Sequence[str]) -> Iterator[Received]:
        """Yield messages of some topics in the order of receipt.

        Raises:
            DatasetError: a file is missing or damaged, or the packages for it are.
        """
        try:
            from mcap.exceptions import McapError
            from mcap.reader import make_reader
            from mcap_ros2.decoder import DecoderFactory
        except ImportError as problem:
            raise DatasetError(
                "bags need two packages more: pip install 'mcap>=1.6' mcap-ros2-support"
            ) from problem
        for path in self._files:
            try:
                with path.open("rb") as file:
                    reader = make_reader(file, decoder_factories=[DecoderFactory()])
                    for _, channel, record, message in reader.iter_decoded_messages(topics):
                        yield Received(channel.topic, record.log_time / NANO, message)
            except (McapError, OSError, ValueError, EOFError) as problem:
                text = f"{path} is missing or damaged ({one_line(problem)}); {RECOVER}"
                raise DatasetError(text) from problem


def find_bags(root: Path) -> list[Bag]:
    """The bag at `root`, or those in the folder `root`, in the order of their names."""
    if (root / METADATA).is_file():
        return [Bag(root)]
    paths = [path.parent for path in sorted(root.glob(f"*/{METADATA}"))]
    return [Bag(path) for path in paths if not path.name.endswith(UNFINISHED)]


def unfinished(root: Path) -> list[Path]:
    """Unfinished episodes in the folder `root`, or `root` itself if it is one."""
    if root.name.endswith(UNFINISHED):
        return [root]
    return sorted(path for path in root.glob(f"*{UNFINISHED}") if path.is_dir())
