"""What can be said to a policy, for people to read."""

from __future__ import annotations

from kinevla_ros.language.task_set import Goal, Slot, TaskSet


def overview(tasks: TaskSet) -> list[str]:
    """Lines: the frame, each goal with its slots, values and words, and what a model is given."""
    found = [f"{tasks.name}. {tasks.frame}".rstrip(), ""]
    for goal in tasks.goals:
        found += [_heading(tasks, goal)]
        found += [_slot(name, tasks.slots[name]) for name in goal.slots]
        found += [f'    "{way.say}"' for way in goal.ways] + [""]
    return [*found, *(_OWN_WORDS if tasks.has_slots else _WORDS_OF_THE_DATA)]


_OWN_WORDS = (
    "Say it in your own words. What is missing is asked for; what is not known moves",
    "nothing.",
)
_WORDS_OF_THE_DATA = (
    "Say it with the words of the demonstrations, in any order. What fits several ways is asked",
    "about; a word that no demonstration had moves nothing.",
)


def _heading(tasks: TaskSet, goal: Goal) -> str:
    others = ", ".join(tasks.objects[goal.object][1:]) if goal.object else ""
    return f"{goal.text}" + (f" ({goal.object}: also {others})" if others else "")


def _slot(name: str, slot: Slot) -> str:
    values = "; ".join(
        f"{value.name} ({', '.join(w for word in value.words for w in slot.words[word])})"
        for value in slot.values.values()
    )
    return f"  {name}: {values}"
