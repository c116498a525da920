"""Whether codes are those of the words shown: measured by the model that wrote them.

Codes depend on words and scene, so how probable they are says as much about the scene as about
the words. Here the scene is the same under the words of every command, and what is left is the
words' part: Bayes' rule gives how probable the shown words are once the codes are known.

The paper's heads of equation 6 see words and codes without the scene and cannot know it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache

from kinevla_ros.generator.decode import Draft, Generation
from kinevla_ros.generator.model import Generator, Segment
from kinevla_ros.generator.sequence import Tail, instruction_ids, written_part
from kinevla_ros.language.grammar import TASKS, Command, goal_text, kinematics_text
from kinevla_ros.language.parse import UnknownReasoning, parse_reasoning
from kinevla_ros.language.vocabulary import Vocabulary

READ = (Segment.READING, Segment.CODES)
"""What codes see beside the observation; all else is left out."""


class Consistency:
    """Scores what a model wrote; one pass over the observation and one over all commands."""

    def __init__(self, model: Generator, vocabulary: Vocabulary) -> None:
        self._model, self._vocabulary = model, vocabulary
        self._device = next(model.parameters()).device
        self._commands = {
            command: Draft(
                tuple(vocabulary.encode_text(goal_text(command))),
                tuple(vocabulary.encode_text(kinematics_text(command))),
            )
            for command in TASKS
        }
        config = model.config
        masks = [vocabulary.code_mask("goal")] * config.goal_codes
        masks += [vocabulary.code_mask("kinematics")] * config.kinematics_codes
        self._refused = ~torch.from_numpy(np.stack(masks)).to(self._device)

    @torch.inference_mode()
    def __call__(self, generation: Generation, observation: Tensor) -> float:
        """P(words | codes, observation) among the words of all commands, each as likely before.

        Args:
            generation: words and codes; words that name no command stand beside all commands.
            observation: what they answer, embedded, shape [1, T, width].

        Returns:
            0 to 1. As many commands as share the motion share the probability.
        """
        words = generation.words
        own = self._command(words)
        texts = [words, *(text for command, text in self._commands.items() if command != own)]
        codes = generation.goal_codes, generation.kinematics_codes
        parts = [written_part(self._vocabulary, t.goal, t.kinematics, *codes) for t in texts]
        return float(self._log_probabilities(parts, observation).softmax(0)[0])

    def _command(self, words: Draft) -> Command | None:
        read = self._vocabulary.decode_text
        try:
            return parse_reasoning(read(words.goal), read(words.kinematics))
        except UnknownReasoning:
            return None

    def _log_probabilities(self, parts: Sequence[Tail], observation: Tensor) -> Tensor:
        """Of the codes of each written part, shape [len(parts)], on the CPU."""
        model = self._model
        cache, seen, start = self._read(observation)
        cache.batch_repeat_interleave(len(parts))
        rows = [_read_by_codes(part, start) for part in parts]
        padded = pad_sequence(rows, batch_first=True).to(self._device)
        ids, kinds, targets, positions = padded.unbind(-1)
        segments = torch.cat([seen.expand(len(parts), -1), kinds], dim=1)
        embeddings = model.embed(ids)
        _, hidden = model(embeddings, segments, cache, heads=False, positions=positions)
        choosing = targets > 0
        logits = model.language.lm_head(hidden[choosing]).unflatten(0, (len(parts), -1)).float()
        chosen = targets[choosing].unflatten(0, (len(parts), -1, 1))
        probabilities = logits.masked_fill(self._refused, -torch.inf).log_softmax(-1)
        return probabilities.gather(-1, chosen).sum((1, 2)).cpu()

    def _read(self, observation: Tensor) -> tuple[DynamicCache, Tensor, int]:
        """Cache and segments [1, T] of what sees no words; where the written part starts."""
        model = self._model
        # Codes do not see what the instruction says, only how much room it has.
        prompt = instruction_ids(self._vocabulary, model.config, "")
        ids, kinds = torch.tensor(prompt, device=self._device)[:, None]
        embeddings, segments = model.context(ids, kinds, observation)
        kept = (segments[0] == Segment.OBSERVATION).nonzero().flatten()
        cache, seen = DynamicCache(), segments[:, kept]
        model(embeddings[:, kept], seen, cache, heads=False, positions=kept[None])
        return cache, seen, segments.shape[1]


def _read_by_codes(part: Tail, start: int) -> Tensor:
    """Id, segment, target and position of what codes see and are, [n, 4], int64."""
    kept = [i for i, kind in enumerate(part.segments) if kind in READ]
    columns = [(part.ids[i], part.segments[i], part.targets[i], start + i) for i in kept]
    return torch.tensor(columns)
