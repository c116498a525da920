"""The goals of both task sets: where each starts in LIBERO, what LIBERO asks, who shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kinevla_ros.sim.libero.demonstrators import bottle, bowl, drawer, plate, small
from kinevla_ros.sim.libero.demonstrators.hand import Hand

Slots = Mapping[str, str]
Show = Callable[[Hand, Slots], None]


@dataclass(frozen=True)
class LiberoGoal:
    """One goal.

    Attributes:
        task: of LIBERO-Goal, whose fixed initial states it starts from.
        in_libero: whether LIBERO's goal predicate of that task asks for the same.
        show: demonstrates a way of it.
    """

    task: str
    in_libero: bool
    show: Show


GOALS: Mapping[str, LiberoGoal] = {
    "bowl_to_plate": LiberoGoal(
        "put_the_bowl_on_the_plate", True, lambda hand, way: bowl.to_plate(hand, **way)
    ),
    "bowl_to_stove": LiberoGoal(
        "put_the_bowl_on_the_stove", True, lambda hand, way: bowl.to_stove(hand, **way)
    ),
    "bowl_to_cabinet": LiberoGoal(
        "put_the_bowl_on_top_of_the_cabinet", True, lambda hand, way: bowl.to_cabinet(hand, **way)
    ),
    "bowl_into_drawer": LiberoGoal(
        "open_the_top_drawer_and_put_the_bowl_inside",
        True,
        lambda hand, way: bowl.into_drawer(hand, **way),
    ),
    # LIBERO calls a drawer open from seven eighths of its travel on.
    "middle_drawer": LiberoGoal(
        "open_the_middle_drawer_of_the_cabinet",
        True,
        lambda hand, way: drawer.open_drawer(hand, "middle", **way),
    ),
    "top_drawer": LiberoGoal(
        "open_the_middle_drawer_of_the_cabinet",
        False,
        lambda hand, way: drawer.open_drawer(hand, "top", **way),
    ),
    "plate_before_stove": LiberoGoal(
        "push_the_plate_to_the_front_of_the_stove",
        True,
        lambda hand, way: plate.push_before_stove(hand, **way),
    ),
    "plate_right_of_stove": LiberoGoal(
        "push_the_plate_to_the_front_of_the_stove",
        False,
        lambda hand, way: plate.push_beside_stove(hand, **way),
    ),
    "bottle_to_rack": LiberoGoal(
        "put_the_wine_bottle_on_the_rack", True, lambda hand, way: bottle.to_rack(hand, **way)
    ),
    "bottle_to_cabinet": LiberoGoal(
        "put_the_wine_bottle_on_top_of_the_cabinet",
        True,
        lambda hand, way: bottle.to_cabinet(hand, **way),
    ),
    "cheese_into_bowl": LiberoGoal(
        "put_the_cream_cheese_in_the_bowl", True, lambda hand, way: small.cheese_to_bowl(hand)
    ),
    "stove_on": LiberoGoal("turn_on_the_stove", True, lambda hand, way: small.turn_knob(hand)),
}
