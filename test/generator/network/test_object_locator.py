"""Points of heat maps: where they lie, and what of it is learnt."""

import pytest
import torch

from kinevla_ros.generator.network.object_locator import POINTS, ObjectLocator


@pytest.fixture
def looking_at_brightness() -> ObjectLocator:
    """The first point of each image follows the first channel of the finest map."""
    locator = ObjectLocator([3, 5], tokens=4, width=8, scene_dim=2)
    with torch.no_grad():
        for heat in locator.heat:
            heat.weight.zero_()
            heat.bias.zero_()
        locator.heat[0].weight[[0, POINTS], 0] = 50.0
    return locator


def maps(row: int, column: int, side: int = 13) -> list[torch.Tensor]:
    """Of one front and one wrist image, with one bright place each, mirrored in the wrist's."""
    fine = torch.zeros(2, 3, side, side)
    fine[0, 0, row, column] = 1.0
    fine[1, 0, row, side - 1 - column] = 1.0
    return [fine, torch.zeros(2, 5, 4, 4)]


@pytest.mark.parametrize(("row", "column"), [(0, 0), (6, 6), (12, 3), (4, 11)])
def test_a_point_lies_where_its_heat_is(looking_at_brightness, row, column) -> None:
    (front, wrist), *_ = looking_at_brightness.points(maps(row, column))
    wanted = torch.tensor([column / 6 - 1, row / 6 - 1])
    torch.testing.assert_close(front[0], wanted, atol=1e-4, rtol=0)
    torch.testing.assert_close(wrist[0], wanted * torch.tensor([-1.0, 1.0]), atol=1e-4, rtol=0)


def test_a_point_between_two_warm_places_lies_between_their_pixels(looking_at_brightness) -> None:
    seen = maps(6, 6)
    seen[0][0, 0, 6, 7] = 1.0
    x, y = looking_at_brightness.points(seen)[0, 0, 0].tolist()
    assert x == pytest.approx(0.5 / 6, abs=1e-4)
    assert y == pytest.approx(0.0, abs=1e-4)


def test_a_place_is_learnt_through_the_points() -> None:
    torch.manual_seed(0)
    locator = ObjectLocator([3, 5], tokens=1, width=8, scene_dim=2)
    optimiser = torch.optim.Adam(locator.parameters(), 1e-2)
    tokens = torch.zeros(1, 1, 8)
    places = torch.Generator().manual_seed(0)
    for _ in range(300):
        row, column = torch.randint(13, (2,), generator=places).tolist()
        read = locator(tokens, maps(row, column))
        loss = (read - torch.tensor([[column / 6 - 1, row / 6 - 1]])).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert locator(tokens, maps(2, 9)).tolist()[0] == pytest.approx([0.5, -2 / 3], abs=0.25)
