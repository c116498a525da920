"""The token sequence of one chunk (Algorithm 1's order), as ids and segments.

<instruction> words, padded | front, wrist, state, scene |
<goal> words words <goal_codes> c … <kinematics> words words <kinematics_codes> c … | c …

The words stand twice: written with the instruction in view, then read without it, for the codes.
At the very end stand all codes once more, to be compared with the words that they have not seen.

With `images_first` the images come between the prompt's first token and the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary


class InstructionTooLong(ValueError):
    """The instruction has more tokens than the model has room for."""


@dataclass(frozen=True)
class Tail:
    """What the model writes, position by position.

    Attributes:
        ids, segments: what is fed.
        targets: the id that each position is to choose; 0, the pad id, where it chooses none.
        text, code: whether the position chooses a word, or a code.
    """

    ids: list[int]
    segments: list[int]
    targets: list[int]
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
    said: str | None = None,
) -> Tail:
    """Build the written part from reasoning texts and codes; see `written_part`."""
    return written_part(
        vocabulary,
        vocabulary.encode_text(goal),
        vocabulary.encode_text(kinematics),
        goal_codes,
        kinematics_codes,
        None if said is None else vocabulary.encode_text(said),
    )


def written_part(
    vocabulary: Vocabulary,
    goal: Sequence[int],
    kinematics: Sequence[int],
    goal_codes: Sequence[int],
    kinematics_codes: Sequence[int],
    said: Sequence[int] | None = None,
) -> Tail:
    """Build the written part from word ids and codes.

    Args:
        said: goal words that are to be written while the codes read `goal`: a refusal, after
            which no kinematics are written.
    """
    goal_ids = [vocabulary.code_id("goal", int(c)) for c in goal_codes]
    kinematics_ids = [vocabulary.code_id("kinematics", int(c)) for c in kinematics_codes]
    written = goal if said is None else said
    parts = [
        _level(vocabulary.goal, written, goal, vocabulary.goal_codes, goal_ids),
        _level(
            vocabulary.kinematics,
            kinematics,
            kinematics,
            vocabulary.kinematics_codes,
            kinematics_ids,
        ),
        _echo([*goal_ids, *kinematics_ids]),
    ]
    if said is not None:
        parts[1] = replace(parts[1], text=[False] * len(parts[1].ids))
    return Tail(*([x for part in parts for x in getattr(part, f.name)] for f in fields(Tail)))


def _echo(codes: list[int]) -> Tail:
    """The codes once more."""
    none = [False] * len(codes)
    return Tail(codes, [int(Segment.ECHO)] * len(codes), [0] * len(codes), none, none)


def _level(
    opening: int, written: Sequence[int], read: Sequence[int], closing: int, codes: Sequence[int]
) -> Tail:
    """One level: words written, words read, codes."""
    words, reading, coding = len(written) + 1, len(read), len(codes) + 1
    return Tail(
        ids=[opening, *written, *read, closing, *codes],
        segments=[int(Segment.WORDS)] * words
        + [int(Segment.READING)] * reading
        + [int(Segment.CODES)] * coding,
        targets=[*written, closing, *[0] * reading, *codes, 0],
        text=[True] * words + [False] * (reading + coding),
        code=[False] * (words + reading) + [True] * len(codes) + [False],
    )
