"""What an evaluation tries: a checkpoint, or a folder of skills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kinevla_ros.base.resources import resource_path
from kinevla_ros.codec.contract import Contract
from kinevla_ros.evaluation.suite.episodes import ReadyPolicy
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.generator.checkpoint import load_contract, load_task_set
from kinevla_ros.generator.network.located_objects import LocatedObjects
from kinevla_ros.generator.policy import Policy
from kinevla_ros.keypoints.seen import SeenKeypoints
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.skills.folder import load_skills
from kinevla_ros.skills.policy import SkillPolicy


@dataclass(frozen=True)
class Tried:
    """What acts.

    Attributes:
        folder: that it is read from.
        load: makes the policy; picklable.
        tasks: what can be said to it.
        contract: of its codes; None without any.
        load_model: makes the model, whose own words are to be measured; None without one.
    """

    folder: Path
    load: Callable[[], ReadyPolicy]
    tasks: TaskSet
    contract: Contract | None = None
    load_model: Callable[[], Policy] | None = None


def checkpoint(model: Path | None, settings: EvaluationSettings) -> Tried:
    """A checkpoint; the shipped one without a folder.

    Raises:
        CheckpointError: it is incomplete or damaged.
        ValueError: something is asked for that only skills have.
    """
    if settings.keypoints:
        raise ValueError("--keypoints finds objects for skills: give --skills, or leave it out")
    folder = model or resource_path("models", "kinevla-tiny")
    load = partial(Policy, folder, weights=settings.weights, depth_head=settings.depth_head)
    return Tried(folder, load, load_task_set(folder), load_contract(folder), load)


def skilled(folder: Path, model: Path | None, settings: EvaluationSettings) -> Tried:
    """The skills of a folder.

    Raises:
        ValueError: a model is named as well, or something is asked for that only a model has.
        TaskSetError, SkillError: see `load_skills`.
    """
    of_a_model = {
        "--model": model,
        "--intervene": settings.interventions,
        "--phrasings": settings.phrasings,
        "--bertscore": settings.bert_model,
        "--weights": settings.weights,
        "--depth-head": settings.depth_head,
    }
    if given := [option for option, value in of_a_model.items() if value]:
        raise ValueError(
            f"{' and '.join(given)} would need a model: leave it out, or leave --skills out"
        )
    tasks, skills = load_skills(folder)
    if missing := [each.say for each in tasks.commands if each not in skills]:
        raise ValueError(
            f'{folder} has no skill for "{missing[0]}" and {len(missing) - 1} more ways; the suite '
            "tries every way, learn them first"
        )
    return Tried(folder, partial(_skill_policy, folder, settings.keypoints), tasks)


def _skill_policy(folder: Path, keypoints: Path | None) -> SkillPolicy:
    return SkillPolicy(folder, source_of(keypoints) if keypoints else None)


def source_of(keypoints: Path) -> LocatedObjects | SeenKeypoints:
    """What finds objects in pictures: a keypoint file, or the network of a checkpoint's folder.

    Raises:
        FileNotFoundError, KeypointFileError, CheckpointError, ValueError: see there.
    """
    return LocatedObjects(keypoints) if keypoints.is_dir() else SeenKeypoints(keypoints)
