"""What an operator has put in the place of the policy's own words."""

from __future__ import annotations

from dataclasses import dataclass

from kinevla_ros.language.grammar import Command, goal_text, kinematics_text
from kinevla_ros.language.parse import parse_instruction, parse_reasoning
from kinevla_ros.srv import OverrideReasoning


@dataclass
class OperatorWords:
    """Replaced words, which belong to one instruction, and a veto, which holds until released.

    Attributes:
        command: what the replaced words name; None where the policy writes its own.
        vetoed: whether nothing may move, whatever is said.
        replaceable: whether the policy follows words in the place of its own.
    """

    command: Command | None = None
    vetoed: bool = False
    replaceable: bool = True

    def answer(self, request: OverrideReasoning.Request, instruction: str | None) -> str:
        """Do what is asked for; returns what is in force then.

        Args:
            instruction: the instruction in force, if there is one.

        Raises:
            ValueError: an unknown action, or words that cannot be followed now; nothing changes.
        """
        if request.action == OverrideReasoning.Request.RELEASE:
            self.command, self.vetoed = None, False
            return "the policy writes its own words"
        if request.action == OverrideReasoning.Request.VETO:
            self.vetoed = True
            return "no chunk follows until the words are released; /arm/stop stops the arm at once"
        if request.action == OverrideReasoning.Request.REPLACE:
            self.command = self._replacement(instruction, request.goal, request.kinematics)
            return f"{goal_text(self.command)}; {kinematics_text(self.command)}"
        raise ValueError(f"{request.action} is no action: RELEASE, REPLACE or VETO")

    def _replacement(self, instruction: str | None, goal: str, kinematics: str) -> Command:
        """The command that an operator's words name; an empty goal is that of the kinematics."""
        if not self.replaceable:
            raise ValueError(
                "the policy behind policy_url takes no words in the place of its own; VETO and "
                "RELEASE work"
            )
        if self.vetoed:
            raise ValueError("the motion is vetoed: release it first")
        if instruction is None:
            raise ValueError("no instruction is in force: publish one on /instruction first")
        command = parse_reasoning(goal.strip() or kinematics, kinematics)
        if command.object != parse_instruction(instruction).object:
            raise ValueError(
                f"these words have another goal than the instruction in force ({instruction}): "
                "publish another instruction instead"
            )
        return command
