"""What will be seen is predicted, and the motion can be read from it alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from random_samples import random_samples
from shipped_tasks import shipped_vocabulary
from small_generator import small_config

from kinevla_ros.generator.network.model import Generator
from kinevla_ros.training.generator.foresight import Foresight, VisualTokens
from kinevla_ros.training.generator.grounded_head import GroundedHead
from kinevla_ros.training.generator.motion_heads import NUMBERS


def test_the_grounded_flow_learns_which_of_two_pictures_comes_next_and_hears_nothing_else() -> None:
    torch.manual_seed(0)
    head = GroundedHead(8)
    present, ahead = torch.randn(1, 6, 8).expand(2, -1, -1), torch.randn(2, 6, 8)
    motions = torch.randn(2, 2, NUMBERS)
    optimiser = torch.optim.Adam(head.parameters(), 3e-3)
    both = VisualTokens(
        *(t.repeat(16, 1, 1) for t in (present, ahead, ahead)), torch.ones(32).bool()
    )
    for _ in range(300):
        optimiser.zero_grad()
        head.loss(torch.randn(32, 2, 8), motions.repeat(16, 1, 1), both).backward()
        optimiser.step()
    with torch.no_grad():
        drawn = head.motion(present, ahead)
    near, far = (drawn - motions[:, 1]).abs().mean(), (drawn - motions[:, 1].flip(0)).abs().mean()
    assert near < 0.5 * far


def test_what_will_be_seen_is_learnt_from_demonstrations_alone_and_does_not_collapse() -> None:
    torch.manual_seed(0)
    model = Generator(replace(small_config(shipped_vocabulary()), vocabulary_size=32))
    foresight = Foresight(model)
    rng = np.random.default_rng(0)
    state = torch.zeros(4, model.config.state_dim)
    shape = (4, 2, 3, model.config.image_size, model.config.image_size)
    pictures, later = torch.from_numpy(rng.normal(size=(2, *shape)).astype(np.float32))
    asked = torch.randn(4, model.config.language["hidden_size"])
    followed = torch.tensor([True, True, True, False])
    foresight.follow(model)
    before = foresight.seen(later, state)
    optimiser = torch.optim.Adam([p for p in foresight.parameters() if p.requires_grad], 1e-2)
    gains = []
    for _ in range(40):
        present = model.see(pictures, state)[0][:, : before.shape[1]].detach()
        sight = VisualTokens(foresight.norm(present), foresight(present, asked), before, followed)
        loss, figures = foresight.loss(sight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        gains.append(float(figures["foresight_gain"]))
    assert abs(gains[0]) < 0.2  # it begins by saying that nothing changes
    assert gains[-1] > gains[0] + 0.2
    assert figures["foresight_spread"] > 0.01
    other = sight._replace(future=sight.future + torch.tensor([0, 0, 0, 9.0])[:, None, None])
    assert torch.equal(foresight.loss(other)[0], loss)
    assert torch.equal(foresight.seen(later, state), before)


def test_the_pictures_to_come_are_of_the_same_episode_and_end_with_it() -> None:
    samples = random_samples()
    rows = np.array([0, 14, 15, 40])
    shown = samples.moving_pictures(rows, np.random.default_rng(0))
    assert isinstance(samples.images, np.ndarray)
    np.testing.assert_array_equal(shown[:, :2], samples.images[rows])
    np.testing.assert_array_equal(shown[:, 2:], samples.images[[5, 15, 15, 45]])
