"""Where the objects are in frames that do not say it, as a checkpoint sees them.

A checkpoint that is trained on from demonstrations of a real table has nobody who tells the places.
Left to the codes alone it forgets how to find what it has found so far, from demonstrations that
are too few to learn it again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.pictures.squares import SCENE_SCALE, pixels
from kinevla_ros.training.generator.samples import Samples

BLOCK = 64


def with_places_seen(samples: Samples, start: Path) -> Samples:
    """The samples with the places that a checkpoint sees, where it knows all their objects.

    Samples that have places stay as they are, and so do those with an object that the checkpoint
    has never seen, and those for a checkpoint that locates nothing or has other inputs.

    Raises:
        CheckpointError: `start` is damaged.
    """
    named = {*samples.tasks.objects, *samples.tasks.landmarks}
    if samples.scene.shape[1] or not named <= set(OBJECTS):
        return samples
    model, _ = load_generator(start)
    config = model.config
    widths = len(samples.space.cameras), len(samples.space.state_names)
    if not config.scene_dim or (config.cameras, config.state_dim) != widths:
        return samples
    found = []
    for first in track(range(0, len(samples), BLOCK), "find the objects"):
        rows = np.arange(first, min(first + BLOCK, len(samples)))
        # The light does not move them: any look of a frame will do.
        shown = pixels(config, samples.images[rows * samples.looks])
        state = torch.from_numpy(samples.state[rows] / samples.space.state_scale)
        with torch.inference_mode():
            seen = model.locate(*model.see(shown, state.float()))
        assert seen is not None
        found.append(seen.float().numpy())
    scale = SCENE_SCALE[: config.scene_dim]
    return replace(samples, scene=np.concatenate(found) * scale)
