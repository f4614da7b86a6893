import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.thinker.construction.story_time import Calendar


@settings(deadline=None)
@given(st.dates(), st.dates())
def test_days_keep_the_order_of_dates(one: datetime.date, other: datetime.date) -> None:
    times = [Calendar.DATES.story_time(date) for date in (one, other)]
    assert (times[0] < times[1]) == (one < other)
    assert Calendar.DATES.text(times[0]) == one.isoformat()


@pytest.mark.parametrize(
    ("written", "last_day"),
    [(1868, "1868-12-31"), ("1999-02", "1999-02-28"), ("2000-2", "2000-02-29"), ("2022-12", "2022-12-31")],
)
def test_a_year_or_a_month_counts_as_its_last_day(written: object, last_day: str) -> None:
    assert Calendar.DATES.text(Calendar.DATES.story_time(written)) == last_day


def test_an_hour_is_a_part_of_its_day() -> None:
    noon = datetime.datetime(1999, 8, 11, 12)
    assert Calendar.DATES.story_time(noon) == datetime.date(1999, 8, 11).toordinal() + 0.5


@pytest.mark.parametrize("written", [0, 10_000, "soon", "1999-00", "1999-02-30", None, True, [], 3.5])
def test_what_is_no_date_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        Calendar.DATES.story_time(written)


@pytest.mark.parametrize("written", [-1, "3", None, True, float("nan"), float("inf")])
def test_what_is_no_chapter_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="the number of a chapter"):
        Calendar.CHAPTERS.story_time(written)


def test_chapters_are_numbers() -> None:
    assert Calendar.CHAPTERS.story_time(2.5) == 2.5
    assert Calendar.CHAPTERS.text(2.5) == "2.5"
    assert Calendar.DATES.text(0.0) == Calendar.CHAPTERS.text(0.0) == "always"
