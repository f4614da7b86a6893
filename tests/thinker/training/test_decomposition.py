import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nodes.thinker.training.decomposition import decompose, sign_agreement
from nodes.thinker.training.optimisation import advantages

UNIT = st.floats(-1.0, 1.0, width=32).map(float)
OPINIONS = st.tuples(st.integers(1, 6), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=UNIT)
)


@given(OPINIONS, UNIT, st.sampled_from([0.6, 0.8, 1.0]))
def test_shares_sum_to_the_rating_and_keep_the_oracles_signs(
    opinions: np.ndarray, rating: float, agreement: float
) -> None:
    split = decompose(opinions, rating, agreement)
    assert split.shares.sum() == pytest.approx(rating, abs=1e-6)
    if split.attributed:
        assert np.all(split.shares * opinions.mean(axis=0) >= 0)
        assert np.all(split.shares[~split.kept] == 0)
    else:
        assert np.allclose(split.shares, rating / opinions.shape[1])


def test_contributions_of_the_ratings_sign_are_shared_in_proportion() -> None:
    split = decompose(np.array([[0.2, 0.6]]), 0.4)
    assert split.shares == pytest.approx([0.1, 0.3])


def test_contributions_that_explain_the_rating_are_taken_as_they_are() -> None:
    split = decompose(np.array([[1.0, -0.5, 0.4]]), 0.3)
    assert split.shares == pytest.approx(np.array([1.0, -0.5, 0.4]) / 3)


def test_a_turn_that_opinions_disagree_about_gets_nothing_and_is_not_kept() -> None:
    opinions = np.array([[0.9, 0.5], [0.8, -0.5], [0.7, 0.5]])
    assert sign_agreement(opinions) == pytest.approx([1.0, 2 / 3])
    strict = decompose(opinions, 0.6)
    assert strict.kept.tolist() == [True, False]
    assert strict.shares == pytest.approx([0.6, 0.0])
    assert decompose(opinions, 0.6, agreement=0.6).kept.all()


def test_an_attribution_that_contradicts_the_rating_is_not_followed() -> None:
    split = decompose(np.array([[0.5, 0.5]]), -0.8)
    assert not split.attributed
    assert split.shares == pytest.approx([-0.4, -0.4])


def test_no_opinion_is_refused() -> None:
    with pytest.raises(ValueError, match="K, T"):
        decompose(np.zeros((0, 3)), 0.5)


def test_advantages_compare_the_same_turn_within_the_group() -> None:
    rewards = np.array([[1.0, 5.0], [0.0, 5.0]])
    better = advantages(rewards, np.ones((2, 2), np.bool_))
    assert better[0, 0] > 0 > better[1, 0]
    assert better[:, 1].tolist() == [0.0, 0.0]


def test_turns_that_are_not_kept_are_neither_learned_from_nor_compared_with() -> None:
    rewards = np.array([[1.0], [0.0], [99.0]])
    kept = np.array([[True], [True], [False]])
    assert advantages(rewards, kept).ravel() == pytest.approx([1.0, -1.0, 0.0])
    assert advantages(rewards, np.array([[True], [False], [False]])).tolist() == [[0.0], [0.0], [0.0]]
