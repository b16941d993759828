"""Plain words → triggers. It is Wednesday, 3 March 2027, 11:17:05 in Berlin."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.core.errors import Invalid
from scheduler.runner import matching
from scheduler.times import next_after
from scheduler.words import EXAMPLES, trigger_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 3, 3, 10, 17, 5, tzinfo=UTC)


def trigger(words: str) -> str:
    """The trigger of words said now in Berlin."""
    return trigger_of(words, BERLIN, NOW)


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("every day at 9", "0 9 * * *"),
        ("daily at 7am", "0 7 * * *"),
        ("Daily", "0 9 * * *"),
        ("at 9 in the evening every day", "0 21 * * *"),
        ("every weekday at 9", "0 9 * * mon-fri"),
        ("9am on weekdays", "0 9 * * mon-fri"),
        ("every working day at 8:30", "30 8 * * mon-fri"),
        ("weekends at 11", "0 11 * * sun,sat"),
        ("every Monday at 14:30", "30 14 * * mon"),
        ("every Monday, Wednesday and Friday at noon", "0 12 * * mon,wed,fri"),
        ("Mondays at 10", "0 10 * * mon"),
        ("Monday to Friday at 9", "0 9 * * mon-fri"),
        ("mon-fri at 9", "0 9 * * mon-fri"),
        ("weekly on Tuesday at 9.30", "30 9 * * tue"),
        ("every week", "0 9 * * mon"),
        ("every morning", "0 9 * * *"),
        ("every evening at 7", "0 19 * * *"),
        ("every minute", "* * * * *"),
        ("every 30 minutes", "*/30 * * * *"),
        ("every hour", "0 * * * *"),
        ("every 60 minutes", "0 * * * *"),
        ("every 2 hours", "0 */2 * * *"),
        ("every two hours", "0 */2 * * *"),
        ("every month on the 1st", "0 9 1 * *"),
        ("monthly on the 15th at 6pm", "0 18 15 * *"),
        ("on the last day of every month at 18:00", "0 18 l * *"),
        ("the 1st of every month at midnight", "0 0 1 * *"),
        ("every 3 months on the 15th at 9", "0 9 15 */3 *"),
        ("every first Monday of the month at 10", "0 10 * * mon#1"),
        ("every last Friday of the month", "0 9 * * fri#l"),
        ("every year on 3 March", "0 9 3 3 *"),
        ("yearly on March 3rd at 8", "0 8 3 3 *"),
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        ("*/5 8-18 * * MON,FRI", "*/5 8-18 * * mon,fri"),
    ],
)
def test_what_comes_again_is_a_cron_line(words: str, cron: str) -> None:
    assert trigger(words) == cron


@pytest.mark.parametrize(
    ("words", "local"),
    [
        ("tomorrow at 8", "2027-03-04 08:00"),
        ("tomorrow", "2027-03-04 09:00"),
        ("tomorrow morning at 7", "2027-03-04 07:00"),
        ("the day after tomorrow at noon", "2027-03-05 12:00"),
        ("today at 17:30", "2027-03-03 17:30"),
        ("tonight", "2027-03-03 20:00"),
        ("tonight at 8", "2027-03-03 20:00"),
        ("this afternoon", "2027-03-03 15:00"),
        ("at 12", "2027-03-03 12:00"),
        ("at 9", "2027-03-04 09:00"),
        ("9pm", "2027-03-03 21:00"),
        ("12am", "2027-03-04 00:00"),
        ("in 20 minutes", "2027-03-03 11:37"),
        ("in 20 minutes from now", "2027-03-03 11:37"),
        ("in half an hour", "2027-03-03 11:47"),
        ("in an hour", "2027-03-03 12:17"),
        ("in 3 days", "2027-03-06 11:17"),
        ("in two weeks at noon", "2027-03-17 12:00"),
        ("on Friday at noon", "2027-03-05 12:00"),
        ("Wednesday at 9", "2027-03-10 09:00"),
        ("wednesday at 12", "2027-03-03 12:00"),
        ("next Monday 9am", "2027-03-08 09:00"),
        ("on 3 March at noon", "2027-03-03 12:00"),
        ("on 3 March at 9", "2028-03-03 09:00"),
        ("March 3, 2029 at 9", "2029-03-03 09:00"),
        ("29 February", "2028-02-29 09:00"),
        ("2030-03-03 14:30", "2030-03-03 14:30"),
        ("2030-03-03", "2030-03-03 09:00"),
        ("2030-03-03T14:30:00Z", "2030-03-03 15:30"),
        ("2030-03-03T14:30+05:30", "2030-03-03 10:00"),
    ],
)
def test_what_comes_once_is_an_instant(words: str, local: str) -> None:
    at = datetime.fromisoformat(trigger(words))
    assert at.tzinfo is not None
    assert f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M}" == local


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("every 5 hours", "R/2027-03-03T15:17:00+00:00/PT300M"),
        ("every 45 minutes", "R/2027-03-03T11:02:00+00:00/PT45M"),
        ("every 3 days at 9", "R/2027-03-04T09:00/P3D"),
        ("every other day at noon", "R/2027-03-03T12:00/P2D"),
        ("every 2 weeks on Monday at 8", "R/2027-03-08T08:00/P14D"),
        ("every other Tuesday", "R/2027-03-09T09:00/P14D"),
    ],
)
def test_other_spans_count_from_now(words: str, expected: str) -> None:
    assert trigger(words) == expected


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("evry wekday at 9", "Did you mean: every weekday at 9?"),
        ("every weekday 9", "Say it like: every weekday at 9"),
        ("tommorow at 8", "Did you mean: tomorrow at 8?"),
        ("every 10 seconds", "at most once a minute"),
        ("every hour at 9", "leave 09:00 out"),
        ("every 0 minutes", "too often"),
        ("every 5 months", "Months go by"),
        ("every day at 9 and 17", "I do not understand"),
        ("30 February", "There is no 30 Feb"),
        ("29 February 2027", "There is no 29 Feb 2027"),
        ("every month on the 32nd", "No month has a day 32"),
        ("2027-02-30", "There is no such time"),
        ("at 25:00", "There is no time 25:00"),
        ("at 13pm", "There is no 13 pm"),
        ("today at 9", "Say it like: tomorrow at 09:00"),
        ("today", "at what time"),
        ("whenever you like", "Say it like"),
        ("half past nine", "Say it like"),
        ("every day at 9\r\nBcc: x", "I do not understand"),
        ("", "Say it like"),
        ("a" * 10**6, "at most 200"),
        ("at " * 66, "I do not understand"),
        ("monday " * 28, "I do not understand"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_way_on(words: str, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        trigger(words)
    assert sentence in caught.value.message


@pytest.mark.parametrize("words", EXAMPLES)
def test_each_phrase_that_is_proposed_is_understood(words: str) -> None:
    assert next_after(trigger(words), BERLIN, NOW, matching)


def test_a_mended_phrase_that_makes_no_sense_is_not_proposed() -> None:
    with pytest.raises(Invalid) as caught:
        trigger("evry hour at 9")
    assert "Did you mean" not in caught.value.message
