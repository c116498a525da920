"""One way of a goal in each LIBERO suite, demonstrated and judged, and its end as a picture."""

import sys
from pathlib import Path

import cv2

from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.sim.libero.demonstrate import demonstrate
from kinevla_ros.sim.libero.goals import GOALS
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.world import LiberoWorld

SHOWN = {"libero_goal_relabeled": 5, "kine_libero": 14}  # suite to its entry, as in the paper
folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

world = LiberoWorld()
for suite, entry in SHOWN.items():
    tasks = load_tasks(resource_path("config", f"{suite}.yaml"))
    goal, way = next((g, w) for g, w in tasks.ways() if entry in w.entries)
    track = demonstrate(world, goal.key, way.slots, state=0)
    judgement = judge(track, goal.key, way.slots)
    picture = folder / f"{suite}_{entry}.png"
    front = cv2.resize(world.render()["front"], (512, 512), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(picture), cv2.cvtColor(front, cv2.COLOR_RGB2BGR))
    print(f"{suite} {entry}: {way.say}")
    print(f"  goal {judgement.goal}, LIBERO says {world.goal(GOALS[goal.key].task)}")
    print("  " + ", ".join(f"{name} {kept}" for name, kept in judgement.constraints.items()))
    print(f"  {len(track.moments) - 1} steps of 0.05 s, the end in {picture}")
world.close()
