"""How the times of a story are written, and what they mean as numbers.

A life is told in dates, and its story time is counted in days. A text is told in chapters: who has read chapter 3 to
its end stands at 3, in the middle of it at 2.5.
"""

import datetime
import enum
import math
import re
from typing import Any

# Written as a date, a year, a month, a number of a chapter; left out, it is None.
When = Any

ALWAYS = 0.0
_MONTH = re.compile(r"(\d{1,4})-(\d{1,2})\Z")
_NUMBER = re.compile(r"\d+(?:\.\d*)?\Z")
_YEAR_DIGITS = 4
_DAY_S = 86_400.0


class Calendar(enum.Enum):
    """What the times of a story are.

    Attributes:
        DATES: Days since the first of January of the year one, which is day 1.
        CHAPTERS: Chapters that have been told to their end.
    """

    DATES = "dates"
    CHAPTERS = "chapters"

    def story_time(self, when: When) -> float:
        """What was written, as a number.

        A year or a month counts as its last day: what happened in its course is not told before it has happened.

        Raises:
            ValueError: With what is expected.
        """
        if isinstance(when, bool):
            raise ValueError(f"'{when}' is no time; expected {self.expected}")
        time = _number_of_chapters(when) if self is Calendar.CHAPTERS else _days(when)
        if time is None or not math.isfinite(time) or time < ALWAYS:
            raise ValueError(f"'{when}' is no time; expected {self.expected}")
        return time

    def written(self, text: str) -> float:
        """A time that was typed, such as ``1999-08``, ``1999`` or ``2.5``.

        Raises:
            ValueError: With what is expected.
        """
        plain = text.strip()
        if self is Calendar.CHAPTERS:
            return self.story_time(float(plain) if _NUMBER.match(plain) else plain)
        return self.story_time(int(plain) if plain.isdecimal() and len(plain) <= _YEAR_DIGITS else plain)

    @property
    def expected(self) -> str:
        """How a time is to be written."""
        if self is Calendar.CHAPTERS:
            return "the number of a chapter, such as 3 or 2.5"
        return "a date such as 1999-08-11, a month such as 1999-08, or a year"

    def text(self, time: float) -> str:
        """A story time as it is written."""
        if time <= ALWAYS:
            return "always"
        if self is Calendar.CHAPTERS:
            return f"{time:.4g}"
        try:
            return datetime.date.fromordinal(int(time)).isoformat()
        except (OverflowError, ValueError):
            return f"day {time:.10g}"


def _number_of_chapters(when: When) -> float | None:
    return float(when) if isinstance(when, int | float) else None


def _days(when: When) -> float | None:
    try:
        match when:
            case datetime.datetime():
                midnight = datetime.datetime.combine(when.date(), datetime.time(), when.tzinfo)
                return when.toordinal() + (when - midnight).total_seconds() / _DAY_S
            case datetime.date():
                return float(when.toordinal())
            case int():
                return float(datetime.date(when, 12, 31).toordinal())
            case str():
                return _days_of_text(when.strip())
            case _:
                return None
    except ValueError:
        return None


def _days_of_text(text: str) -> float:
    if month := _MONTH.match(text):
        first = datetime.date(int(month[1]), int(month[2]), 1)
        return float((first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1).toordinal() - 1)
    return float(datetime.date.fromisoformat(text).toordinal())
