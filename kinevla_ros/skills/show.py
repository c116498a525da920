"""A skill for people to read, and as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kinevla_ros.skills.motion import Motion
from kinevla_ros.skills.skill import Anchor, Move, Skill

_SHIFT = 0.04
"""How far the picture puts other goals beside the demonstrated one (m)."""


def lines(skill: Skill) -> list[str]:
    """What the skill does, what its ends belong to, and what it was learnt from."""
    episodes = ", ".join(map(str, skill.episodes))
    gripper = skill.gripper
    carried = skill.approach.anchor.object
    return [
        f"{skill.goal}: {skill.kinematics}",
        f"  of the task set {skill.tasks}; learnt from {skill.source}, episode {episodes}",
        f"  approach {skill.approach.duration:.1f} s  tool {_end(skill.approach, carried)}",
        f"  close    {skill.closing:.1f} s  to {_mm(gripper.closed)} mm; holds the {carried} at "
        f"{_mm(gripper.held)} mm",
        f"  carry    {skill.carry.duration:.1f} s  {carried} {_end(skill.carry, carried)}",
        f"  open     {skill.opening:.1f} s  to {_mm(gripper.open)} mm",
        f"  retreat  {_mm(skill.rise)} mm up",
    ]


def plot(skill: Skill, picture: Path) -> None:
    """Draw the demonstrated paths, and what becomes of them with goals moved to the sides.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: the picture's name has an ending that names no kind of picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    moves = {"approach": skill.approach, "carry": skill.carry}
    for row, (name, move) in enumerate(moves.items()):
        shown = np.array(move.path)
        motion = Motion(shown)
        views = (("x (m)", "y (m)", 0, 1), ("y (m)", "height (m)", 1, 2))
        for column, (across, up, first, second) in enumerate(views):
            axes = figure.add_subplot(2, 2, 2 * row + column + 1)
            for x, y in ((_SHIFT, 0), (-_SHIFT, 0), (0, _SHIFT), (0, -_SHIFT)):
                other = motion.between(shown[0], shown[-1] + [x, y, 0, 0])
                axes.plot(other[:, first], other[:, second], color="#88ccee", linewidth=1)
            axes.plot(shown[:, first], shown[:, second], color="#332288", linewidth=2)
            axes.plot(*shown[-1, [first, second]], "o", color="#882255")
            axes.set(xlabel=across, ylabel=up, title=name, aspect="equal")
    figure.suptitle(f"{skill.kinematics}\ndemonstrated, and to goals {_SHIFT * 100:.0f} cm aside")
    figure.savefig(picture)


def _end(move: Move, carried: str) -> str:
    x, y, z, yaw = move.goal
    where = _frame(move.anchor, carried)
    return (
        f"to {_mm(x)}, {_mm(y)} mm of {where}, the tool {_mm(z)} mm above the table and turned by "
        f"{np.degrees(yaw):.0f} deg"
    )


def _frame(anchor: Anchor, carried: str) -> str:
    if anchor.axes == "object":
        return f"the {anchor.object}, in its own axes"
    return f"the {anchor.object}, in the base's axes" + (
        ", where it lay" if anchor.object == carried else ""
    )


def _mm(metres: float) -> str:
    return f"{metres * 1e3:.0f}"
