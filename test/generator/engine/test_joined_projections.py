"""Joined projections give what three products give, compiled as one graph for all blocks."""

import pytest
import torch
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)
from transformers.modeling_layers import GradientCheckpointingLayer

from kinevla_ros.generator.engine.joined_projections import join_projections

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 10,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


@pytest.fixture(params=["dino", "siglip"])
def tower(request) -> torch.nn.Module:
    torch.manual_seed(0)
    if request.param == "dino":
        return Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**SMALL)).eval()
    return SiglipVisionModel(SiglipVisionConfig(intermediate_size=64, **SMALL)).eval()


@torch.inference_mode()
def test_joined_they_give_the_same_and_can_be_put_back(tower) -> None:
    pixels = torch.randn(2, 3, 28, 28)
    wanted, names = tower(pixels).last_hidden_state, list(tower.state_dict())
    put_back = join_projections(tower)
    assert any("joined" in name for name in tower.state_dict())
    torch.testing.assert_close(tower(pixels).last_hidden_state, wanted)
    put_back()
    assert list(tower.state_dict()) == names
    torch.testing.assert_close(tower(pixels).last_hidden_state, wanted)


@torch.inference_mode()
def test_compiled_all_blocks_share_one_graph(tower) -> None:
    pixels, graphs = torch.randn(2, 3, 28, 28), []
    wanted = tower(pixels).last_hidden_state
    join_projections(tower)
    torch._dynamo.reset()

    def keep(graph, given):
        graphs.append(graph)
        return graph

    for block in tower.modules():
        if isinstance(block, GradientCheckpointingLayer):
            block.compile(dynamic=False, fullgraph=True, backend=keep)
    for _ in range(2):
        torch.testing.assert_close(tower(pixels).last_hidden_state, wanted)
    assert len(graphs) == 1
    products = [n for n in graphs[0].graph.nodes if n.target is torch._C._nn.linear]
    assert len(products) == 4
