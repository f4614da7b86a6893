import torch

from mio.nn.rotary import turn_at, turned
from mio.nn.testing import inputs


def test_products_of_turned_queries_and_keys_depend_on_distance_alone() -> None:
    query, key = inputs("query", 1, 2, 6, 8), inputs("key", 1, 2, 6, 8)
    here, later = turn_at(torch.arange(6), 8), turn_at(torch.arange(6) + 90, 8)
    products = turned(query, here) @ turned(key, here).mT
    torch.testing.assert_close(products, turned(query, later) @ turned(key, later).mT, atol=1e-4, rtol=1e-4)
    assert (products - query @ key.mT).abs().max() > 0.1


def test_channels_beyond_the_turning_ones_stay_as_they_are() -> None:
    x = inputs("x", 1, 1, 5, 8)
    y = turned(x, turn_at(torch.arange(5), 8, turning=4))
    assert torch.equal(y[..., 4:], x[..., 4:])
    assert not torch.equal(y[..., 1:, :4], x[..., 1:, :4])
    torch.testing.assert_close(y.norm(dim=-1), x.norm(dim=-1))


def test_the_first_places_turn_as_among_more() -> None:
    turn = turn_at(torch.arange(9), 4)
    assert torch.equal(turn.first(3).cosine, turn_at(torch.arange(3), 4).cosine)
