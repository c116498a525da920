"""Reasoning given from outside: the codes follow these words instead of the policy's own."""

from __future__ import annotations

from dataclasses import dataclass

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import Given
from kinevla_ros.language.command import Command
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary


class OverrideError(ValueError):
    """The given words or codes are none that the model can read."""


@dataclass(frozen=True)
class Override:
    """What stands in the place of the model's own output; None where it decides.

    Attributes:
        goal, kinematics: words; "" is a text without any.
        goal_codes, kinematics_codes: codebook entry per residual level.
        must_name_command: whether the words of both levels must name one command for a chunk
            to come of them. Only an experiment in simulation does without.
    """

    goal: str | None = None
    kinematics: str | None = None
    goal_codes: tuple[int, ...] | None = None
    kinematics_codes: tuple[int, ...] | None = None
    must_name_command: bool = True

    @classmethod
    def naming(cls, command: Command) -> Override:
        """The words in which the model learnt to write a command."""
        return cls(command.goal, command.kinematics)

    def given(self, vocabulary: Vocabulary, config: GeneratorConfig) -> Given:
        """The same as ids.

        Raises:
            OverrideError: a text has no room or characters outside the vocabulary, or there are
                not as many codes as levels, or codes that no codebook holds.
        """
        stacks = (
            ("goal", self.goal_codes, config.goal_codes),
            ("kinematics", self.kinematics_codes, config.kinematics_codes),
        )
        for level, codes, count in stacks:
            if codes is not None and not (
                len(codes) == count and all(0 <= c < config.codes_per_level for c in codes)
            ):
                raise OverrideError(
                    f"{level} codes {codes} are not {count} in [0, {config.codes_per_level})"
                )
        return Given(
            _ids(self.goal, vocabulary, config),
            _ids(self.kinematics, vocabulary, config),
            self.goal_codes,
            self.kinematics_codes,
        )


def _ids(
    text: str | None, vocabulary: Vocabulary, config: GeneratorConfig
) -> tuple[int, ...] | None:
    if text is None:
        return None
    ids = tuple(vocabulary.encode_text(text))
    if vocabulary.unknown in ids:
        raise OverrideError(f'the words "{text}" hold characters outside the vocabulary')
    if len(ids) > config.max_text_tokens:
        raise OverrideError(
            f"the given words have {len(ids)} tokens and the model has room for "
            f"{config.max_text_tokens}; shorten them"
        )
    return ids
