"""What a dataset's actions mean: action_space.yaml beside its meta/, held against meta/info.json.

LeRobot's format has names, widths, rate and cameras, and neither units nor whether an action is
absolute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from kinevla_ros.base.action_space import ABSOLUTE, RM75, ActionSpace, ActionSpaceError
from kinevla_ros.base.files.atomic import write_text
from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.json_file import read_bounded
from kinevla_ros.data.checks.features import names_of, plain
from kinevla_ros.data.lerobot.schema import ACTION, STATE, DatasetError, camera_key

FILE_NAME = "action_space.yaml"
LARGEST = 1 << 16
PAGE = "docs/reference/action-space.md"
FULL_TURN = 2 * np.pi + 0.3
"""No joint that is measured in rad turns further, and most that are in degrees do."""


def write_space(root: Path, space: ActionSpace) -> None:
    """Put the action space into a dataset."""
    write_text(root / FILE_NAME, yaml.safe_dump(space.to_dict(), sort_keys=False))


def read_space(root: Path) -> ActionSpace | None:
    """What a dataset says, not yet held against it; None where it says nothing.

    Raises:
        DatasetError: the file is damaged or no action space.
    """
    path = root / FILE_NAME
    if not path.exists():
        return None
    try:
        return ActionSpace.from_dict(yaml.safe_load(read_bounded(path, LARGEST)))
    except (FileError, ValueError, yaml.YAMLError, RecursionError) as problem:
        raise DatasetError(f"{path} is no action space: {problem}; {PAGE} shows one") from problem


def dataset_space(
    root: Path, info: Mapping[str, Any], cameras: Mapping[str, str] | None = None
) -> ActionSpace:
    """What the actions and states of a dataset mean, and which cameras it has.

    A dataset without the file is of an RM75 if its columns are named so.

    Args:
        info: content of meta/info.json.
        cameras: name that training uses to the dataset's own; only these are used then.

    Raises:
        DatasetError: the file is damaged or not about this dataset, or it is missing and needed,
            or there is no such camera.
    """
    features = info["features"]
    space = read_space(root) or _unsaid(root, info)
    for what, names in ((ACTION, space.names), (STATE, space.state_names)):
        if not _is_named(features.get(what), names):
            given = names_of(features.get(what, {})) or [f"{_width(features.get(what))} numbers"]
            raise DatasetError(
                f"{root / FILE_NAME} names {what} {', '.join(names)}, and meta/info.json "
                f"{', '.join(given)}; set one of them right"
            )
    if space.rate != info["fps"]:
        raise DatasetError(
            f"{root / FILE_NAME} says {space.rate:g} Hz, and meta/info.json {info['fps']} frames a "
            "second; set the rate right"
        )
    return space.with_cameras(_chosen(root, info, space.cameras, cameras))


def require_plausible(root: Path, space: ActionSpace, columns: Mapping[str, NDArray[Any]]) -> None:
    """Raise DatasetError where numbers are too large for angles in rad."""
    measured = [(STATE, space.state_names, space.state_units)]
    if space.reference == ABSOLUTE:
        measured.append((ACTION, space.names, space.units))
    for what, names, units in measured:
        for index, (name, unit) in enumerate(zip(names, units, strict=True)):
            largest = float(np.abs(columns[what][:, index]).max())
            if unit == "rad" and largest > FULL_TURN:
                raise DatasetError(
                    f"{root}: {name} of {what} is said to be in rad and reaches {largest:.1f}, "
                    f"more than a turn: it looks like degrees. Say deg in {FILE_NAME} ({PAGE}), "
                    "or convert it to rad"
                )


@dataclass(frozen=True)
class Wanted:
    """What the actions of datasets must be, and who says so, such as `the codec x`."""

    space: ActionSpace
    by: str

    def require(self, root: Path, info: Mapping[str, Any], cameras: Mapping[str, str]) -> None:
        """Raise ActionSpaceError unless a dataset's actions are those, and its cameras are there.

        Arguments and further errors are those of `dataset_space`.
        """
        name, space = f"the dataset {root}", dataset_space(root, info, cameras)
        cure = f"Convert the dataset, or train a codec on it; {PAGE} says what is compared."
        space.require(self.space, name, self.by, cure, cameras=False)
        if missing := [camera for camera in self.space.cameras if camera not in space.cameras]:
            raise ActionSpaceError(
                f"{self.by} sees the cameras {', '.join(self.space.cameras)}, and {name} has "
                f"{', '.join(space.cameras) or 'none'}: say which is which, each of them, such as "
                f"--camera {missing[0]}={camera_key((*_cameras(info), 'top')[0])}"
            )


def is_rm75(space: ActionSpace) -> bool:
    """Whether it is an RM75's at whatever rate."""
    return not replace(space, rate=RM75.rate).differences(RM75, cameras=False)


def _unsaid(root: Path, info: Mapping[str, Any]) -> ActionSpace:
    """The RM75's, where the names are its."""
    features = info["features"]
    for what in (STATE, ACTION):
        if not _is_named(features.get(what), RM75.names):
            given = names_of(features.get(what, {})) or [f"{_width(features.get(what))} numbers"]
            raise DatasetError(
                f"{root}: {what} is {', '.join(given)}, and an RM75's is {', '.join(RM75.names)}: "
                "for another arm, other units or another order write down what the numbers mean in "
                f"{root / FILE_NAME}; {PAGE} shows how"
            )
    return replace(RM75, rate=float(info["fps"]), cameras=_cameras(info))


def _is_named(feature: Any, names: tuple[str, ...]) -> bool:
    """Whether these are the components; where they have no names their number counts."""
    given = names_of(feature or {})
    return given == [plain(name) for name in names] if given else _width(feature) == len(names)


def _width(feature: Any) -> int:
    return int(feature["shape"][0]) if feature else 0


def _cameras(info: Mapping[str, Any]) -> tuple[str, ...]:
    prefix, features = camera_key(""), info["features"]
    videos = (name for name in features if features[name]["dtype"] == "video")
    return tuple(name.removeprefix(prefix) for name in videos if name.startswith(prefix))


def _chosen(
    root: Path,
    info: Mapping[str, Any],
    said: tuple[str, ...],
    cameras: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """Names of the cameras as training uses them."""
    there = _cameras(info)
    for own in cameras.values() if cameras else said:
        if own not in there:
            raise DatasetError(
                f"{root} has no camera {own}; it has {', '.join(there) or 'none'}: say which is "
                f"which, such as --camera front={camera_key(there[0] if there else 'top')}"
            )
    return tuple(cameras) if cameras else said
