"""The work behind `kinevla view`."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from kinevla_ros.data.recording.bag import find_bags
from kinevla_ros.evaluation.replay.gate_file import read_gate
from kinevla_ros.evaluation.view.bag_view import write_bag_view
from kinevla_ros.evaluation.view.dataset_view import write_dataset
from kinevla_ros.evaluation.view.viewer import LOOPBACK, open_window, serve_page
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS

SUFFIX = ".rrd"


def show(recording: Path, episode: int, save: Path | None, web: bool, config: Path | None) -> int:
    """Write an episode as a recording of rerun, and open it unless it is to be kept.

    Args:
        recording: dataset, bag, folder of bags, or a recording of rerun.
        episode: its number.
        save: file to write, instead of opening a viewer.
        web: open it as a page.
        config: parameter file of an arm node, for the gate.

    Raises:
        ValueError: two of the arguments exclude each other; see also `TimelineWriter`.
        DatasetError, OSError: see `write_dataset`, `write_bag_view`.
    """
    if save and web:
        raise ValueError("give --save or --web: a saved file is opened by kinevla view FILE --web")
    if recording.suffix == SUFFIX:
        if save or not recording.is_file():
            raise ValueError(f"{recording} {'is one already' if save else 'is not there'}")
        return _open(recording, web)
    if save:
        if save.suffix != SUFFIX:
            raise ValueError(f"{save}: rerun opens files that end in {SUFFIX}")
        try:
            _write(recording, episode, config, save)
        except RuntimeError as problem:
            # rerun's own thread writes, and says no more than that it has ended.
            save.unlink(missing_ok=True)
            raise OSError(f"{save} cannot be written ({problem}): is the disk full?") from problem
        print(f"{save} is written; open it with kinevla view {save}")
        return 0
    with tempfile.TemporaryDirectory(prefix="kinevla_view_") as folder:
        path = Path(folder) / f"episode{SUFFIX}"
        _write(recording, episode, config, path)
        return _open(path, web)


def _write(recording: Path, episode: int, config: Path | None, out: Path) -> None:
    if find_bags(recording):
        if config:
            raise ValueError("a bag holds what its own arm node said; leave --config out")
        write_bag_view(recording, episode, out)
        return
    limits, workspace = read_gate(config) if config else (RM75_LIMITS, CELL_WORKSPACE)
    write_dataset(recording, episode, limits, workspace, out)


def _open(path: Path, web: bool) -> int:
    if not web:
        return open_window(path)
    with socket.create_server((LOOPBACK, 0)) as page, socket.create_server((LOOPBACK, 0)) as data:
        ports = page.getsockname()[1], data.getsockname()[1]
    return serve_page(path, *ports)
