"""Corrections in LIBERO's world: a policy drives now and then, the demonstrator labels throughout.

Its scripts go on from wherever the hand is: each way point is approached by feedback. So they are
run as they are, and for some chunks the policy's commands are carried out in the place of theirs.
What is learnt from is how the demonstrator then goes on: where it drove for a whole chunk.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from kinevla_ros.data.episode import Frame
from kinevla_ros.data.lerobot.schema import CHUNK
from kinevla_ros.evaluation.libero.rollout import LiberoPolicy, LiberoSeen, require_libero_space
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.sim.libero.collect import SPARSE_VECTORS, Recorder, collect
from kinevla_ros.sim.libero.installed import require_libero
from kinevla_ros.sim.libero.scene import Array
from kinevla_ros.sim.libero.tasks import BOTH
from kinevla_ros.sim.libero.world import LIBERO_SPACE, LiberoWorld

POLICY_STEPS, OWN_STEPS = 10, 24
"""So long the policy drives, and the demonstrator between; a chunk has ten steps."""
CORRECTED = 2
"""Every so many of the frames that can be learnt from is drawn."""
TRIES = 4
"""Demonstrations of a way before the policy is left out: with it a script may not end well."""


class PolicyRecorder(Recorder):
    """Carries out a checkpoint's commands for whole chunks, and keeps the demonstrator's.

    Where the demonstrator stands still it counts steps, gripping or letting go, and is obeyed.
    """

    def __init__(
        self,
        policy: LiberoPolicy,
        world: LiberoWorld,
        rng: np.random.Generator,
        noise: float,
        said: str,
        tried: int,
    ) -> None:
        super().__init__(world, rng, noise)
        self._policy, self._said = policy, said
        self._drives = tried < TRIES
        self._left: list[Array] = []
        # The policy's first turn comes anywhere.
        self._own = int(rng.integers(OWN_STEPS))
        self._demonstrated: list[bool] = []
        policy.reset()

    def frames(self, command: Command) -> list[Frame]:
        """Frames from which on the demonstrator drove for a whole chunk, or to the end."""
        steps = LIBERO_SPACE.horizon
        own = [
            number
            for number in range(len(self.actions))
            if all(self._demonstrated[number : number + steps])
        ]
        return [self.frame(command, n, **{CHUNK: self.chunk(n)}) for n in own[::CORRECTED]]

    def executed(self, action: Array) -> Array:
        """The policy's command while it drives."""
        if np.linalg.norm(action[:6]) < 1e-6:
            self._left = []
        elif not self._left and self._own <= 0 and self._drives:
            self._left, self._own = self._commands(), OWN_STEPS
        self._demonstrated.append(not self._left)
        if self._left:
            return np.array([*self._left.pop(0)[:6], action[6]])
        self._own -= 1
        return super().executed(action)

    def _commands(self) -> list[Array]:
        """The policy's next chunk; none where it gives none."""
        seen = LiberoSeen(self._world.render(), self._world.state().astype(float))
        try:
            return list(self._policy.infer(self._said, seen).actions[:POLICY_STEPS])
        except (NotUnderstood, GenerationError):
            return []


def correct_libero(checkpoint: Path, root: Path, episodes: int, seed: int, workers: int) -> int:
    """Write corrected episodes of a checkpoint; see `collect`.

    Raises:
        CheckpointError, ActionSpaceError: it is damaged, or of another world.
        LiberoMissingError: LIBERO is not installed.
    """
    require_libero()
    require_libero_space(Policy(checkpoint))
    recorders = partial(_PolicyRecorders, checkpoint)
    return collect(BOTH, root, episodes, seed, workers, recorders, SPARSE_VECTORS)


class _PolicyRecorders:
    """Makes recorders for the episodes of one process."""

    def __init__(self, checkpoint: Path) -> None:
        self._policy = LiberoPolicy(Policy(checkpoint))

    def __call__(
        self, world: LiberoWorld, rng: np.random.Generator, noise: float, said: str, tried: int
    ) -> PolicyRecorder:
        return PolicyRecorder(self._policy, world, rng, noise, said, tried)
