"""What people say to the policy: instructions, answers, words in the place of its own."""

from __future__ import annotations

from typing import Any

from kinevla_ros.language.reading.dialogue import Dialogue
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import Question, Refused, explained
from kinevla_ros.language.stop import ends_task
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.output import Output
from kinevla_ros.nodes.policy.override import OperatorWords
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.srv import OverrideReasoning

LONGEST = 4000
"""Characters of an instruction; the model is given a sentence of its training for them."""

ENDED = "no instruction is in force"
Heard = tuple[int, str]
"""A status of `Reasoning`, and why no chunk follows."""


class Hearing:
    """Takes instructions, answers and an operator's words, and says what becomes of each.

    Args:
        output: where it is said.
        log: of the node.
        served: whether somebody else's policy understands, and not we.
        accept: what moves; see `Policy`.
        patience: a question waits so long for its answer (s).

    Attributes:
        instruction: the one in force; None where nothing is to be done.
        words: what an operator has put in the place of the policy's own.
        heard: how many instructions have been taken or refused so far.
    """

    def __init__(
        self, output: Output, log: Any, served: bool, accept: str, patience: float
    ) -> None:
        self._output, self._log, self._served = output, log, served
        self._accept, self._patience = accept, patience
        self.understand(kine_realman())
        self.words = OperatorWords(replaceable=not served)
        self.instruction: str | None = None
        self.heard = 0

    def understand(self, tasks: TaskSet) -> None:
        """Read sentences about a checkpoint's own tasks."""
        self._dialogue = Dialogue(reader_of(tasks), self._patience)

    def expire(self) -> None:
        """End a question that nobody answers; what is said after it is an instruction."""
        if self._dialogue.expire():
            self._output.ask(None)
            self._refuse("", "the question was not answered; say the whole instruction")

    def forget(self) -> None:
        """Whatever was said or asked is over."""
        self.instruction = None
        self._dialogue.clear()
        self._output.ask(None)

    def hear(self, said: str) -> Heard:
        """Take an instruction or an answer; what names no task ends the one before it."""
        text = said.strip()
        self.heard += 1
        if text != self.instruction:
            self.words.texts = None
        self.instruction = None
        if ends_task(text):
            self.forget()
            self._log.info(f"{ENDED}: the arm slows to rest")
            self._output.explain(Reasoning.NOT_UNDERSTOOD, text, ENDED)
            return Reasoning.NOT_UNDERSTOOD, ENDED
        if len(text) > LONGEST:
            self.forget()
            problem = f"an instruction of {len(text)} characters is too long; say it in {LONGEST}"
            return self._refuse(text, problem)
        if self._served:
            return self._begin(text)
        reading = self._dialogue.hear(text)
        self._output.ask(self._dialogue.asked)
        if isinstance(reading, Refused) and self._accept == "any":
            return self._begin(text)
        if isinstance(reading, Refused):
            return self._refuse(text, explained(text, reading))
        if isinstance(reading, Question):
            self._output.explain(Reasoning.ASKING, text, reading.text)
            self._log.info(f'"{bounded(text)}" leaves something open: {reading.text}')
            return Reasoning.ASKING, reading.text
        return self._begin(self._dialogue.instruction)

    def hear_nothing(self, problem: str) -> None:
        """Something came in the place of an instruction that cannot be read."""
        self.heard += 1
        self.words.texts = None
        self.forget()
        self._refuse("", problem)

    def override(
        self, request: OverrideReasoning.Request, response: OverrideReasoning.Response
    ) -> OverrideReasoning.Response:
        """Replace, veto or release the words."""
        try:
            response.message = self.words.answer(request, self._dialogue)
        except ValueError as problem:
            response.message = bounded(str(problem), TEXT)
            return response
        response.success = True
        self._log.warning(f"operator: {response.message}")
        return response

    def _begin(self, instruction: str) -> Heard:
        """Carry out an instruction from now on."""
        self._log.info(f'instruction: "{instruction}"')
        # Before the inference's thread sees it: what comes of it is said after that.
        self._output.explain(Reasoning.ACCEPTED, instruction, "")
        self.instruction = instruction
        return Reasoning.ACCEPTED, ""

    def _refuse(self, text: str, problem: str) -> Heard:
        self._output.explain(Reasoning.NOT_UNDERSTOOD, text, problem)
        self._log.warning(bounded(problem, TEXT))
        return Reasoning.NOT_UNDERSTOOD, problem
