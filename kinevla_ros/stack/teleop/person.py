"""What a person wants of the arm, whatever they hold in their hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class DeviceLost(RuntimeError):
    """What the person moves is gone or silent; the message says what, and what to check."""


class PersonDone(Exception):
    """The person is done and lets go."""


@dataclass(frozen=True, eq=False)
class Wish:
    """What a person wants now.

    Attributes:
        held: whether they hold the clutch; without it nothing moves.
        joints: where the joints shall be, shape (7,), rad, of somebody who leads by a pose.
        twist: how the tool shall move and turn in `base_link`, shape (6,), m/s and rad/s, of
            somebody who leads by speed.
        gripper: opening, m; None to leave the gripper as it is.
    """

    held: bool
    joints: Array | None = None
    twist: Array | None = None
    gripper: float | None = None


class Person(Protocol):
    """Somebody at a device.

    Attributes:
        usage: how to move the arm with it, for the terminal.
    """

    usage: str

    def read(self, now: float) -> Wish:
        """What they want at the monotonic time `now`, s; does not wait.

        Raises:
            DeviceLost: nobody can know any more.
            PersonDone: they are done.
        """
        ...

    def let_go(self) -> None:
        """Release the clutch: the person has to take hold again."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...
