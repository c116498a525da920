"""A demonstration from one of LIBERO's fixed initial states, and its track."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kinevla_ros.sim.libero.demonstrators.hand import Hand
from kinevla_ros.sim.libero.goals import GOALS
from kinevla_ros.sim.libero.scene import Array
from kinevla_ros.sim.libero.track import Track, look
from kinevla_ros.sim.libero.world import LiberoWorld


def demonstrate(
    world: LiberoWorld,
    goal: str,
    slots: Mapping[str, str],
    state: int | None,
    act: Callable[[Array], None] | None = None,
    seed: int | None = None,
) -> Track:
    """Show one way of a goal.

    Args:
        world: to act in; it is reset.
        goal: name of a goal.
        slots: the way.
        state, seed: of the scene, see `LiberoWorld.reset`.
        act: carries out a command, shape (7,), and steps the world; the world's step without it.
    """
    world.reset(GOALS[goal].task, state, seed)
    track = Track(look(world))
    step = act or world.step

    def watched(action: Array) -> None:
        step(action)
        track.add(look(world))

    GOALS[goal].show(Hand(world, watched), slots)
    return track
