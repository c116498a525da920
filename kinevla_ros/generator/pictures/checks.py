"""Whether a camera's picture can be inferred from: its size, its content, that it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

ASPECT = 4
"""No colour camera's picture is so many times as long as wide; panoramas are 3.6."""

SHARE = 0.95
"""A picture is dark or burnt out when so much of it is."""

SAMPLES, OFFSET = 60, 2
"""About so many rows are looked at, each pixel with the one so many to the right."""


class PictureFault(ValueError):
    """A picture that nothing may be inferred from; says which, what is wrong and what to do.

    Attributes:
        name: camera and fault in two words, such as `wrist dark`.
    """

    def __init__(self, camera: str, name: str, text: str) -> None:
        super().__init__(f"{camera} camera: {text}")
        self.name = f"{camera} {name}"


@dataclass(frozen=True)
class PictureLimits:
    """When a picture is none. Grey levels are 0 to 255.

    Attributes:
        min_side, max_side: shorter and longer side, pixels.
        dark, burnt_out: grey level that 95 % of a picture lie below, or above.
        contrast: least standard deviation, sensor noise left out, grey levels.
        correlation: least correlation of pixels near each other; noise has 0.
        frozen_motion: the arm moves so far (largest joint, rad) only in pictures that change.
        frozen_difference: mean change up to which two pictures are the same, grey levels. The
            noise of a sensor alone is more.
    """

    min_side: int = 96
    max_side: int = 4096
    dark: float = 20.0
    burnt_out: float = 245.0
    contrast: float = 4.0
    correlation: float = 0.15
    frozen_motion: float = 0.05
    frozen_difference: float = 0.02

    def require_size(self, camera: str, width: int, height: int) -> None:
        """Check a size, such as that of a header, before room is made for the picture.

        Raises:
            PictureFault: too small, too large, or much longer than wide.
        """
        shorter, longer = sorted((width, height))
        if shorter < self.min_side or longer > self.max_side or longer > ASPECT * shorter:
            raise PictureFault(
                camera,
                "size",
                f"a picture is {width} x {height} pixels; sides are "
                f"{self.min_side} to {self.max_side}, the longer one at most {ASPECT} times the "
                "shorter: set the camera driver's colour profile, such as 640x480",
            )


class PictureChecks:
    """Looks at the pictures of one inference after the other; one thread at a time.

    A check takes a fraction of a millisecond, whatever the size: it looks at every so many pixels.
    """

    def __init__(self, limits: PictureLimits = PictureLimits()) -> None:
        self._limits = limits
        self._kept: dict[str, _Kept] = {}

    def reset(self) -> None:
        """Forget the pictures before."""
        self._kept.clear()

    def check(self, pictures: Mapping[str, Picture], joints: NDArray[np.float64]) -> None:
        """Look at pictures of a moment.

        Args:
            pictures: camera to RGB picture, shape (height, width, 3).
            joints: joint positions at that moment, shape (7,), rad.

        Raises:
            PictureFault: see there.
        """
        for camera, picture in pictures.items():
            self._limits.require_size(camera, picture.shape[1], picture.shape[0])
            # An odd step does not fall in with the blocks of a JPEG.
            step = min(picture.shape[:2]) // SAMPLES | 1
            left, right = picture[::step, :-OFFSET:step], picture[::step, OFFSET::step]
            self._require_content(camera, left, right)
            self._require_change(camera, left, joints)

    def _require_content(self, camera: str, left: Picture, right: Picture) -> None:
        limits = self._limits
        grey, beside = (np.mean(part, axis=-1, dtype=np.float32) for part in (left, right))
        if np.mean(grey < limits.dark) >= SHARE:
            raise PictureFault(
                camera,
                "dark",
                f"the picture is dark ({SHARE:.0%} of it below {limits.dark:.0f} "
                "of 255): take the cover off the lens, switch on the light, check the exposure",
            )
        if np.mean(grey > limits.burnt_out) >= SHARE:
            raise PictureFault(
                camera,
                "burnt out",
                f"the picture is burnt out ({SHARE:.0%} of it above "
                f"{limits.burnt_out:.0f} of 255): shorten the exposure, shade the light",
            )
        # Noise of two pixels is not shared, so what they have in common is the picture.
        first, second = grey - grey.mean(), beside - beside.mean()
        shared, spread = np.mean(first * second), np.sqrt(np.mean(first**2) * np.mean(second**2))
        contrast = float(np.sqrt(max(shared, 0.0)))
        if spread > limits.contrast**2 and shared < limits.correlation * spread:
            raise PictureFault(
                camera,
                "noise",
                f"the picture is noise (pixels beside each other correlate by "
                f"{shared / spread:.2f}, at least {limits.correlation:.2f}): check cable, sensor "
                "and pixel format",
            )
        if contrast < limits.contrast:
            raise PictureFault(
                camera,
                "one colour",
                f"the picture is of one colour (contrast {contrast:.1f} of 255, "
                f"at least {limits.contrast:.1f}): clear the lens and the view, check the sensor",
            )

    def _require_change(self, camera: str, sample: Picture, joints: NDArray[np.float64]) -> None:
        kept = self._kept.get(camera)
        if kept is None or kept.differs(sample) > self._limits.frozen_difference:
            self._kept[camera] = _Kept(sample.copy(), np.array(joints))
            return
        kept.moved = max(kept.moved, float(np.abs(joints - kept.joints).max()))
        if kept.moved > self._limits.frozen_motion:
            raise PictureFault(
                camera,
                "frozen",
                f"the picture has not changed while the arm moved by "
                f"{kept.moved:.2f} rad: its driver repeats an old frame; restart the camera",
            )


@dataclass(eq=False)
class _Kept:
    """The last picture that was another one, where the arm was then, how far it has moved since."""

    sample: Picture
    joints: NDArray[np.float64]
    moved: float = 0.0

    def differs(self, sample: Picture) -> float:
        """Mean change, grey levels."""
        if sample.shape != self.sample.shape:
            return float("inf")
        return float(np.abs(sample.astype(np.int16) - self.sample).mean())
