"""Folders of episodes: unfinished while they are written, renamed when they are whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.lock import require_free
from kinevla_ros.data.recording.bag import METADATA, UNFINISHED, VERDICT
from kinevla_ros.data.recording.bag_metadata import write_metadata
from kinevla_ros.data.recording.episode_file import BagContents
from kinevla_ros.data.recording.recover import make_whole

FILE_NAME = "episode.mcap"
NAME = re.compile(r"episode_(\d+)(?:\.unfinished)?")

RECOVERED = "recovered"
"""Entry of `custom_data`: its recorder was killed, and the last moment is lost."""


def new_folder(root: Path) -> Path:
    """Make the folder of the next episode, which is called unfinished."""
    numbers = [int(found[1]) for path in root.iterdir() if (found := NAME.fullmatch(path.name))]
    folder = root / f"episode_{max(numbers, default=0) + 1:04d}{UNFINISHED}"
    folder.mkdir()
    return folder


def finish(folder: Path, contents: BagContents, stated: Mapping[str, str]) -> Path:
    """Write metadata.yaml, and give the folder its name; returns it."""
    write_metadata(folder, FILE_NAME, contents, stated)
    final = folder.with_name(folder.name.removesuffix(UNFINISHED))
    os.rename(folder, final)
    _sync(final.parent)
    return final


def recover(folder: Path, verdict: str) -> tuple[Path, BagContents]:
    """Make an unfinished episode whole: everything but the last moment.

    Args:
        folder: of the episode.
        verdict: `success` or `failure`.

    Returns:
        Its new folder, and what it holds.

    Raises:
        FileError: nothing can be recovered; says why.
        FolderInUse: a recorder still writes there.
        OSError: it cannot be written.
    """
    require_free(folder.parent)
    path = folder / FILE_NAME
    if not path.is_file():
        raise FileError(f"{path} is missing: nothing was recorded; delete the folder")
    contents = make_whole(path)
    # Of before, if it was killed between metadata and name.
    (folder / METADATA).unlink(missing_ok=True)
    stated = {**contents.about, VERDICT: verdict, RECOVERED: "yes"}
    return finish(folder, contents, stated), contents


def discard(folder: Path) -> None:
    """Remove an episode."""
    shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    """Put a new name on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
