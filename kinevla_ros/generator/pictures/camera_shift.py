"""How far the view of a camera has shifted since a reference picture was taken.

Orientation correlation (Fitch et al. 2002): the reference's edges are looked for in the live
picture at every shift at once, by their direction, whatever their contrast. What moves about in
the view (arm, objects, people) takes from the correlation; table and room hold their place in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.generator.pictures.header import picture_size

Picture = NDArray[np.uint8]

WIDTH, REACH = 320, 80
"""Pictures are compared at this width, up to this shift, pixels."""

ROLLS = (0, -2, 2, -4, 4, -6, 6)
"""Turns of the camera about its line of sight at which the reference is looked for, degrees."""

BLUR, SLOPE = 1.5, 2.0
"""Edges are looked for after this much blur (pixels) and above this slope (% a pixel)."""

WARNING, LIMIT = 4.0, 8.0
"""Shifts that should be reported, and that no policy should work with; pixels at this width."""

LARGEST = 4096
"""A reference has no longer side, pixels; checked before it is decoded."""

EDGES = 0.01
"""A reference with fewer edges, as a share of its pixels, shows nothing to recognise."""

ALIKE = 0.17
"""Two views that correlate less cannot be compared: views of other places reach 0.14."""

UNMOVED = 0.85
"""A view fits along an edge nearly as well as where it fits best; this well, it has not moved."""


class NoReference(ValueError):
    """A picture that cannot serve as the reference, or none; the message says why."""


@dataclass(frozen=True)
class Shift:
    """What a comparison found.

    Attributes:
        pixels: how far the view has shifted, at its edge if it is rolled, in pixels of a picture
            320 wide.
        alike: how well the edges of both correlate there, 0 to 1.
    """

    pixels: float
    alike: float

    @property
    def clear(self) -> bool:
        """Whether the views have enough in common for `pixels` to mean anything."""
        return self.alike >= ALIKE


class CameraReference:
    """What the view of a camera should be.

    Args:
        picture: RGB, shape (height, width, 3).

    Raises:
        NoReference: it shows too little to recognise.
    """

    def __init__(self, picture: Picture) -> None:
        edges = _edges(picture)
        if np.mean(edges.any(-1)) < EDGES:
            raise NoReference(
                "the reference picture shows too few edges to recognise: take one in which table "
                "and room can be seen"
            )
        self._shape = edges.shape[:2]
        self._room = [cv2.getOptimalDFTSize(side + 2 * REACH) for side in self._shape]
        self._spectra = {roll: self._spectrum(_rolled(picture, roll)) for roll in ROLLS}

    @classmethod
    def read(cls, path: Path) -> CameraReference:
        """Read a picture file.

        Raises:
            NoReference: the file cannot be read, or shows too little to recognise.
        """
        try:
            data = path.read_bytes()
            size = picture_size(data)
            whole = size is not None and max(size) <= LARGEST
            picture = (
                cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if whole else None
            )
        except (OSError, cv2.error):
            picture = None
        if picture is None:
            raise NoReference(
                f"{path} is missing, damaged or no picture; `kinevla camera-reference` writes one"
            )
        return cls(np.asarray(picture[..., ::-1], np.uint8))

    def shift(self, picture: Picture) -> Shift:
        """Compare a live picture, RGB, of whatever size.

        Raises:
            NoReference: it has other proportions, so it cannot be the same view.
        """
        edges = _edges(picture)
        if edges.shape[:2] != self._shape:
            raise NoReference(
                f"the camera's pictures are {picture.shape[1]} x {picture.shape[0]}, of other "
                f"proportions than the reference (as {WIDTH} x {self._shape[0]}): take a new one"
            )
        live = self._spectrum(edges)
        fits = {roll: _correlation(live, own) for roll, own in self._spectra.items()}
        roll = max(fits, key=lambda angle: fits[angle].max())
        best, still = fits[roll], fits[0][REACH - 1 : REACH + 2, REACH - 1 : REACH + 2].max()
        alike = float(best.max())
        if still >= UNMOVED * alike:
            return Shift(0.0, alike)
        place = np.array(np.unravel_index(best.argmax(), best.shape)) - REACH
        return Shift(math.hypot(*place, math.radians(roll) * WIDTH / 2), alike)

    def _spectrum(self, edges: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of edges, scaled so that they correlate with themselves by 1."""
        room = np.zeros((*self._room, 2), np.float32)
        room[: edges.shape[0], : edges.shape[1]] = edges / max(float(np.linalg.norm(edges)), 1.0)
        return np.asarray(cv2.dft(room))


def median(pictures: Sequence[Picture]) -> Picture:
    """The median of pictures of one view, RGB, of the same shape.

    Noise is gone in it, and of many scenes all that lay elsewhere in each of them.

    Raises:
        NoReference: their shapes differ.
    """
    if len({picture.shape for picture in pictures}) != 1:
        raise NoReference("the pictures are not all of one size: they must be of one camera")
    return np.median(np.stack(pictures), axis=0).astype(np.uint8)


def write_reference(path: Path, picture: Picture) -> None:
    """Write a reference, RGB, as a PNG.

    Raises:
        NoReference: it shows too little to recognise.
        OSError: the file exists already or cannot be written.
    """
    CameraReference(picture)
    content = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise FileExistsError(f"{path} exists: remove it, or give another name") from error


def _correlation(live: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """How well two spectra fit at each shift, down and across, from -REACH to REACH."""
    product = cv2.mulSpectrums(live, reference, 0, conjB=True)
    around = cv2.idft(product, flags=cv2.DFT_SCALE)[..., 0]
    found = np.roll(around, (REACH, REACH), (0, 1))[: 2 * REACH + 1, : 2 * REACH + 1]
    return np.asarray(found, np.float32)


def _rolled(picture: Picture, roll: float) -> NDArray[np.float32]:
    """Edges of a picture turned about its centre (degrees), without those of its own border."""

    def turned(image: NDArray[Any]) -> NDArray[Any]:
        height, width = image.shape[:2]
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), roll, 1)
        return np.asarray(cv2.warpAffine(image, turn, (width, height)))

    edges = _edges(turned(picture))
    inside = turned(np.ones(edges.shape[:2], np.float32))
    if roll:
        inside = cv2.erode(inside, np.ones((9, 9), np.uint8), borderValue=0)
    return np.asarray(edges * inside[..., None], np.float32)


def _edges(picture: Picture) -> NDArray[np.float32]:
    """Direction of the slope at each pixel where there is one, shape (height, 320, 2)."""
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    small = cv2.resize(np.ascontiguousarray(picture), (WIDTH, height), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Of the logarithm, so that a dim edge counts as a bright one does.
    smooth = cv2.GaussianBlur(100 * np.log1p(grey / 8), (0, 0), BLUR)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    slope = np.hypot(across, down)
    weight = np.where(slope > SLOPE, 1 / (slope + SLOPE), 0)
    return np.stack([across * weight, down * weight], axis=-1)
