from __future__ import annotations

import pytest
import torch

from kinevla_ros.codec.bilevel import BilevelCodec, CodecConfig, coarse
from kinevla_ros.codec.contract import InvalidCodeError

SMALL = CodecConfig(codes_per_level=16, latent_dim=8, hidden_dim=16)


@pytest.fixture(autouse=True)
def _seeded():
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def chunks(count: int = 32) -> torch.Tensor:
    return torch.rand(count, 5, 8) * 2 - 1


def train_stage_two(codec: BilevelCodec, steps: int = 30) -> None:
    codec.begin_kinematics()
    codec.train()
    optimiser = torch.optim.AdamW(codec.parameters(), 1e-2)
    for _ in range(steps):
        batch = chunks()
        result = codec.full_pass(batch, batch, True, torch.rand(len(batch)) < 0.2)
        loss = (result.moves - batch[..., :-1]).abs().mean() + result.commitment
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    codec.eval()


def test_the_coarse_part_of_a_coarse_chunk_is_itself():
    once = coarse(chunks())
    torch.testing.assert_close(coarse(once), once)


def test_straight_motion_with_a_still_gripper_is_all_coarse():
    time = torch.arange(1.0, 6.0)[None, :, None]
    straight = torch.randn(4, 1, 8) * time
    straight[..., -1] = 1.0
    torch.testing.assert_close(coarse(straight), straight)


def test_codes_lie_in_range_goal_first_and_decode_to_a_chunk():
    codec = BilevelCodec(SMALL).eval()
    codes = codec.encode(chunks())
    assert codes.shape == (32, 4)
    assert codes.dtype == torch.int64
    assert ((codes >= 0) & (codes < 16)).all()
    decoded = codec.decode(codes)
    assert decoded.shape == (32, 5, 8)
    assert decoded[..., -1].abs().max() <= 1


def test_chunks_of_one_coarse_motion_share_their_goal_codes():
    codec = BilevelCodec(SMALL).eval()
    full = chunks()
    assert torch.equal(codec.encode(full)[:, :2], codec.encode(coarse(full))[:, :2])


def test_all_ways_to_a_goal_have_its_goal_codes_and_kinematics_codes_of_their_own():
    codec = BilevelCodec(SMALL).eval()
    ways = chunks(64)
    common = ways.mean(dim=0, keepdim=True).expand_as(ways)
    codes = codec.encode(ways, common)
    assert (codes[:, :2] == codes[0, :2]).all()
    assert len(codes[:, 2:].unique(dim=0)) > 1


@pytest.mark.parametrize("bad", [-1, 16, 1000])
def test_a_code_out_of_range_is_refused_not_clipped(bad):
    codec = BilevelCodec(SMALL).eval()
    codes = codec.encode(chunks(3))
    codes[1, 2] = bad
    with pytest.raises(InvalidCodeError):
        codec.decode(codes)


@pytest.mark.parametrize("shape", [(3, 1), (3, 3), (3, 5), (4,)])
def test_a_number_of_codes_that_fits_no_stack_is_refused(shape):
    with pytest.raises(InvalidCodeError):
        BilevelCodec(SMALL).decode(torch.zeros(shape, dtype=torch.int64))


def test_codes_that_are_not_integers_are_refused():
    with pytest.raises(InvalidCodeError):
        BilevelCodec(SMALL).decode(torch.zeros(1, 4))


def test_goal_codes_alone_decode_as_with_the_kinematics_dropped():
    codec = BilevelCodec(SMALL).eval()
    full = chunks()
    dropped = codec.full_pass(full, full, True, torch.ones(len(full), dtype=torch.bool))
    alone = codec.decode(codec.encode(full)[:, :2])
    torch.testing.assert_close(alone[..., :-1], dropped.moves, atol=1e-6, rtol=1e-5)


def test_a_codec_of_one_level_learns_the_motion_and_takes_all_its_codes():
    codec = BilevelCodec(
        CodecConfig(
            goal_levels=0, kinematics_levels=4, codes_per_level=16, latent_dim=8, hidden_dim=16
        )
    )
    batch = chunks()
    before = (codec.decode(codec.encode(batch)) - batch).abs().mean()
    train_stage_two(codec, 200)
    codes = codec.encode(batch)
    assert codes.shape == (len(batch), 4)
    assert (codec.decode(codes) - batch).abs().mean() < before
    with pytest.raises(InvalidCodeError, match="0 codes"):
        codec.decode(codes[:, :0])


def test_stage_two_leaves_every_goal_code_alone():
    codec = BilevelCodec(SMALL)
    full = chunks(500)
    before = codec.eval().encode(full)
    train_stage_two(codec)
    after = codec.encode(full)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.equal(before[:, 2:], after[:, 2:])


def test_the_literal_shared_encoder_moves_goal_codes_in_stage_two():
    codec = BilevelCodec(CodecConfig(codes_per_level=16, latent_dim=8, hidden_dim=16, literal=True))
    full = chunks(500)
    before = codec.eval().encode(full)
    train_stage_two(codec)
    assert not torch.equal(before[:, :2], codec.encode(full)[:, :2])


def test_the_gradient_reaches_the_encoder_through_the_quantiser():
    codec = BilevelCodec(SMALL).train()
    codec.goal_pass(coarse(chunks()), quantise=True).moves.sum().backward()
    assert all(p.grad is not None for p in codec.goal_encoder.parameters())


@pytest.mark.parametrize("literal", [False, True])
def test_a_codec_survives_the_state_dict(literal):
    config = CodecConfig(codes_per_level=16, latent_dim=8, hidden_dim=16, literal=literal)
    one, other = BilevelCodec(config).eval(), BilevelCodec(config).eval()
    other.load_state_dict(one.state_dict())
    full = chunks()
    assert torch.equal(one.encode(full), other.encode(full))
    assert torch.equal(one.decode(one.encode(full)), other.decode(other.encode(full)))
