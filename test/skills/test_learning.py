"""What a demonstration shows of a way, and what cannot be learnt from."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from demonstrations import change_column
from skill_world import (
    BREAD_WIDTH,
    FRONT,
    GRASP_HEIGHT,
    LEFT,
    READY,
    SCENE,
    shown_frames,
    write_demonstrations,
)
from typer.testing import CliRunner

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.cli import app
from kinevla_ros.data.episode import Frame
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.skills.folder import add_skill, load_skills
from kinevla_ros.skills.learning.demonstration import LearningError
from kinevla_ros.skills.learning.learn import learn
from kinevla_ros.skills.skill import Skill, SkillError, load_skill, save_skill


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demonstrations(tmp_path_factory.mktemp("shown") / "dataset")


@pytest.fixture(scope="module")
def skill(dataset: Path) -> Skill:
    return learn(dataset, [0])[0]


def test_a_skill_belongs_to_the_way_that_was_shown(skill: Skill) -> None:
    assert skill.command(kine_realman()) == LEFT
    assert (skill.source, skill.episodes) == ("dataset", (0,))


def test_the_grasp_belongs_to_the_object_and_turns_with_it(skill: Skill) -> None:
    assert skill.approach.anchor.object == "bread"
    assert skill.approach.anchor.axes == "object"
    assert np.allclose(skill.approach.goal, [0, 0, GRASP_HEIGHT, 0], atol=1e-3)
    assert np.allclose(skill.approach.path[0], READY, atol=1e-3)


def test_a_release_away_from_other_objects_is_a_way_from_where_the_object_lay(
    skill: Skill,
) -> None:
    assert (skill.carry.anchor.object, skill.carry.anchor.axes) == ("bread", "base")
    assert np.allclose(skill.carry.goal[:2], [0.10, -0.09], atol=2e-3)


def test_a_release_beside_another_object_belongs_to_that(tmp_path: Path) -> None:
    beside = SCENE["plate"][:2] - SCENE["bread"][:2] + [0.0, -0.045]
    root = write_demonstrations(tmp_path / "d", shown_frames(goal=tuple(beside)))
    carry = learn(root, [0])[0].carry
    assert (carry.anchor.object, carry.anchor.axes) == ("plate", "base")
    assert np.allclose(carry.goal[:2], [0.0, -0.045], atol=2e-3)


def test_of_several_demonstrations_the_frame_counts_in_which_their_ends_agree(
    tmp_path: Path,
) -> None:
    # Always at the same place before the carrot, from wherever the bread lay.
    goal = SCENE["carrot"][:2] + np.array([0.12, 0.03])
    breads = [[0.24, 0.02, 0.4], [0.28, -0.06, -0.3]]
    shown = [shown_frames(bread=np.array(bread), goal=tuple(goal - bread[:2])) for bread in breads]
    root = write_demonstrations(tmp_path / "d", *shown)
    assert learn(root, [0])[0].carry.anchor.object == "bread"
    both = learn(root, [0, 1])[0]
    assert both.carry.anchor.object in ("carrot", "plate")  # neither of which moved
    assert both.approach.anchor.axes == "object"
    assert both.episodes == (0, 1)


def test_the_segments_are_cut_by_the_gripper(skill: Skill) -> None:
    assert skill.approach.duration == pytest.approx(1.5, abs=0.15)
    assert skill.carry.duration == pytest.approx(1.8, abs=0.25)
    assert skill.gripper.held == pytest.approx(BREAD_WIDTH, abs=1e-3)
    assert skill.gripper.open == pytest.approx(GRIPPER_STROKE, abs=1e-3)
    assert skill.gripper.closed == 0.0
    assert skill.rise == pytest.approx(0.08, abs=0.015)


def test_a_file_holds_all_of_a_skill_and_can_be_read(skill: Skill, tmp_path: Path) -> None:
    path = tmp_path / "bread.yaml"
    save_skill(path, skill)
    assert load_skill(path) == skill
    text = path.read_text()
    assert "anchor: {object: bread, axes: object}" in text
    assert len(text) < 20_000


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("axes: object", "axes: tool", "approach.anchor.axes"),
        ("version: 1", "version: 2", "version"),
        ("rise: ", "rice: ", "rise"),
        (r"\[0.25,", "[.nan,", "approach.path.0.0"),
        (r"\A", "]", "is no skill"),
        (r"\A[\s\S]*", "12", "the whole file"),
    ],
)
def test_a_damaged_file_is_refused_with_the_entry_that_is_wrong(
    skill: Skill, tmp_path: Path, old: str, new: str, named: str
) -> None:
    path = tmp_path / "bread.yaml"
    save_skill(path, skill)
    path.write_text(re.sub(old, new, path.read_text(), count=1))
    with pytest.raises(SkillError, match=re.escape(named)):
        load_skill(path)


def without_closing(frame: Frame) -> Frame:
    return replace(frame, state=np.append(frame.state[:7], GRIPPER_STROKE))


def leaning(frame: Frame) -> Frame:
    return replace(frame, state=frame.state + np.array([0, 0, 0, 0, 0.4, 0, 0, 0]))


@pytest.mark.parametrize(
    ("change", "why"),
    [(without_closing, "never closes"), (leaning, "the tool leans by")],
)
def test_what_is_no_grasp_and_release_is_refused(tmp_path: Path, change: object, why: str) -> None:
    root = write_demonstrations(tmp_path / "d", change=change)  # type: ignore[arg-type]
    with pytest.raises(LearningError, match=why):
        learn(root, [0])


def test_a_gripper_that_stays_closed_is_refused(tmp_path: Path) -> None:
    root = write_demonstrations(tmp_path / "d", shown_frames()[:-13])
    with pytest.raises(LearningError, match="never opens again"):
        learn(root, [0])


def test_a_dataset_without_poses_is_refused_and_what_it_needs_is_said(tmp_path: Path) -> None:
    root = write_demonstrations(
        tmp_path / "d", change=lambda frame: replace(frame, vectors={}), poses=False
    )
    with pytest.raises(LearningError, match=r"environment_state with OBJECT\.x"):
        learn(root, [0])


def test_poses_that_cannot_be_right_are_refused(tmp_path: Path) -> None:
    root = write_demonstrations(tmp_path / "d")

    def away(values: np.ndarray) -> np.ndarray:
        values = np.array(values)
        values[:, 9] += 0.5
        return values

    change_column(root, "environment_state", away)
    with pytest.raises(LearningError, match="from the nearest object"):
        learn(root, [0])


def test_episodes_of_two_ways_make_no_skill(tmp_path: Path) -> None:
    root = write_demonstrations(tmp_path / "d", shown_frames(), shown_frames(FRONT))
    with pytest.raises(LearningError, match="of one way"):
        learn(root, [0, 1])
    with pytest.raises(LearningError, match="each once"):
        learn(root, [0, 0])
    with pytest.raises(LearningError, match="has no episode 7; give 0 to 1"):
        learn(root, [7])


def test_two_skills_of_one_way_or_of_another_task_set_are_refused(
    skill: Skill, tmp_path: Path
) -> None:
    tasks = kine_realman()
    add_skill(tmp_path / "a.yaml", skill, tasks)
    assert list(load_skills(tmp_path)[1]) == [LEFT]
    add_skill(tmp_path / "b.yaml", skill, tasks)
    with pytest.raises(SkillError, match="are both for"):
        load_skills(tmp_path)
    (tmp_path / "b.yaml").unlink()
    other = skill.model_copy(update={"kinematics": "throw it"})
    save_skill(tmp_path / "c.yaml", other)
    with pytest.raises(SkillError, match='no way "throw it"'):
        load_skills(tmp_path)
    fewer = tasks.model_copy(update={"goals": tasks.goals[:1]})
    with pytest.raises(SkillError, match="of another task set"):
        add_skill(tmp_path / "d.yaml", skill, fewer)
    with pytest.raises(SkillError, match="no name for a skill"):
        add_skill(tmp_path / "tasks.yaml", skill, tasks)


def test_it_is_learnt_and_shown_on_the_command_line(dataset: Path, tmp_path: Path) -> None:
    def kinevla(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["skill", *words])
        return answer.exit_code, answer.output

    out = tmp_path / "skills" / "bread.yaml"
    code, text = kinevla("learn", str(dataset), "--episode", "0", "-o", str(out))
    assert code == 0 and "evaluate --skills" in text
    assert (out.parent / "tasks.yaml").exists()
    picture = tmp_path / "bread.svg"
    code, text = kinevla("show", str(out), "--plot", str(picture))
    assert code == 0 and LEFT.kinematics in text and "in its own axes" in text
    assert "approach" in picture.read_text()
    assert kinevla("show", str(out.parent))[1] in text
    code, text = kinevla("learn", str(dataset), "--episode", "3", "-o", str(out.parent / "x.yaml"))
    assert code == 1 and "no episode 3" in text
    assert not (out.parent / "x.yaml").exists()
    assert kinevla("show", str(out.parent), "--plot", str(picture))[0] == 1
