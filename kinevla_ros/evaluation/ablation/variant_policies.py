"""Policies of the variants that differ from the product's in more than their checkpoint."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75
from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.chunk import ACTION_DIM, HORIZON, ActionChunk
from kinevla_ros.base.observation import Observation, plain_observation
from kinevla_ros.evaluation.suite.episodes import ReadyPolicy
from kinevla_ros.generator.checkpoint import load_generator, load_task_set
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.decoding.sequence import InstructionTooLong, instruction_ids
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.generator.pictures.squares import camera_pixels, state_tensor
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.parse import UnknownInstruction, parse_instruction
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.training.generator.grounded_head import ActionHead, GroundedHead
from kinevla_ros.training.generator.training import read_foresight, read_head
from kinevla_ros.training.variants.variants import Variant
from kinevla_ros.training.variants.without_reasoning import written_without_reasoning

_BLANK = plain_observation()
_SEED = 0


def open_variant(variant: Variant, folder: Path) -> ReadyPolicy:
    """The policy of a trained variant, by plain torch on the CPU, so that times compare.

    Raises:
        CheckpointError: the folder is not whole.
    """
    if variant.head:
        return HeadPolicy(folder, variant.head)
    policy = Policy(folder, device="cpu", graphs=False)
    return policy if variant.words else NoReasoningPolicy(policy)


class NoReasoningPolicy:
    """A policy that writes no words; its codes read the instruction in their place."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def reset(self) -> None:
        """Forget the episode before."""
        self._policy.reset()

    def warm_up(self) -> None:
        """Run once on an empty picture."""
        self.infer(self._policy.tasks.example, _BLANK)

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
    ) -> Inference:
        """See `Policy.infer`; an override replaces what is read."""
        read = Override(instruction, instruction, must_name_command=False)
        return self._policy.infer(instruction, observation, override or read)


class HeadPolicy:
    """A policy whose chunk comes from a head, in one pass; there are no words and no codes.

    Raises:
        CheckpointError: the folder is not whole.
    """

    def __init__(self, folder: Path, head: type[ActionHead]) -> None:
        torch.set_num_threads(1)
        self._model, self._vocabulary = load_generator(folder)
        self._reader = reader_of(load_task_set(folder))
        self._example = load_task_set(folder).example
        self._head = read_head(folder, self._model.config, head).eval()
        self._foresight = (
            read_foresight(folder, self._model).eval() if head is GroundedHead else None
        )
        self._sequence = 0

    def reset(self) -> None:
        """Draw the same noise in every episode, whichever process runs it."""
        torch.manual_seed(_SEED)

    def warm_up(self) -> None:
        """Run once on an empty picture."""
        self.infer(self._example, _BLANK)

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
    ) -> Inference:
        """See `Policy.infer`. Raises NotUnderstood for an override too: nothing would follow it."""
        started = time.perf_counter()
        if override is not None:
            raise NotUnderstood("this baseline writes no words and no codes to be overridden")
        try:
            parse_instruction(self._reader, instruction)
            numbers = self._motion(instruction, observation)
        except (UnknownInstruction, InstructionTooLong) as problem:
            raise NotUnderstood(str(problem)) from problem
        offsets = numbers.reshape(HORIZON, ACTION_DIM) * RM75.motion_scale
        opening = np.clip(offsets[:, 7], 0.0, GRIPPER_STROKE)
        self._sequence += 1
        return Inference(
            sequence=self._sequence,
            stamp=observation.stamp,
            instruction=instruction,
            goal="",
            kinematics="",
            goal_codes=(),
            kinematics_codes=(),
            draft_accepted=False,
            passes=1,
            model_time=time.perf_counter() - started,
            chunk=ActionChunk(
                observation.stamp,
                self._sequence,
                observation.joints + offsets[:, :7],
                opening,
            ),
            consistency=math.nan,
        )

    @torch.inference_mode()
    def _motion(self, instruction: str, seen: Observation) -> NDArray[np.float64]:
        """The chunk in units of `motion_scale`, shape (H D,)."""
        model, vocabulary = self._model, self._vocabulary
        ids, segments = instruction_ids(vocabulary, model.config, instruction)
        state = state_tensor(seen.state)
        observation = model.observe(camera_pixels(model.config, seen.images)[None], state[None])
        embeddings, kinds = model.context(
            torch.tensor([ids]), torch.tensor([segments]), observation
        )
        asking = written_without_reasoning(vocabulary, vocabulary.encode_text(instruction))
        embeddings = torch.cat([embeddings, model.embed(torch.tensor([asking.ids]))], dim=1)
        kinds = torch.cat([kinds, torch.tensor([asking.segments])], dim=1)
        _, hidden = model(embeddings, kinds, with_logits=False)
        # The last position asks for the kinematics codes.
        asked = hidden[:, -1]
        if isinstance(self._head, GroundedHead):
            assert self._foresight is not None
            images = observation[:, : model.config.cameras * model.config.image_tokens]
            seen_tokens = self._foresight.norm(images)
            return (
                self._head.motion(seen_tokens, self._foresight(images, asked))[0].double().numpy()
            )
        return self._head.motion(asked)[0].double().numpy()
