"""Runs the network of a keypoint file and reads its heat maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.onnx_file import check_onnx
from kinevla_ros.base.onnx_session import open_session
from kinevla_ros.keypoints.rig import KeypointRig, RigCamera

Array = NDArray[np.float64]

RIG_KEY = "kinevla.keypoints"
INPUT, OUTPUTS = "pictures", ("heat", "depth")
LARGEST = 64 << 20
OPERATORS = {
    *("Add", "BatchNormalization", "Cast", "Concat", "Constant", "Conv", "Div", "Expand", "Gather"),
    *("Gemm", "Identity", "LayerNormalization", "MatMul", "Mul", "Relu", "Reshape", "Resize"),
    *("Shape", "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze"),
}
"""What the graph may use."""

BENDING = 0.02
"""Sides of a picture may differ so much from what the network reads, as a share."""

REACH = 2
"""Cells on each side of a peak that its place is averaged over."""


class KeypointFileError(FileError):
    """A file is no keypoint network; the message names it and the cure."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """Where a network sees keypoints in a picture; K of them.

    Attributes:
        pixels: from the upper left corner of what the network reads, (K, 2), px.
        depths: how far ahead, (K,), m.
        masses: how sure it is that each is there, 0 to 1, (K,).
    """

    pixels: Array
    depths: Array
    masses: Array


class KeypointDetector:
    """A keypoint network from its file. One thread at a time.

    Args:
        path: what `kinevla train keypoints` wrote.
        threads: of arithmetic.

    Attributes:
        rig: what its outputs mean.

    Raises:
        FileNotFoundError: there is no such file.
        KeypointFileError: it is damaged, or no keypoint network.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; train it: kinevla train keypoints")
        cure = "copy it again, or train it: kinevla train keypoints"
        try:
            check_onnx(path, OPERATORS, LARGEST)
        except FileError as problem:
            raise KeypointFileError(str(problem)) from problem
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # what is wrong is raised
        try:
            self._session = open_session(path, options, _one_picture)
            metadata = self._session.get_modelmeta().custom_metadata_map
            self.rig = KeypointRig.model_validate_json(metadata.get(RIG_KEY, "{}"))
            for camera in self.rig.cameras:
                self(camera, np.zeros((camera.height, camera.width, 3), np.uint8))
        except ValidationError as problem:
            raise KeypointFileError(
                f"{path} does not say which keypoints it finds; {cure}"
            ) from problem
        except Exception as problem:  # onnxruntime's errors share no base class of their own
            raise KeypointFileError(
                f"{path} is no keypoint network: {one_line(problem)}; {cure}"
            ) from problem

    def __call__(self, camera: RigCamera, picture: NDArray[np.uint8]) -> Peaks:
        """Where keypoints are in a camera's picture, (height, width, 3), RGB, of any size.

        Raises:
            ValueError: it is of another shape than the network's, and would be bent.
        """
        size = (camera.width, camera.height)
        height, width = picture.shape[:2]
        if abs(width * size[1] / (height * size[0]) - 1.0) > BENDING:
            raise ValueError(
                f"the {camera.name} camera gives {width} x {height} pictures; keypoints were "
                f"trained on the shape of {size[0]} x {size[1]}: set the camera to that shape"
            )
        if picture.shape[1::-1] != size:
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        given = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
        heat, depth = (each[0] for each in self._session.run(OUTPUTS, {INPUT: given}))
        if heat.shape != depth.shape or len(heat) != self.rig.channels:
            raise ValueError(f"{len(heat)} maps for {self.rig.channels} keypoints")
        return peaks(heat, depth, camera.height / heat.shape[1])


def peaks(heat: NDArray[np.float32], depth: NDArray[np.float32], stride: float) -> Peaks:
    """Read heat maps.

    Args:
        heat: logits, (K, rows, columns); "in no cell" has the logit 0.
        depth: natural logarithms, likewise.
        stride: pixels of a cell.
    """
    count, rows, columns = heat.shape
    best = heat.reshape(count, -1).argmax(axis=1)
    row, column = np.divmod(best, columns)
    highest = np.maximum(heat.reshape(count, -1)[np.arange(count), best], 0.0)
    whole = np.exp(heat - highest[:, None, None]).reshape(count, -1).sum(axis=1) + np.exp(-highest)
    ways = np.arange(-REACH, REACH + 1)
    near_rows = row[:, None] + ways
    near_columns = column[:, None] + ways
    inside = ((near_rows >= 0) & (near_rows < rows))[:, :, None] & (
        (near_columns >= 0) & (near_columns < columns)
    )[:, None, :]
    at = (
        np.arange(count)[:, None, None],
        near_rows.clip(0, rows - 1)[:, :, None],
        near_columns.clip(0, columns - 1)[:, None, :],
    )
    shares = np.where(inside, np.exp(heat[at] - highest[:, None, None]), 0.0).astype(float)
    sums = np.maximum(shares.sum(axis=(1, 2)), 1e-12)
    x = (shares.sum(axis=1) * (near_columns + 0.5)).sum(axis=1) / sums
    y = (shares.sum(axis=2) * (near_rows + 0.5)).sum(axis=1) / sums
    logs = (shares * depth[at]).sum(axis=(1, 2)) / sums
    return Peaks(np.stack([x, y], axis=1) * stride, np.exp(logs.clip(-6, 3)), sums / whole)


def _one_picture(session: onnxruntime.InferenceSession) -> Mapping[str, NDArray[np.uint8]]:
    return {INPUT: np.zeros((1, 3, CAMERA_HEIGHT, CAMERA_WIDTH), np.uint8)}
