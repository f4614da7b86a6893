import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nodes.thinker.memory.lookahead import lies_ahead, log_odds_ahead

SCORES = st.lists(st.tuples(st.floats(-20, 20), st.booleans()), min_size=2, max_size=30)


def arrays(rows: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows]), np.array([permitted for _, permitted in rows])


@given(SCORES)
def test_odds_are_those_of_the_softmax(rows: list[tuple[float, bool]]):
    scores, permitted = arrays(rows)
    if permitted.all() or not permitted.any():
        return
    shares = np.exp(scores) / np.exp(scores).sum()
    assert np.isclose(log_odds_ahead(scores, permitted), np.log(shares[~permitted].sum() / shares[permitted].sum()))


@given(SCORES)
def test_the_bit_does_not_depend_on_which_window_has_a_score(rows: list[tuple[float, bool]]):
    scores, permitted = arrays(rows)
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    assert np.isclose(
        log_odds_ahead(scores, permitted), log_odds_ahead(scores[order], permitted[order]), equal_nan=True
    )


@given(SCORES)
def test_nothing_ahead_is_never_refused(rows: list[tuple[float, bool]]):
    scores, permitted = arrays(rows)
    assert not lies_ahead(scores, np.ones_like(permitted), -1e9)


def test_only_what_lies_ahead_is_ahead():
    assert lies_ahead(np.array([1.0, 2.0]), np.array([False, False]))


def test_windows_that_were_not_looked_at_count_nothing():
    scores, permitted = np.array([-np.inf, 2.0, 1.0]), np.array([False, True, False])
    assert np.isclose(log_odds_ahead(scores, permitted), -1.0)
