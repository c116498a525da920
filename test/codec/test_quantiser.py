from __future__ import annotations

import pytest
import torch

from kinevla_ros.codec.quantiser import ResidualQuantiser


@pytest.fixture(autouse=True)
def _seeded():
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_each_level_takes_the_entry_nearest_to_the_residual():
    quantiser = ResidualQuantiser(3, 16, 4).eval()
    latents = torch.randn(50, 4)
    result = quantiser(latents)
    residual = latents
    for level in range(3):
        nearest = torch.cdist(residual, quantiser.codebooks[level]).argmin(dim=1)
        assert torch.equal(result.codes[:, level], nearest)
        residual = residual - quantiser.codebooks[level][nearest]


def test_looking_codes_up_gives_the_sum_of_the_chosen_entries():
    quantiser = ResidualQuantiser(2, 16, 4).eval()
    result = quantiser(torch.randn(10, 4))
    torch.testing.assert_close(quantiser.look_up(result.codes), result.entries.sum(dim=1))


def test_k_means_makes_every_level_shrink_the_residual_and_uses_every_entry():
    quantiser = ResidualQuantiser(2, 16, 4)
    latents = torch.randn(2000, 4)
    quantiser.initialise(latents)
    result = quantiser.eval()(latents)
    one = (latents - result.entries[:, 0]).square().mean()
    both = (latents - result.entries.sum(dim=1)).square().mean()
    assert both < one < latents.square().mean()
    assert all(len(result.codes[:, level].unique()) == 16 for level in range(2))


def test_entries_move_to_the_mean_of_what_chose_them():
    quantiser = ResidualQuantiser(1, 2, 1).train()
    quantiser.initialise(torch.tensor([[-1.0], [1.0]]).repeat(50, 1))
    batch = torch.tensor([[-2.0], [3.0]]).repeat(50, 1)
    for _ in range(1000):
        quantiser(batch)
    assert quantiser.codebooks.flatten().sort().values.tolist() == pytest.approx([-2, 3], abs=0.01)


def test_an_entry_that_nothing_chooses_is_brought_back():
    quantiser = ResidualQuantiser(1, 4, 2).train()
    far = torch.full((4, 2), 100.0)
    far[0] = 0.0
    quantiser.codebooks[0] = far
    quantiser._sums[0] = far
    for _ in range(800):
        quantiser(torch.randn(64, 2))
    assert len(quantiser.eval()(torch.randn(500, 2)).codes.unique()) == 4


def test_frozen_codebooks_stay_in_training_mode():
    quantiser = ResidualQuantiser(2, 8, 4).train()
    quantiser.frozen = True
    before = quantiser.codebooks.clone()
    quantiser(torch.randn(100, 4))
    assert torch.equal(quantiser.codebooks, before)


def test_codebooks_stay_in_evaluation_mode():
    quantiser = ResidualQuantiser(2, 8, 4).eval()
    before = quantiser.codebooks.clone()
    quantiser(torch.randn(100, 4))
    assert torch.equal(quantiser.codebooks, before)


def test_commitment_draws_the_latents_to_their_entries():
    quantiser = ResidualQuantiser(1, 8, 4).eval()
    latents = torch.randn(20, 4, requires_grad=True)
    quantiser(latents).commitment.backward()
    towards = quantiser(latents).entries[:, 0] - latents
    assert ((-latents.grad * towards).sum(dim=1) > 0).all()


def test_codebooks_survive_the_state_dict_and_are_not_trained_by_gradient():
    one, other = ResidualQuantiser(2, 8, 4), ResidualQuantiser(2, 8, 4)
    other.load_state_dict(one.state_dict())
    latents = torch.randn(20, 4)
    assert torch.equal(one.eval()(latents).codes, other.eval()(latents).codes)
    assert not list(one.parameters())
