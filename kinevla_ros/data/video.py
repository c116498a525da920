"""Camera frames to and from H.264 files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from kinevla_ros.base.files.damage import naming, one_line
from kinevla_ros.data.lerobot.schema import CURE, PIXEL_FORMAT, DatasetError

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
        self._path = path
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
        with _writing(self._path):
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds and close the file."""
        with _writing(self._path):
            self._container.mux(self._stream.encode(None))
            self._container.close()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Errors of the library, such as a full disk, as those of Python."""
    try:
        yield
    except av.error.FFmpegError as problem:
        raise OSError(problem.errno, one_line(problem), str(path)) from problem


@dataclass(frozen=True)
class VideoHeader:
    """A video as its file describes it.

    Attributes:
        frames: pictures in it.
        rate: pictures a second.
        size: height and width (px).
    """

    frames: int
    rate: float
    size: tuple[int, int]


def read_header(path: Path) -> VideoHeader:
    """Count the pictures of a video without decoding them.

    Raises:
        DatasetError: the file is missing or damaged.
    """
    with _reading(path), _open(path) as container:
        stream = container.streams.video[0]
        size = stream.height, stream.width
        frames = sum(packet.size > 0 for packet in container.demux(stream))
        return VideoHeader(frames, float(stream.average_rate or 0), size)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        with naming(path, CURE, DatasetError):
            yield
    except (av.error.FFmpegError, FileNotFoundError) as error:
        raise DatasetError(
            f"the video {path} is missing or damaged ({one_line(error)}); {CURE}"
        ) from error


def decode(path: Path, first: int, fps: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video from frame number `first`, rgb, shape (height, width, 3).

    Args:
        size: height and width that the frames must have (px).

    Raises:
        DatasetError: The file is missing or damaged, or its frames are of another size.
    """
    reformatter = VideoReformatter()
    with _reading(path), _open(path) as container:
        stream = container.streams.video[0]
        _require_size((stream.height, stream.width), size)
        if first:
            assert stream.time_base is not None
            container.seek(int(first / fps / stream.time_base), stream=stream, backward=True)
        for frame in container.decode(stream):
            _require_size((frame.height, frame.width), size)
            if frame.time is not None and round(frame.time * fps) >= first:
                rgb = reformatter.reformat(frame, format="rgb24", interpolation=TO_RGB, threads=1)
                yield np.asarray(rgb.to_ndarray(), dtype=np.uint8)


def _open(path: Path) -> av.container.InputContainer:
    """Open an mp4 file, whatever its content says it is: a list of URLs would be fetched."""
    options = {"protocol_whitelist": "file"}
    return av.open(f"file:{path.absolute()}", format="mp4", options=options)


def _require_size(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise ValueError(
            f"its frames are {found[1]}x{found[0]} px, info.json says {wanted[1]}x{wanted[0]}"
        )
