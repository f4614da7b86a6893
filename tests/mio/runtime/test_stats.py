import pytest

from mio.errors import ConfigError
from mio.runtime.stats import NodeStats, parse_budget_ms


def test_steps_longer_than_the_budget_are_counted() -> None:
    stats = NodeStats("talker", budget_ms=20.0)
    for duration_ms in (5, 20, 21, 400):
        stats.step_computed("reply", duration_ms * 1_000_000)
    assert stats.summary()["over_budget"] == 2
    assert stats.summary()["budget_ms"] == 20.0


def test_without_a_budget_no_step_is_too_long() -> None:
    stats = NodeStats("talker")
    stats.step_computed("reply", 10**12)
    assert stats.over_budget == 0


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "inf"])
def test_a_budget_that_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="MIO_BUDGET_MS"):
        parse_budget_ms(text)


def test_an_empty_budget_is_none() -> None:
    assert parse_budget_ms("") == 0.0
