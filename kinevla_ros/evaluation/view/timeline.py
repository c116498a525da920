"""What an episode shows, by time, written as a recording of rerun (https://rerun.io)."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.kinematics import tool_poses

Array = NDArray[np.float64]

TIME = "time"
"""Name of the timeline, s since the episode began."""

JPEG = 90
"""Quality of the pictures, of 100."""

INSTALL = "viewing needs one package more: pip install 'kinevla_ros[view]', or rerun-sdk"


class TimelineWriter:
    """Writes one recording; a context that completes the file.

    | entity                               | what                                             |
    | ------------------------------------ | ------------------------------------------------ |
    | `camera/NAME`                        | pictures                                         |
    | `joints/measured`, `joints/target`   | `joint1` to `joint7`, rad                        |
    | `gripper/measured`, `gripper/target` | opening, m                                       |
    | `tool/measured`, `tool/target`       | way of the tool in `base_link`, m, and its place |
    | `words/…`                            | instruction and both levels, when they change    |
    | `gate`                               | what is refused and why, and the arm's state     |

    Args:
        path: of the .rrd file, which is replaced.
        name: of the recording.

    Raises:
        ValueError: rerun is not installed.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, name: str) -> None:
        try:
            import rerun
        except ImportError as problem:
            raise ValueError(INSTALL) from problem
        self._rerun = rerun
        path.open("ab").close()  # rerun would only warn
        self._stream = rerun.RecordingStream("kinevla_ros", recording_id=name)
        self._stream.save(path)
        self._said: dict[str, str] = {}
        for kind in ("measured", "target"):
            names = rerun.SeriesLines(names=list(JOINT_NAMES))
            self._stream.log(f"joints/{kind}", names, static=True)
            named = rerun.SeriesLines(names=[kind])
            self._stream.log(f"gripper/{kind}", named, static=True)
        self._stream.log("tool", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)

    def __enter__(self) -> TimelineWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.flush()
        self._stream.disconnect()

    def picture(self, time: float, camera: str, image: NDArray[np.uint8]) -> None:
        """Show a picture, rgb, shape (height, width, 3)."""
        self._log(time, f"camera/{camera}", self._rerun.Image(image).compress(jpeg_quality=JPEG))

    def arm(self, time: float, kind: str, joints: Array, opening: float | None) -> None:
        """Show where the arm is (`measured`) or is sent (`target`).

        Args:
            time: since the beginning, s.
            kind: `measured` or `target`.
            joints: shape (7,), rad.
            opening: of the gripper, m; None where it is not known.
        """
        self._log(time, f"joints/{kind}", self._rerun.Scalars(joints))
        if opening is not None:
            self._log(time, f"gripper/{kind}", self._rerun.Scalars([opening]))
        tool, _ = tool_poses(joints[None])
        self._log(time, f"tool/{kind}/place", self._rerun.Points3D(tool, radii=0.006))

    def path(self, kind: str, joints: Array) -> None:
        """Show the whole way of the tool.

        Args:
            kind: `measured` or `target`.
            joints: along it, shape (n, 7), rad.
        """
        positions, _ = tool_poses(joints)
        strip = self._rerun.LineStrips3D([positions], radii=0.001)
        self._stream.log(f"tool/{kind}", strip, static=True)

    def words(self, time: float, what: str, text: str) -> None:
        """Show a text until the next one; one that is shown already is not written again."""
        if text and self._said.get(what) != text:
            self._said[what] = text
            self._log(time, f"words/{what}", self._rerun.TextLog(f"{what}: {text}"))

    def verdict(self, time: float, text: str, refused: bool) -> None:
        """Show what the gate, or the arm node, says."""
        if self._said.get("gate") != text:
            self._said["gate"] = text
            level = self._rerun.TextLogLevel.WARN if refused else self._rerun.TextLogLevel.INFO
            self._log(time, "gate", self._rerun.TextLog(text, level=level))

    def _log(self, time: float, entity: str, what: Any) -> None:
        self._stream.set_time(TIME, duration=time)
        self._stream.log(entity, what)
