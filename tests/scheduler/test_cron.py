"""Cron lines, read as cron reads them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import pytest

from bot.core.errors import Invalid
from scheduler.cron import fields_of
from scheduler.runner import matching

START = datetime.fromisoformat("2027-03-03T10:00")
"""A Wednesday."""


def days(cron: str) -> str:
    """The next five days that fit."""

    def times() -> Iterator[str]:
        at = matching(cron, START)
        while at:
            yield f"{at:%a%d}"
            at = matching(cron, at)

    return " ".join(islice(times(), 5))


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 9 * * 0", "Sun07 Sun14 Sun21 Sun28 Sun04"),
        ("0 9 * * 7", "Sun07 Sun14 Sun21 Sun28 Sun04"),
        ("0 9 * * 1-5", "Thu04 Fri05 Mon08 Tue09 Wed10"),
        ("0 9 * * 5-7", "Fri05 Sat06 Sun07 Fri12 Sat13"),
        ("0 9 * * 0-7", "Thu04 Fri05 Sat06 Sun07 Mon08"),
        ("0 9 * * sat-mon", "Sat06 Sun07 Mon08 Sat13 Sun14"),
        ("0 9 * * */2", "Thu04 Sat06 Sun07 Tue09 Thu11"),
        ("0 9 * * mon,4", "Thu04 Mon08 Thu11 Mon15 Thu18"),
        ("0 9 13 * 5", "Fri05 Fri12 Sat13 Fri19 Fri26"),
        ("0 9 l * *", "Wed31 Fri30 Mon31 Wed30 Sat31"),
        ("0 9 * * mon#1", "Mon05 Mon03 Mon07 Mon05 Mon02"),
        ("0 9 * * fri#l", "Fri26 Fri30 Fri28 Fri25 Fri30"),
        ("0 9 31 * *", "Wed31 Mon31 Sat31 Tue31 Sun31"),
    ],
)
def test_weekdays_and_days_are_those_of_cron(cron: str, expected: str) -> None:
    assert days(cron) == expected


@pytest.mark.parametrize(
    "cron",
    [
        "60 9 * * *",
        "0 24 * * *",
        "0 9 0 * *",
        "0 9 32 * *",
        "0 9 * 13 *",
        "0 9 * foo *",
        "0 9 * * 8",
        "0 9 * * foo",
        "0 9 * * mon#6",
        "0 9 * * mon#",
        "0 9 * * 1-2-3",
        "0 9 * * */0",
        "0 9 * * */9",
        "0 9 * *",
        "0 9 * * * *",
        "*/0 9 * * *",
        "5-1 9 * * *",
    ],
)
def test_a_line_that_is_none_is_refused(cron: str) -> None:
    with pytest.raises(Invalid):
        matching(cron, START)


def test_a_day_that_never_comes_is_told_from_one_that_is_rare() -> None:
    assert matching("0 9 30 2 *", START) is None
    late = datetime.fromisoformat("2096-03-01T00:00")
    assert str(matching("0 9 29 2 *", late)) == "2104-02-29 09:00:00"


def test_a_day_and_a_weekday_are_two_lines() -> None:
    assert len(fields_of("0 9 13 * 5")) == 2
    assert len(fields_of("0 9 13 * *")) == 1
