"""Pictures are resized on a GPU as they are on a CPU."""

import numpy as np
import pytest
import torch

from kinevla_ros.generator.pictures.squares import square, square_on

HERE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("shape", [(480, 640), (480, 848), (224, 224), (448, 448), (96, 300)])
@pytest.mark.parametrize("size", [96, 224])
def test_on_a_device_a_square_is_within_one_grey_level(shape: tuple[int, int], size: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    wanted, found = square(image, size), square_on(HERE, image, size).cpu().numpy()
    assert found.dtype == np.uint8
    distance = np.abs(found.astype(int) - wanted)
    assert distance.max() <= 1
    # Only what lies halfway between two grey levels may fall to the other side.
    assert (distance > 0).mean() < 0.15


def test_an_even_picture_stays_as_it_is() -> None:
    for level in (0, 127, 255):
        even = np.full((480, 640, 3), level, np.uint8)
        assert (square_on(HERE, even, 224) == level).all()


def test_a_picture_that_may_not_be_written_to_is_resized_too() -> None:
    image = np.frombuffer(bytes(range(192)) * 300, np.uint8).reshape(120, 160, 3)
    assert square_on(HERE, image, 96).shape == (96, 96, 3)
