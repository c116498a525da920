"""The token sequence of one chunk (Algorithm 1's order), as ids and segments.

<instruction> words, padded | front, wrist, state |
<goal> words <goal_codes> c c <kinematics> words <kinematics_codes> c c

With `images_first` the images come between the prompt's first token and the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.model import Segment
from kinevla_ros.language.vocabulary import Vocabulary


class InstructionTooLong(ValueError):
    """The instruction has more tokens than the model has room for."""


@dataclass(frozen=True)
class Tail:
    """What the model writes: ids, their segments, and which of them it chooses freely.

    `text` and `code` mark the positions that carry a loss; delimiters that the constrained
    decoder always forces are marked in neither.
    """

    ids: list[int]
    segments: list[int]
    text: list[bool]
    code: list[bool]


def instruction_ids(
    vocabulary: Vocabulary, config: GeneratorConfig, instruction: str
) -> tuple[list[int], list[int]]:
    """Ids and segments of the instruction, padded to a fixed length.

    Raises:
        InstructionTooLong: it does not fit.
    """
    ids = vocabulary.prompt_ids(instruction)
    room = config.max_instruction_tokens
    if len(ids) > room:
        raise InstructionTooLong(
            f"the instruction has {len(ids)} tokens and the model has room for {room}; shorten it"
        )
    empty = room - len(ids)
    segments = [Segment.INSTRUCTION] * len(ids) + [Segment.PAD] * empty
    if config.images_first:
        # The start of the text belongs to no one and everyone looks at it.
        segments[0] = Segment.OBSERVATION
    return ids + [vocabulary.pad] * empty, [int(s) for s in segments]


def tail(
    vocabulary: Vocabulary,
    goal: str,
    kinematics: str,
    goal_codes: Sequence[int],
    kinematics_codes: Sequence[int],
) -> Tail:
    """Build the written part from reasoning texts and codes."""
    return written_part(
        vocabulary,
        vocabulary.encode_text(goal),
        vocabulary.encode_text(kinematics),
        goal_codes,
        kinematics_codes,
    )


def written_part(
    vocabulary: Vocabulary,
    goal: Sequence[int],
    kinematics: Sequence[int],
    goal_codes: Sequence[int],
    kinematics_codes: Sequence[int],
) -> Tail:
    """Build the written part from word ids and codes."""
    result = Tail([], [], [], [])
    spans = (
        (vocabulary.goal, goal, vocabulary.goal_codes, "goal", goal_codes),
        (
            vocabulary.kinematics,
            kinematics,
            vocabulary.kinematics_codes,
            "kinematics",
            kinematics_codes,
        ),
    )
    for opening, words, closing, level, codes in spans:
        result.ids.extend([opening, *words, closing])
        result.segments.extend([Segment.WORDS] * (len(words) + 1) + [Segment.CODES])
        result.text.extend([False] + [True] * (len(words) + 1))
        result.code.extend([False] * (len(words) + 2))
        result.ids.extend(vocabulary.code_id(level, int(c)) for c in codes)  # type: ignore[arg-type]
        result.segments.extend([Segment.CODES] * len(codes))
        result.text.extend([False] * len(codes))
        result.code.extend([True] * len(codes))
    return result
