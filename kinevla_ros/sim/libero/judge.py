"""Which constraints each way has: the judge of LIBERO-Goal-Relabeled and Kine-LIBERO.

LIBERO's own goal predicate is a second judge, `LiberoWorld.goal`; ours asks besides that things
are let go and at rest, and knows goals that LIBERO lacks: a drawer opened a little, the top
drawer alone, the plate to the right of the stove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kinevla_ros.sim.cell.judge import Judgement
from kinevla_ros.sim.libero import constraints as ask
from kinevla_ros.sim.libero import push_constraints as pushed
from kinevla_ros.sim.libero.scene import (
    BOTTLE,
    BOWL,
    CHEESE,
    DRAWER_TRAVEL,
    PLATE,
    STOVE_CENTRE,
    STOVE_HALF,
    TOP_SIDE,
    Array,
    drawer_region,
)
from kinevla_ros.sim.libero.track import Track

CABINET_HEIGHT = 1.12
"""What stands on the cabinet or lies in the rack is higher than this (m)."""

Slots = Mapping[str, str]
_Constraints = dict[str, ask.Constraint]


def judge(track: Track, goal: str, slots: Slots) -> Judgement:
    """Judge an episode as one way of a goal.

    Args:
        track: all that happened, from the start until things are at rest.
        goal: name of a goal of the task set.
        slots: the way.

    Raises KeyError when there is no such goal.
    """
    reached, constraints_of = _GOALS[goal]
    findings = {name: look(track) for name, look in constraints_of(slots).items()}
    return Judgement(
        bool(reached(track)),
        {name: bool(holds) for name, (holds, _) in findings.items()},
        {name: float(figure) for name, (_, figure) in findings.items()},
    )


def _on_cabinet(name: str) -> Callable[[Track], bool]:
    def reached(track: Track) -> bool:
        off = np.abs(track.end.positions[name] - track.end.sites[TOP_SIDE])
        high = track.end.positions[name][2] > CABINET_HEIGHT
        return bool(track.at_rest(name) and high and off[0] < 0.125 and off[1] < 0.10)

    return reached


def _bowl_to_cabinet(slots: Slots) -> _Constraints:
    return {
        "edge": ask.edge(slots["edge"]),
        "order": ask.order(BOWL),
        "path": ask.straight(BOWL, 0.03, "diagonal"),
        "section": ask.section(BOWL, slots["section"]),
        "upright": ask.upright(BOWL),
    }


def _on_stove(track: Track) -> bool:
    off = (track.end.positions[BOWL] - track.end.sites[STOVE_CENTRE])[:2]
    high = track.end.positions[BOWL][2] > 0.92
    return bool(track.at_rest(BOWL) and high and np.abs(off).max() < STOVE_HALF)


def _bowl_to_stove(slots: Slots) -> _Constraints:
    return {
        "edge": ask.edge(slots["edge"]),
        "order": ask.order(BOWL),
        "path": ask.straight(BOWL, 0.03, "diagonal"),
        "centre": ask.centre(BOWL, lambda track: track.end.sites[STOVE_CENTRE], 0.03),
        "upright": ask.upright(BOWL),
    }


def _on_plate(track: Track) -> bool:
    bowl, plate = track.end.positions[BOWL], track.end.positions[PLATE]
    near = float(np.linalg.norm((bowl - plate)[:2])) < 0.067
    return bool(track.at_rest(BOWL) and near and track.lift(BOWL) is not None)


def _bowl_to_plate(slots: Slots) -> _Constraints:
    return {
        "edge": ask.edge(slots["edge"]),
        "order": ask.order(BOWL),
        "path": ask.straight(BOWL, 0.03, "forward"),
        "centre": ask.centre(BOWL, lambda track: track.end.positions[PLATE], 0.03),
        "upright": ask.upright(BOWL),
    }


def _in_drawer(track: Track) -> bool:
    off = np.abs(track.end.positions[BOWL] - track.end.sites[drawer_region("top")])
    height = track.end.positions[BOWL][2]
    return bool(track.at_rest(BOWL) and 1.04 < height < CABINET_HEIGHT and off[:2].max() < 0.08)


def _bowl_into_drawer(slots: Slots) -> _Constraints:
    def opened_first(track: Track) -> ask.Finding:
        number = track.lift(BOWL)
        opened = track.pull("top")[1]
        return number is not None and 0 < opened < number, float(opened)

    return {
        "handle": ask.handle("top", "pressed"),
        "extent": ask.extent("top", "completely", lambda track: track.lift(BOWL)),
        "order": opened_first,
        "edge": ask.edge(slots["edge"]),
        "centre": ask.centre(BOWL, _drawer_middle, 0.03),
        "upright": ask.upright(BOWL),
    }


def _drawer_middle(track: Track) -> Array:
    return track.end.sites[drawer_region("top")]


def _drawer(which: str) -> tuple[Callable[[Track], bool], Callable[[Slots], _Constraints]]:
    def reached(track: Track) -> bool:
        opened = track.end.drawers[which] > 0.08 * DRAWER_TRAVEL
        return opened and not any(which in name for name in track.end.touches)

    def constraints_of(slots: Slots) -> _Constraints:
        return {
            "handle": ask.handle(which, slots["hold"]),
            "path": ask.linear_pull(which),
            "extent": ask.extent(which, slots["extent"]),
            "others": ask.others_shut(which),
        }

    return reached, constraints_of


def _before_stove(track: Track) -> bool:
    off = track.end.positions[PLATE] - track.end.stove
    gap = off[0] - STOVE_HALF
    return bool(track.at_rest(PLATE) and 0.06 < gap < 0.18 and abs(off[1]) < 0.06)


def _right_of_stove(track: Track) -> bool:
    off = track.end.positions[PLATE] - track.end.stove
    return bool(track.at_rest(PLATE) and 0.16 < off[1] < 0.24 and abs(off[0]) < 0.15)


def _push(slots: Slots) -> _Constraints:
    constraints: _Constraints = {
        "path": pushed.plate_path(slots["path"]),
        "contact": pushed.plate_contact,
        "centre": pushed.over_plate,
        "table": pushed.along_table,
    }
    if "distance" in slots:
        constraints["distance"] = pushed.stove_distance(slots["distance"])
    return constraints


def _in_rack(track: Track) -> bool:
    position, axis = track.end.positions[BOTTLE], track.end.rotations[BOTTLE][:, 2]
    high = min(position[2], position[2] + 0.05 * axis[2]) > 1.1
    return bool(track.at_rest(BOTTLE) and high and abs(axis[2]) < 0.35)


def _bottle_to_rack(slots: Slots) -> _Constraints:
    return {
        "part": ask.bottle_part(slots["part"]),
        "order": ask.order(BOTTLE),
        "place": ask.rack_section(slots["place"]),
    }


def _bottle_to_cabinet(slots: Slots) -> _Constraints:
    return {
        "part": ask.bottle_part("neck"),
        "section": ask.section(BOTTLE, slots["section"]),
        "label": ask.label(slots["label"]),
        "order": ask.oriented_after_positioning,
    }


def _in_bowl(track: Track) -> bool:
    off = (track.end.positions[CHEESE] - track.end.positions[BOWL])[:2]
    return bool(track.at_rest(CHEESE) and np.linalg.norm(off) < 0.05 and track.lift(CHEESE))


def _cheese_into_bowl(slots: Slots) -> _Constraints:
    return {
        "part": ask.middle_of_cheese,
        "order": ask.order(CHEESE),
        "path": ask.straight(CHEESE, 0.02),
        "centre": ask.centre(CHEESE, lambda track: track.end.positions[BOWL], 0.02),
    }


def _stove_on(slots: Slots) -> _Constraints:
    return {
        "path": pushed.knob_reached_from_left,
        "part": pushed.knob_held,
        "turn": pushed.turned_counter_clockwise,
    }


_GOALS: Mapping[str, tuple[Callable[[Track], bool], Callable[[Slots], _Constraints]]] = {
    "bowl_to_cabinet": (_on_cabinet(BOWL), _bowl_to_cabinet),
    "bowl_to_stove": (_on_stove, _bowl_to_stove),
    "bowl_to_plate": (_on_plate, _bowl_to_plate),
    "bowl_into_drawer": (_in_drawer, _bowl_into_drawer),
    "middle_drawer": _drawer("middle"),
    "top_drawer": _drawer("top"),
    "plate_before_stove": (_before_stove, _push),
    "plate_right_of_stove": (_right_of_stove, _push),
    "bottle_to_rack": (_in_rack, _bottle_to_rack),
    "bottle_to_cabinet": (_on_cabinet(BOTTLE), _bottle_to_cabinet),
    "cheese_into_bowl": (_in_bowl, _cheese_into_bowl),
    "stove_on": (lambda track: track.end.knob > 0.5, _stove_on),
}
