"""What an operator has put in the place of the policy's own words."""

from __future__ import annotations

from dataclasses import dataclass

from kinevla_ros.language.reading.dialogue import Dialogue
from kinevla_ros.srv import OverrideReasoning


@dataclass
class OperatorWords:
    """Replaced words, which belong to one instruction, and a veto, which holds until released.

    Attributes:
        texts: goal and kinematics text of the replaced words' way; None where the policy writes
            its own.
        vetoed: whether nothing may move, whatever is said.
        replaceable: whether the policy follows words in the place of its own.
    """

    texts: tuple[str, str] | None = None
    vetoed: bool = False
    replaceable: bool = True

    def answer(self, request: OverrideReasoning.Request, dialogue: Dialogue) -> str:
        """Do what is asked for; returns what is in force then.

        Args:
            dialogue: holds the instruction in force, if there is one.

        Raises:
            ValueError: an unknown action, or words that cannot be followed now; nothing changes.
        """
        if request.action == OverrideReasoning.Request.RELEASE:
            self.texts, self.vetoed = None, False
            return "the policy writes its own words"
        if request.action == OverrideReasoning.Request.VETO:
            self.vetoed = True
            return "no chunk follows until the words are released; /arm/stop stops the arm at once"
        if request.action == OverrideReasoning.Request.REPLACE:
            self.texts = self._replacement(dialogue, request.goal, request.kinematics)
            return "; ".join(self.texts)
        raise ValueError(f"{request.action} is no action: RELEASE, REPLACE or VETO")

    def _replacement(self, dialogue: Dialogue, goal: str, kinematics: str) -> tuple[str, str]:
        """The texts of the way that an operator's words name; an empty goal is the kinematics'."""
        if not self.replaceable:
            raise ValueError(
                "the policy behind policy_url takes no words in the place of its own; VETO and "
                "RELEASE work"
            )
        if self.vetoed:
            raise ValueError("the motion is vetoed: release it first")
        if dialogue.understood is None:
            raise ValueError("no instruction is in force: publish one on /instruction first")
        command = dialogue.reader.reasoning(goal.strip() or kinematics, kinematics)
        if command.goal != dialogue.understood.command.goal:
            raise ValueError(
                "these words have another goal than the instruction in force "
                f"({dialogue.instruction}): publish another instruction instead"
            )
        return command.goal, command.kinematics
