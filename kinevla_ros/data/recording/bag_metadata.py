"""metadata.yaml of an episode, as rosbag2 writes and reads it (version 9, ROS 2 Jazzy)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kinevla_ros.base.files.atomic import write_text
from kinevla_ros.data.recording.bag import INFORMATION, METADATA
from kinevla_ros.data.recording.episode_file import BagContents

VERSION, DISTRIBUTION = 9, "jazzy"


def write_metadata(
    folder: Path, file: str, contents: BagContents, stated: Mapping[str, str]
) -> None:
    """Write what a folder with one MCAP file holds.

    Args:
        folder: of the bag.
        file: name of its MCAP file.
        contents: of that.
        stated: texts for `custom_data`.
    """
    information = {
        "version": VERSION,
        "storage_identifier": "mcap",
        **_span(contents),
        "topics_with_message_count": [_topic(contents, name) for name in contents.topics],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file],
        "files": [{"path": file, **_span(contents)}],
        "custom_data": dict(stated),
        "ros_distro": DISTRIBUTION,
    }
    text = yaml.safe_dump({INFORMATION: information}, sort_keys=False, allow_unicode=True)
    write_text(folder / METADATA, text)


def _span(contents: BagContents) -> dict[str, Any]:
    """New each time: YAML writes what is there twice as a reference."""
    return {
        "duration": {"nanoseconds": contents.last - contents.first},
        "starting_time": {"nanoseconds_since_epoch": contents.first},
        "message_count": sum(contents.counts.values()),
    }


def _topic(contents: BagContents, name: str) -> dict[str, Any]:
    topic = contents.topics[name]
    return {
        "topic_metadata": {
            "name": name,
            "type": topic.type,
            "serialization_format": "cdr",
            "offered_qos_profiles": yaml.safe_load(topic.qos) or [],
            "type_description_hash": topic.type_hash,
        },
        "message_count": contents.counts.get(name, 0),
    }
