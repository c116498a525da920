"""Features by what meta/info.json says of them: rate, names, widths, cameras, texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.data.checks.finding import Finding
from kinevla_ros.data.episode import STATE_NAMES
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import MOTION, TEXTS, camera_key

OTHER_ARM = (
    "of another arm say in action_space.yaml what its numbers are (docs/reference/action-space.md)"
)
_ENDINGS = re.compile(r"[._](pos|position|rad|q)$")


def names_of(feature: Mapping[str, Any]) -> list[str] | None:
    """Names of a vector's components, plain (`joint_1.pos` is joint1); None where it has none.

    LeRobot's robots write a list, or an object with one list in it.
    """
    names = feature.get("names")
    if isinstance(names, dict) and len(names) == 1:
        names = next(iter(names.values()))
    if isinstance(names, list) and len(names) == 1 and isinstance(names[0], list):
        names = names[0]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return [plain(name) for name in names]


def plain(name: str) -> str:
    """A component's name without ending and underscores."""
    return _ENDINGS.sub("", name.lower().split("/")[-1]).replace("_", "").replace(" ", "")


def check_features(
    reader: DatasetReader, cameras: Sequence[str], space: ActionSpace
) -> Iterator[Finding]:
    """Yield what rules the dataset out before a frame of it is read.

    Args:
        space: what the dataset says of its actions, or an RM75's.
    """
    info, root = reader.info, reader.root
    # The names of another arm are held against its own description.
    for name in MOTION if space.names == RM75.names else ():
        yield from _check_vector(reader, name)
    if info["fps"] != space.rate:
        yield Finding(
            "fps",
            f"{info['fps']} frames a second, and a chunk's targets come at {space.rate:g}",
            f"resample it: kinevla convert {root} NEW_FOLDER",
        )
    for camera in cameras:
        yield from _check_camera(reader, camera)
    missing = [name for name in TEXTS if name not in info["features"]]
    if missing:
        yield Finding(
            " and ".join(missing),
            "missing: what is done, and how, is not written down",
            f"propose it from the motion: kinevla annotate {root}",
        )


def _check_vector(reader: DatasetReader, name: str) -> Iterator[Finding]:
    convert = f"kinevla convert {reader.root} NEW_FOLDER"
    feature = reader.info["features"].get(name)
    if feature is None:
        yield Finding(name, "missing", f"name the column that holds it: {convert} --map {name}=…")
        return
    width, names = feature["shape"][0], names_of(feature)
    wanted = f"{STATE_NAMES[0]} to {STATE_NAMES[-2]} and {STATE_NAMES[-1]}"
    if names is not None and sorted(names) == sorted(STATE_NAMES):
        if names != list(STATE_NAMES):
            yield Finding(name, f"its order is {', '.join(names)}", f"reorder it: {convert}")
    elif width != len(STATE_NAMES) or len(feature["shape"]) != 1:
        yield Finding(
            name,
            f"it is {'x'.join(map(str, feature['shape']))} wide and {wanted} are "
            f"{len(STATE_NAMES)}",
            f"record the gripper's opening with the seven joints; {OTHER_ARM}"
            if width < len(STATE_NAMES)
            else f"name the columns of the joints: {convert} --map joint1=… and so on",
        )
    elif names is None:
        yield Finding(
            name, "its components have no names", f"make sure that they are {wanted}", stops=False
        )
    else:
        yield Finding(
            name,
            f"its components are {', '.join(names)} and not {wanted}",
            f"say which is which: {convert} --map joint1={names[0]} and so on; {OTHER_ARM}",
        )


def _check_camera(reader: DatasetReader, camera: str) -> Iterator[Finding]:
    if camera in reader.cameras:
        return
    key, convert = camera_key(camera), f"kinevla convert {reader.root} NEW_FOLDER"
    features = reader.info["features"]
    if key in features:
        dtype = features[key]["dtype"]
        yield Finding(key, f"it is stored as {dtype}, and video is read", f"turn it: {convert}")
        return
    prefix = camera_key("")
    others = [name.removeprefix(prefix) for name in features if name.startswith(prefix)]
    # One that has the name in it is more likely than the first.
    likely = sorted(others, key=lambda other: camera not in other)
    yield Finding(
        key,
        f"missing; the cameras are {', '.join(others) or 'none'}",
        f"say which it is: {convert} --map {camera}={likely[0]}"
        if others
        else f"record the {camera} camera",
    )
