"""An observation that no policy could use is refused where it is made."""

import numpy as np
import pytest

from kinevla_ros.base.observation import Observation

PICTURE = np.zeros((240, 320, 3), np.uint8)
GOOD = {"images": {"front": PICTURE}, "joints": np.zeros(7), "gripper": 0.07, "stamp": 1.0}


def test_joints_may_come_as_a_list() -> None:
    assert Observation(**GOOD | {"joints": [0] * 7}).joints.dtype == np.float64


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"images": {"front": PICTURE[..., 0]}}, "front camera is uint8 of shape"),
        ({"images": {"front": PICTURE.astype(np.float32)}}, "front camera is float32"),
        ({"images": {"front": np.moveaxis(PICTURE, -1, 0)}}, r"\(3, 240, 320\)"),
        ({"images": {"front": PICTURE[:0]}}, "RGB"),
        ({"joints": np.zeros(6)}, "7 finite numbers"),
        ({"joints": np.full(7, np.nan)}, "7 finite numbers"),
        ({"gripper": np.inf}, "gripper is inf"),
        ({"stamp": np.nan}, "stamp is nan"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_malformed_is_named_with_what_is_wanted(changed: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Observation(**GOOD | changed)
