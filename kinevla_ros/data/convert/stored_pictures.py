"""Pictures that LeRobot keeps in the rows themselves (`dtype: image`), as PNG or JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.paths import inside
from kinevla_ros.data.convert.recording import Picture
from kinevla_ros.data.lerobot.schema import CURE, DatasetError


class StoredPictures:
    """A column of pictures of the dataset at `root`."""

    def __init__(self, root: Path, name: str) -> None:
        self._root, self._name = root, name

    def read(self, files: Sequence[Path], rows: Sequence[int]) -> list[Picture]:
        """Pictures of rows in rising order, counted through all files.

        Only the row groups that hold one of them are read.

        Raises:
            DatasetError: a file or a picture is missing or damaged.
        """
        found: dict[int, Picture] = {}
        begin = 0
        for path in files:
            with naming(path, CURE, DatasetError), pq.ParquetFile(path) as file:
                for group in range(file.metadata.num_row_groups):
                    count = file.metadata.row_group(group).num_rows
                    here = [row for row in rows if begin <= row < begin + count]
                    if here:
                        column = file.read_row_group(group, columns=[self._name])[self._name]
                        for row in here:
                            found[row] = self._decode(column[row - begin].as_py(), row)
                    begin += count
        return [found[row] for row in rows]

    def _decode(self, stored: dict[str, object] | None, row: int) -> Picture:
        content = (stored or {}).get("bytes")
        if not isinstance(content, bytes):
            content = inside(self._root, (stored or {}).get("path")).read_bytes()
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f"the picture of {self._name} in row {row} is none")
        return np.ascontiguousarray(image[..., ::-1])
