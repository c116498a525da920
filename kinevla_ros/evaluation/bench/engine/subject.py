"""Models to measure, and what to measure them on: random weights, or a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.evaluation.bench.engine.random_model import (
    nameless_vocabulary,
    plant_words,
    random_generator,
)
from kinevla_ros.generator.checkpoint import load_decoder, load_generator, load_task_set
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import Draft
from kinevla_ros.generator.decoding.depth_head import DepthHead, load_depth_head
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.pictures.squares import camera_pixels
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

GOAL_WORDS, KINEMATICS_WORDS = 10, 100
"""About what the paper's tables hold, in Llama's tokens."""
MOMENTS = 20


@dataclass(frozen=True)
class Subject:
    """A model and what to measure it on.

    Attributes:
        cameras: front and wrist at several moments (n, 2, H, W, 3); times are of the first.
        words: what it is to write for the first, once `plant` was called; None if that is not
            known before.
        plant: makes it write those words, with the weights as they are when it is called.
    """

    name: str
    model: Generator
    vocabulary: Vocabulary
    instruction: str
    cameras: NDArray[np.uint8]
    words: Draft | None
    decoder: OnnxDecoder | None
    depth_head: DepthHead | None
    plant: Callable[[], None] = lambda: None

    def images(self, moment: int = 0) -> Tensor:
        """Front and wrist as the model reads them."""
        images = dict(zip(CAMERAS, self.cameras[moment], strict=True))
        return camera_pixels(self.model.config, images, self.model.device)


def random_subject(
    config: GeneratorConfig, device: torch.device, depth_head: bool = False
) -> Subject:
    """Random weights with about 110 words of reasoning to be planted."""
    cuda = device.type == "cuda"
    dtype = torch.bfloat16 if cuda else torch.float32
    name = "OpenVLA-7B, random weights" if cuda else "cut-down OpenVLA, random weights (no GPU)"
    model = random_generator(config, device, dtype)
    head = DepthHead(config).to(device, dtype).eval() if depth_head else None
    vocabulary = nameless_vocabulary(config)
    rng = np.random.default_rng(0)
    cameras = rng.integers(0, 256, (MOMENTS, 2, 480, 640, 3), dtype=np.uint8)
    text = np.flatnonzero(vocabulary.text_mask)
    goal, kinematics = (
        tuple(rng.choice(text, count).tolist()) for count in (GOAL_WORDS, KINEMATICS_WORDS)
    )

    def plant() -> None:
        images = subject.images().to(device)
        state = torch.zeros(8)
        plant_words(model, vocabulary, "do it", images, state, goal, kinematics, head)

    words = Draft(goal, kinematics)
    subject = Subject(name, model, vocabulary, "do it", cameras, words, None, head, plant)
    return subject


def checkpoint_subject(folder: Path, device: torch.device, depth_head: bool = False) -> Subject:
    """A checkpoint and pictures of a demonstration.

    Raises:
        CheckpointError: it is incomplete or damaged, or has no depth head.
    """
    # A machine that only measures random weights has no simulator.
    from kinevla_ros.evaluation.bench.recording import record

    model, vocabulary = load_generator(folder)
    dtype = model.language.dtype
    head = load_depth_head(folder, model.config, dtype, device) if depth_head else None
    seen = next(iter(record().values()))[:MOMENTS]
    cameras = np.stack([[o.images[name] for name in CAMERAS] for o in seen])
    said = load_task_set(folder).commands[0].prompt
    decoder = load_decoder(folder, model.config)
    name = str(folder)
    return Subject(name, model.to(device), vocabulary, said, cameras, None, decoder, head)
