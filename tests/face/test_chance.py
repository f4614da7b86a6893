import numpy as np
import torch

from nodes.face.chance import Chance
from nodes.face.models.sizes import LAPTOP

FRAMES = LAPTOP.codec.frames
NUMBERS = LAPTOP.generator.patterns + LAPTOP.codec.bits


def normal(lots: torch.Tensor) -> np.ndarray:
    return torch.special.ndtri(lots.double()).numpy()


def test_numbers_are_between_0_and_1_and_each_as_often_as_any_other() -> None:
    chance = Chance(LAPTOP, 1)
    levels = [torch.cat(parts) for parts in zip(*(chance(first) for first in range(0, 40_000, 400)), strict=True)]
    assert [lots.shape for lots in levels] == [(100, scale, NUMBERS) for scale in LAPTOP.codec.scales]
    for lots in levels:
        shares = np.histogram(lots.numpy(), 10, (0.0, 1.0))[0] / lots.numel()
        assert np.abs(shares - 0.1).max() < 0.02


def test_numbers_of_near_moments_are_alike_and_those_of_distant_ones_and_of_other_levels_are_not() -> None:
    chance = Chance(LAPTOP, 1)
    chunks = [[normal(lots)[0] for lots in chance(first)] for first in range(0, 20_000, 200)]
    later = [[normal(lots)[0] for lots in chance(first + 10)] for first in range(0, 20_000, 200)]
    alike = [
        np.corrcoef(np.ravel([one[level] for one in chunks]), np.ravel([other[level] for other in later]))[0, 1]
        for level in range(4)
    ]
    np.testing.assert_allclose(alike, np.exp(-10 / (25 * np.array([2.0, 1.0, 0.32, 0.32]))), atol=0.05)
    finest = np.array([chunk[3] for chunk in chunks])
    within = [np.corrcoef(finest[:, 0].ravel(), finest[:, apart].ravel())[0, 1] for apart in (1, 8, 24)]
    np.testing.assert_allclose(within, np.exp(-np.array([1, 8, 24]) / 8), atol=0.05)
    assert abs(np.corrcoef(np.ravel(chunks[0][3][:13]), np.ravel(chunks[0][2]))[0, 1]) < 0.15


def test_while_the_own_voice_sounds_numbers_of_each_frame_stand_alone() -> None:
    chance = Chance(LAPTOP, 1)
    chunks = [chance(first, speaking=True) for first in range(0, 20_000, 200)]
    finest = np.array([normal(chunk[3])[0] for chunk in chunks])
    within = [np.corrcoef(finest[:, 0].ravel(), finest[:, apart].ravel())[0, 1] for apart in (1, 8)]
    np.testing.assert_allclose(within, 0.0, atol=0.05)
    assert torch.equal(chance(10, speaking=True)[3][:, :15], chance(0, speaking=True)[3][:, 10:])


def test_a_moment_has_its_numbers_whatever_was_asked_before_and_another_seed_has_others() -> None:
    one, other, another = Chance(LAPTOP, 1), Chance(LAPTOP, 1), Chance(LAPTOP, 2)
    for first in (500, 7, 300):
        one(first)
    for a, b, c in zip(one(90), other(90), another(90), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
    another.seed = 1
    assert all(torch.equal(a, b) for a, b in zip(another(90), other(90), strict=True))


def test_stage_time_before_zero_has_numbers_too() -> None:
    assert all(torch.isfinite(lots).all() for lots in Chance(LAPTOP, 1)(-30))
