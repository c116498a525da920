"""Camera frames to and from H.264 files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from kinevla_ros.data.metadata import DatasetError
from kinevla_ros.data.schema import PIXEL_FORMAT

# A key frame every second frame: training reads frames in random order.
ENCODER_OPTIONS = {"g": "2", "bf": "0", "crf": "18", "preset": "veryfast"}
# Full chroma interpolation halves the pixel error of the default conversion.
TO_RGB = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
FROM_RGB = Interpolation.AREA | Interpolation.ACCURATE_RND


class VideoWriter:
    """Encodes rgb frames, one after the other, into an mp4 file.

    Attributes:
        frames: Frames added so far.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int) -> None:
        self.frames = 0
        self._tick = Fraction(1, fps)
        # One conversion context for all frames; setting one up costs more than a conversion.
        self._reformatter = VideoReformatter()
        self._container = av.open(str(path), "w")
        self._stream = self._container.add_stream("libx264", rate=fps, options=ENCODER_OPTIONS)
        self._stream.width = width
        self._stream.height = height
        self._stream.pix_fmt = PIXEL_FORMAT
        self._stream.time_base = self._tick

    def add(self, image: NDArray[np.uint8]) -> None:
        """Append a frame, rgb, shape (height, width, 3)."""
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame = self._reformatter.reformat(
            rgb, format=PIXEL_FORMAT, interpolation=FROM_RGB, threads=1
        )
        frame.pts = self.frames
        frame.time_base = self._tick
        self.frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds and close the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def decode(path: Path, first: int, fps: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video from frame number `first`, rgb, shape (height, width, 3).

    Raises:
        DatasetError: The file is missing or damaged.
    """
    reformatter = VideoReformatter()
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if first:
                assert stream.time_base is not None
                container.seek(int(first / fps / stream.time_base), stream=stream, backward=True)
            for frame in container.decode(stream):
                if frame.time is not None and round(frame.time * fps) >= first:
                    rgb = reformatter.reformat(
                        frame, format="rgb24", interpolation=TO_RGB, threads=1
                    )
                    yield np.asarray(rgb.to_ndarray(), dtype=np.uint8)
    except (av.error.FFmpegError, IndexError) as error:
        raise DatasetError(
            f"the video {path} is missing or damaged ({error}); "
            "restore the file or collect the dataset again"
        ) from error
