"""Chunks by a skill: stage by stage, after what moves, and none where it is not clear."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from skill_world import FRONT, GRASP_HEIGHT, LEFT, SCENE, Table, shown_frames, write_demonstrations

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Inference, NoMotion, NotUnderstood
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.skills.folder import add_skill
from kinevla_ros.skills.learning.learn import learn
from kinevla_ros.skills.policy import SkillPolicy
from kinevla_ros.skills.run import ATTEMPTS

WAY = np.array([0.10, -0.09])
"""How far the bread was carried in the demonstration (m)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("skills")
    shown = [shown_frames(), shown_frames(FRONT, goal=(0.1, 0.0))]
    dataset = write_demonstrations(root / "dataset", *shown)
    for episode, name in enumerate(("left", "front")):
        add_skill(root / "skills" / f"{name}.yaml", *learn(dataset, [episode]))
    return root / "skills"


@pytest.fixture(scope="module")
def learnt(folder: Path) -> SkillPolicy:
    return SkillPolicy(folder)


@pytest.fixture
def policy(learnt: SkillPolicy) -> SkillPolicy:
    learnt.reset()
    return learnt


def drive(
    policy: SkillPolicy, table: Table, seconds: float = 14.0, said: str = LEFT.say
) -> list[Inference]:
    """Let the policy act for so long."""
    found = []
    end = table.now + seconds
    while table.now < end - 1e-6:
        found.append(policy.infer(said, table.observe()))
        table.follow(found[-1].chunk)
    return found


def until(policy: SkillPolicy, table: Table, reached: str) -> None:
    """Let the policy act until it is at a stage."""
    for _ in range(60):
        table.follow(policy.infer(LEFT.say, table.observe()).chunk)
        run = policy._run
        if run is not None and run.stage.value == reached:
            return
    pytest.fail(f"{reached} was never reached")


def carried_as_shown(table: Table, start: np.ndarray) -> None:
    way = table.objects["bread"][:2] - start[:2]
    assert np.linalg.norm(way - WAY) < 0.01
    assert not table.holds
    assert table.tool[2] > GRASP_HEIGHT + 0.05


def test_a_skill_is_carried_out_in_a_scene_like_the_one_shown(policy: SkillPolicy) -> None:
    table = Table()
    done = drive(policy, table)
    carried_as_shown(table, SCENE["bread"])
    assert {(each.goal, each.kinematics) for each in done} == {(LEFT.goal, LEFT.kinematics)}
    first = done[0].sequence
    assert [each.sequence for each in done] == list(range(first, first + len(done)))
    assert done[0].chunk.stamp == 0.0


@pytest.mark.parametrize(
    ("place", "yaw"), [((0.28, -0.06), -0.8), ((0.21, 0.10), 1.3), ((0.26, 0.0), 3.3)]
)
def test_an_object_elsewhere_is_grasped_there_whichever_way_it_lies(
    policy: SkillPolicy, place: tuple[float, float], yaw: float
) -> None:
    bread = np.array([*place, yaw])
    table = Table(SCENE | {"bread": bread})
    until(policy, table, "close")
    assert np.linalg.norm(table.tool[:2] - bread[:2]) < 0.003
    across = np.remainder(table.tool[3] - yaw + np.pi / 2, np.pi) - np.pi / 2
    assert abs(across) < 0.02
    drive(policy, table)
    carried_as_shown(table, bread)


def test_chunks_follow_each_other_without_a_jump_and_within_the_speed(policy: SkillPolicy) -> None:
    table = Table()
    chunks = [each.chunk for each in drive(policy, table)]
    for before, after in pairwise(chunks):
        # Due at the same times: 0.3 s after the first chunk's picture, 0.1 s after the second's.
        step = np.abs(after.positions[0] - before.positions[1])
        assert (step <= RM75_LIMITS.velocity * CHUNK_DT).all()
    targets = np.array([chunk.positions for chunk in chunks])
    speed = np.abs(np.diff(targets, axis=1)) / CHUNK_DT
    assert (speed <= 1.001 * RM75_LIMITS.velocity).all()


def test_the_path_is_made_again_when_the_object_moves(policy: SkillPolicy) -> None:
    table = Table()
    drive(policy, table, 1.0)
    table.objects["bread"] = np.array([0.27, -0.03, 0.9])
    moved = table.objects["bread"].copy()
    until(policy, table, "close")
    assert np.linalg.norm(table.tool[:2] - moved[:2]) < 0.003
    drive(policy, table)
    carried_as_shown(table, moved)


def test_an_object_that_moves_late_is_come_down_upon_from_above(policy: SkillPolicy) -> None:
    table = Table()
    while table.tool[2] > GRASP_HEIGHT + 0.025:
        table.follow(policy.infer(LEFT.say, table.observe()).chunk)
    table.objects["bread"] = SCENE["bread"] + np.array([0.04, -0.05, 0.0])
    moved = table.objects["bread"].copy()
    while np.linalg.norm(table.tool[:2] - moved[:2]) > 0.03:
        table.follow(policy.infer(LEFT.say, table.observe()).chunk)
    assert table.tool[2] > GRASP_HEIGHT + 0.03
    drive(policy, table)
    carried_as_shown(table, moved)


def test_an_arm_that_was_held_goes_on_from_where_it_is(policy: SkillPolicy) -> None:
    table = Table()
    drive(policy, table, 0.8)
    table.blocked = True
    drive(policy, table, 5.0)
    table.blocked = False
    before = table.joints
    first = policy.infer(LEFT.say, table.observe()).chunk
    assert np.abs(first.positions[0] - before).max() < 0.2
    drive(policy, table)
    carried_as_shown(table, SCENE["bread"])


