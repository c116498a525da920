"""A skill from one demonstration moves the arm in the stack, on objects seen in the pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from std_srvs.srv import Trigger

from kinevla_ros.msg import Reasoning
from kinevla_ros.sim.demonstrations.collect import collect
from kinevla_ros.skills.folder import add_skill
from kinevla_ros.skills.learning.learn import learn
from kinevla_ros.stack.processes.launcher import Launcher, client_node, parameter_file
from kinevla_ros.stack.talk import Talk
from kinevla_ros.stack.up import StackSetup, overrides

TASK_TIMEOUT = 40.0


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shown")
    collect(root / "dataset", 1, seed=77)
    skill, tasks = learn(root / "dataset", [0])
    add_skill(root / "skills" / "bread.yaml", skill, tasks)
    return root / "skills"


def test_what_was_shown_once_is_done_and_what_was_not_is_refused(skills: Path) -> None:
    nodes = overrides(StackSetup(skills=skills))
    with (
        client_node("person") as (node, interrupted),
        Launcher(node, interrupted, parameter_file(None), nodes, "error") as launcher,
    ):
        launcher.bring_up()
        talk = Talk(node, interrupted)
        assert talk.begin(20.0) == ""
        client = node.create_client(Trigger, "/cell/judge")
        launcher.wait_for(client.service_is_ready, 10.0, "no judge")

        def done() -> bool:
            future = client.call_async(Trigger.Request())
            launcher.wait_for(future.done, 10.0, "no judgement")
            return bool(json.loads(future.result().message).get("goal"))

        shown = talk.answer("please take the bread and carry it to the left front")
        assert shown is not None and shown.status in (Reasoning.ACCEPTED, Reasoning.OK), shown
        launcher.wait_for(done, TASK_TIMEOUT, "the bread is not where it was to go")
        unknown = talk.answer("pick up the bread and move it to the right front")
        assert unknown is not None
        heard: list[Reasoning] = []
        node.create_subscription(Reasoning, "/kinevla/reasoning", heard.append, 10)
        launcher.wait_for(
            lambda: any("there is no skill" in each.detail for each in heard), 10.0, "no reason"
        )
