"""Whether codes are those of the words shown: measured by the model that wrote them.

Codes depend on words and scene, so how probable they are says as much about the scene as about
the words. Here the scene is the same under the words of every command, and what is left is the
words' part: Bayes' rule gives how probable the shown words are once the codes are known.

The paper's heads of equation 6 see words and codes without the scene and cannot know it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinevla_ros.generator.decoding.decode import Draft, Generation
from kinevla_ros.generator.decoding.sequence import written_part
from kinevla_ros.generator.decoding.tree import Tree, TreeNode
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.generator.onnx.generator import OnnxGenerator
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

READ = (Segment.READING, Segment.CODES)
"""What codes see beside the observation; all else is left out."""


class Consistency:
    """Scores what a model wrote, in one pass over the words of all commands."""

    def __init__(
        self, model: Generator | OnnxGenerator, vocabulary: Vocabulary, tasks: TaskSet
    ) -> None:
        self._model: Any = model
        self._vocabulary = vocabulary
        self._commands = [
            Draft(*(tuple(vocabulary.encode_text(text)) for text in texts))
            for texts in tasks.texts()
        ]
        config = model.config
        masks = [vocabulary.code_mask("goal")] * config.goal_codes
        masks += [vocabulary.code_mask("kinematics")] * config.kinematics_codes
        self._refused = ~torch.from_numpy(np.stack(masks)).to(model.device)
        self._tree = self._grown(self._commands)
        self._with_stranger = self._tree
        self._stranger: Draft | None = None

    @torch.inference_mode()
    def __call__(self, generation: Generation, observed: Any) -> float:
        """P(words | codes, observation) among the words of all commands, each as likely before.

        Args:
            generation: words and codes; words that name no command stand beside all commands.
            observed: keys and values of what they answer, as the decoder's `observed` gives them.

        Returns:
            0 to 1. As many commands as share the motion share the probability.
        """
        words, tree = generation.words, self._tree
        if words not in self._commands:
            if words != self._stranger:
                self._with_stranger = self._grown([*self._commands, words])
                self._stranger = words
            tree = self._with_stranger
        goal, kinematics = generation.goal_codes, generation.kinematics_codes
        ids = [self._vocabulary.code_id("goal", code) for code in goal]
        ids += [self._vocabulary.code_id("kinematics", code) for code in kinematics]
        each = self._log_probabilities(tree, torch.tensor(ids), observed)
        own = self._commands.index(words) if tree is self._tree else -1
        return float(each.softmax(0)[own])

    def _log_probabilities(self, tree: Tree, codes: Tensor, observed: Any) -> Tensor:
        """Of codes with these ids under each text, shape (texts,), on the CPU."""
        model, device = self._model, self._model.device
        embeddings = model.embed(tree.filled(codes)[None].to(device))
        seen = model.observation_tokens + model.config.images_first
        everything = torch.ones(len(tree.ids), seen, dtype=torch.bool)
        logits = model.look(
            embeddings,
            torch.cat([everything, tree.allowed], dim=1).to(device),
            tree.positions.to(device),
            observed,
            tree.choosing.to(device),
        ).float()
        among = logits.masked_fill(self._refused[tree.chooses], -torch.inf).log_softmax(-1).cpu()
        chosen = among.gather(-1, codes[tree.chooses][:, None])[:, 0]
        return chosen[tree.paths].sum(1)

    def _grown(self, texts: list[Draft]) -> Tree:
        config = self._model.config
        # Codes do not see what the instruction says, only how much room it has.
        start = config.max_instruction_tokens + self._model.observation_tokens
        codes = (0,) * config.goal_codes, (0,) * config.kinematics_codes
        return Tree([_read_by_codes(self._vocabulary, text, codes, start) for text in texts])


def _read_by_codes(
    vocabulary: Vocabulary, text: Draft, codes: tuple[tuple[int, ...], tuple[int, ...]], start: int
) -> list[TreeNode]:
    """What codes see and are, up to where the last one is chosen; `codes` stand for any."""
    part = written_part(vocabulary, text.goal, text.kinematics, *codes)
    row, count, holds = [], 0, -1
    for place, kind in enumerate(part.segments):
        chooses = count if part.code[place] else -1
        if kind in READ:
            row.append(TreeNode(part.ids[place], Segment(kind), start + place, holds, chooses))
        count += part.code[place]
        holds = chooses
    last = max(place for place, node in enumerate(row) if node.chooses >= 0)
    return row[: last + 1]
