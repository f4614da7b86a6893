import numpy as np
import pytest

from mio.measure.frechet import frechet_distance


def test_the_distance_of_normal_distributions_is_that_of_means_and_spreads() -> None:
    chance = np.random.default_rng(0)
    one, other = chance.normal(0, 1, (200_000, 2)), chance.normal((3, 0), 2, (200_000, 2))
    assert frechet_distance(one, other) == pytest.approx(9 + 2 * 1, rel=0.02)
