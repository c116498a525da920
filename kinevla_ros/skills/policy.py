"""Chunks by skills, in the place of a model."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.inference import Inference, NoMotion, NotUnderstood
from kinevla_ros.language.command import Command
from kinevla_ros.language.parse import UnknownInstruction, parse_instruction
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.skills.folder import load_skills
from kinevla_ros.skills.keypoints import GivenPoses, Keypoints
from kinevla_ros.skills.motion import Method
from kinevla_ros.skills.run import ReadySkill, SkillRun
from kinevla_ros.skills.stage import Stage

if TYPE_CHECKING:
    from kinevla_ros.generator.decoding.override import Override

_BUSY = (Stage.CARRY, Stage.OPEN)


class SkillPolicy:
    """The skills of a folder ready to run. Not thread safe: one thread infers.

    The words are those of the way that was read; there are no codes. It keeps which stage of a
    skill the arm is at, until another way is asked for or `reset`.

    Args:
        folder: of skills, see `load_skills`.
        keypoints: what tells where things are; the poses that come with observations without.
        method, turned: to compare with, see `ReadySkill`.

    Attributes:
        tasks, reader: what can be said, and what reads it.
        keypoints: as given.

    Raises:
        TaskSetError, SkillError: see `load_skills`.
    """

    def __init__(
        self,
        folder: Path,
        keypoints: Keypoints | None = None,
        method: Method = "lfe-kmp",
        turned: bool = True,
    ) -> None:
        self.folder = folder
        self.tasks, found = load_skills(folder)
        self.reader = reader_of(self.tasks)
        self._skills = {c: ReadySkill(skill, method, turned) for c, skill in found.items()}
        self.keypoints = keypoints or GivenPoses()
        self._command: Command | None = None
        self._run: SkillRun | None = None
        self._read: tuple[str, Command] | None = None
        self._sequence = 0

    @property
    def at(self) -> str:
        """The stage that the arm is at; empty before the first chunk."""
        return self._run.stage.value if self._run else ""

    def reset(self) -> None:
        """Begin again with the next observation."""
        self._command = self._run = None

    def hear(self) -> None:
        """An instruction was given: what is done begins again, what is under way goes on."""
        if self._run is not None and self._run.stage is Stage.DONE:
            self.reset()

    def warm_up(self, consistency: bool = False) -> None:
        """Read a sentence, so that the first one is not the slow one.

        Raises:
            ValueError: consistency will be asked for; see `infer`.
        """
        _refuse(consistency)
        self.reader.read(self.tasks.example)

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
        consistency: bool = False,
    ) -> Inference:
        """The chunk for one observation.

        Args:
            instruction: what to do and how.
            observation: with the arm's state, and what the keypoints are found in.

        Raises:
            NotUnderstood: the instruction names no way, or words are to be replaced.
            NoMotion: there is no skill for the way, or the scene does not allow it.
            ValueError: consistency is asked for; it is one of codes with words.
        """
        started = time.perf_counter()
        _refuse(consistency)
        if override is not None:
            raise NotUnderstood("a skill takes no words in the place of its own: say it instead")
        command = self._command_of(instruction)
        seen = self.keypoints.find(observation)
        run = self._run_of(command, observation)
        why = getattr(self.keypoints, "unseen", {})
        positions, openings = run.chunk(observation, seen, why)
        self._sequence += 1
        return Inference(
            sequence=self._sequence,
            stamp=observation.stamp,
            instruction=instruction,
            goal=command.goal,
            kinematics=command.kinematics,
            goal_codes=(),
            kinematics_codes=(),
            draft_accepted=False,
            passes=0,
            model_time=time.perf_counter() - started,
            chunk=ActionChunk(observation.stamp, self._sequence, positions, openings),
            consistency=math.nan,
        )

    def _command_of(self, instruction: str) -> Command:
        if self._read is None or self._read[0] != instruction:
            try:
                self._read = instruction, parse_instruction(self.reader, instruction)
            except UnknownInstruction as problem:
                raise NotUnderstood(str(problem)) from problem
        return self._read[1]

    def _run_of(self, command: Command, observation: Observation) -> SkillRun:
        """The run under way, or a new one where another way is asked for."""
        if self._run is not None and command == self._command:
            return self._run
        if command not in self._skills:
            known = "; ".join(f'"{each.say}"' for each in self._skills)
            raise NoMotion(
                f'there is no skill for "{command.say}", only for {known}; show it once, then '
                "kinevla skill learn"
            )
        if self._run is not None and self._run.stage in _BUSY:
            raise NoMotion(
                "the gripper holds what an earlier instruction was about; give that one again "
                "first, or take it out and activate the policy again"
            )
        self._command, self._run = command, SkillRun(self._skills[command], observation)
        return self._run


def _refuse(consistency: bool) -> None:
    if consistency:
        raise ValueError("skills have no codes whose consistency with the words could be known")