def test_nothing_moves_while_the_object_is_not_seen_and_the_reason_is_said(
    policy: SkillPolicy,
) -> None:
    table = Table()
    table.hidden = {"bread"}
    with pytest.raises(NoMotion, match="the bread is not seen"):
        policy.infer(LEFT.say, table.observe())
    table.hidden = set()
    drive(policy, table, 1.0)
    table.hidden = {"bread"}
    drive(policy, table, 0.6)  # an arm hides things for a moment
    with pytest.raises(NoMotion, match="the bread is not seen"):
        drive(policy, table, 2.0)
    table.hidden = set()
    drive(policy, table)
    carried_as_shown(table, SCENE["bread"])


def test_a_source_that_knows_why_an_object_is_not_seen_is_heard(
    policy: SkillPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keypoints:
        unseen: ClassVar = {"bread": "1 of its 6 keypoints are seen and fit its shape"}

        def find(self, observation: Observation) -> dict[str, np.ndarray]:
            return {}

    monkeypatch.setattr(policy, "keypoints", Keypoints())
    with pytest.raises(NoMotion, match=r"the bread is not seen \(1 of its 6 keypoints"):
        policy.infer(LEFT.say, Table().observe())


def test_a_held_object_need_not_be_seen(policy: SkillPolicy) -> None:
    table = Table()
    until(policy, table, "carry")
    table.hidden = {"bread"}
    drive(policy, table)
    carried_as_shown(table, SCENE["bread"])


def test_a_grasp_that_misses_is_tried_again_and_then_given_up(
    policy: SkillPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table()
    real = table.objects["bread"].copy()

    def elsewhere(observation: Observation) -> dict[str, np.ndarray]:
        return {"bread": real + np.array([0.03, 0.0, 0.0])}

    monkeypatch.setattr(policy.keypoints, "find", elsewhere)
    with pytest.raises(NoMotion, match=f"closed on nothing {ATTEMPTS} times"):
        drive(policy, table, 60.0)
    assert table.now > 8.0
    with pytest.raises(NoMotion, match="closed on nothing"):
        policy.infer(LEFT.say, table.observe())
    policy.reset()
    monkeypatch.undo()
    drive(policy, table)
    carried_as_shown(table, real)


def test_what_is_lost_on_the_way_is_fetched_again(policy: SkillPolicy) -> None:
    table = Table()
    until(policy, table, "carry")
    drive(policy, table, 0.6)
    table._held, table.opening = None, 0.01
    table.objects["bread"][2] += 0.3
    lost = table.objects["bread"].copy()
    drive(policy, table, 16.0)
    carried_as_shown(table, lost)


def test_a_gripper_that_does_not_close_is_reported_and_one_after_a_pause_is_not(
    policy: SkillPolicy,
) -> None:
    table = Table()
    until(policy, table, "close")
    table.follow(policy.infer(LEFT.say, table.observe()).chunk, 0.5)
    table.now += 5.0  # nobody asked for a chunk
    policy.infer(LEFT.say, table.observe())
    assert policy._run is not None and policy._run.stage.value == "carry"
    policy.reset()
    table = Table()
    until(policy, table, "close")
    table.opening = GRIPPER_STROKE
    table.now += 5.0
    with pytest.raises(NoMotion, match="does not come to rest closed"):
        policy.infer(LEFT.say, table.observe())


def test_an_object_out_of_reach_moves_nothing(policy: SkillPolicy) -> None:
    table = Table(SCENE | {"bread": np.array([0.62, 0.0, 0.0])})
    with pytest.raises(NoMotion, match="out of reach"):
        policy.infer(LEFT.say, table.observe())


def test_words_that_name_no_way_or_one_without_a_skill_move_nothing(policy: SkillPolicy) -> None:
    seen = Table().observe()
    with pytest.raises(NotUnderstood, match="sing a song"):
        policy.infer("sing a song", seen)
    with pytest.raises(NoMotion, match="there is no skill for"):
        policy.infer("pick up the bread and move it to the right front", seen)
    with pytest.raises(NotUnderstood, match="no words in the place of its own"):
        policy.infer(LEFT.say, seen, Override.naming(FRONT))


def test_another_way_is_begun_unless_something_is_held(policy: SkillPolicy) -> None:
    table = Table()
    drive(policy, table, 0.6)
    drive(policy, table, 14.0, FRONT.say)
    way = table.objects["bread"][:2] - SCENE["bread"][:2]
    assert np.linalg.norm(way - [0.1, 0.0]) < 0.01
    table = Table()
    policy.reset()
    until(policy, table, "carry")
    with pytest.raises(NoMotion, match="the gripper holds"):
        policy.infer(FRONT.say, table.observe())
    drive(policy, table)
    carried_as_shown(table, SCENE["bread"])


def test_a_turned_object_is_missed_by_parameters_without_turns(folder: Path) -> None:
    bread = np.array([0.26, 0.0, -0.7])
    policy = SkillPolicy(folder, turned=False)
    table = Table(SCENE | {"bread": bread})
    until(policy, table, "close")
    assert np.linalg.norm(table.tool[:2] - bread[:2]) < 0.003
    assert abs(table.tool[3] - SCENE["bread"][2]) < 0.02


def test_skills_run_without_torch_and_without_the_libraries_of_datasets() -> None:
    code = (
        "import sys, kinevla_ros.skills.policy; "
        "print(*({'torch', 'transformers', 'av', 'pyarrow', 'mujoco', 'rclpy'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_consistency_that_skills_cannot_have_is_refused_before_anything_moves(
    policy: SkillPolicy,
) -> None:
    with pytest.raises(ValueError, match="no codes whose consistency"):
        policy.warm_up(consistency=True)
    with pytest.raises(ValueError, match="no codes whose consistency"):
        policy.infer(LEFT.say, Table().observe(), consistency=True)
