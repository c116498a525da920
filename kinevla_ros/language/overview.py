"""What can be said to a policy, for people to read."""

from __future__ import annotations

from kinevla_ros.language.task_set import Goal, Slot, TaskSet


def overview(tasks: TaskSet) -> list[str]:
    """Lines: the frame, each goal with its slots, values and words, and what a model is given."""
    found = [f"{tasks.name}. {tasks.frame}", ""]
    for goal in tasks.goals:
        found += [_heading(tasks, goal)]
        found += [_slot(name, tasks.slots[name]) for name in goal.slots]
        found += [f'    "{way.say}"' for way in goal.ways] + [""]
    found += ["Say it in your own words. What is missing is asked for; what is not known moves"]
    return [*found, "nothing."]


def _heading(tasks: TaskSet, goal: Goal) -> str:
    others = ", ".join(tasks.objects[goal.object][1:])
    return f"{goal.text}" + (f" ({goal.object}: also {others})" if others else "")


def _slot(name: str, slot: Slot) -> str:
    values = "; ".join(
        f"{value.name} ({', '.join(w for word in value.words for w in slot.words[word])})"
        for value in slot.values.values()
    )
    return f"  {name}: {values}"
