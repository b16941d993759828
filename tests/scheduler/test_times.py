"""From a trigger to its next time, above all where the clock is changed.

Berlin puts its clock forward on 28 March 2027 at 02:00 and back on 31 October 2027 at 03:00.
"""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.errors import Invalid
from scheduler.runner import matching
from scheduler.times import next_after, to_utc, to_wall, zone_of

BERLIN = zone_of("Europe/Berlin")


def run(trigger: str, after: str, count: int, zone: str = "Europe/Berlin") -> str:
    """The next times as a clock in the zone shows them, with its offset in hours."""
    place, at, shown = zone_of(zone), datetime.fromisoformat(after), []
    at = at.replace(tzinfo=place).astimezone(UTC)
    for _ in range(count):
        found = next_after(trigger, place, at, matching)
        assert found, "it never comes"
        assert found > at, "time goes on"
        assert found.tzinfo is UTC
        at = found
        local = at.astimezone(place)
        offset = local.utcoffset()
        assert offset is not None
        shown.append(f"{local:%d %H:%M}{offset // timedelta(hours=1):+d}")
    return ", ".join(shown)


@pytest.mark.parametrize(
    ("trigger", "after", "expected"),
    [
        ("30 2 * * *", "2027-03-27T00:00", "27 02:30+1, 28 03:30+2, 29 02:30+2"),
        ("0 3 * * *", "2027-03-27T00:00", "27 03:00+1, 28 03:00+2, 29 03:00+2"),
        ("30 1 * * *", "2027-03-27T12:00", "28 01:30+1, 29 01:30+2, 30 01:30+2"),
        ("30 2 * * *", "2027-10-30T00:00", "30 02:30+2, 31 02:30+2, 01 02:30+1"),
        ("0,30 2 * * *", "2027-10-31T00:00", "31 02:00+2, 31 02:30+2, 01 02:00+1"),
        ("0 9 * * *", "2027-10-30T00:00", "30 09:00+2, 31 09:00+1, 01 09:00+1"),
        ("*/30 * * * *", "2027-03-28T01:00", "28 01:30+1, 28 03:00+2, 28 03:30+2"),
        ("*/30 * * * *", "2027-10-31T02:00", "31 02:30+2, 31 02:00+1, 31 02:30+1"),
        ("15 * * * *", "2027-03-28T01:00", "28 01:15+1, 28 03:15+2, 28 04:15+2"),
        ("R/2027-03-26T02:30/P1D", "2027-03-27T00:00", "27 02:30+1, 28 03:30+2, 29 02:30+2"),
        ("R/2027-03-26T09:00/P2D", "2027-03-27T00:00", "28 09:00+2, 30 09:00+2, 01 09:00+2"),
        ("R/2027-03-28T00:00:00Z/PT45M", "2027-03-28T01:00", "28 01:45+1, 28 03:30+2, 28 04:15+2"),
    ],
    ids=[
        "skipped: as much later", "right after the gap", "before the gap", "doubled: once",
        "doubled twice an hour: once each", "another hour is untouched", "any hour over the gap",
        "any hour: both of the doubled", "once an hour over the gap", "days over the gap",
        "days keep the time of day", "minutes are elapsed time",
    ],
)  # fmt: skip
def test_a_changed_clock_follows_the_stated_rule(trigger: str, after: str, expected: str) -> None:
    assert run(trigger, after, 3) == expected


def test_a_skipped_time_is_not_lost_to_who_asks_within_the_gap() -> None:
    after = datetime(2027, 3, 28, 1, 10, tzinfo=UTC)  # 03:10 by the new clock
    found = next_after("30 2 * * *", BERLIN, after, matching)
    assert found == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_within_the_second_of_two_equal_hours_a_fixed_time_is_over() -> None:
    after = datetime(2027, 10, 31, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    found = next_after("30 2 * * *", BERLIN, after, matching)
    assert found == datetime(2027, 11, 1, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "trigger", "after", "expected"),
    [
        ("Australia/Lord_Howe", "10 2 * * *", "2027-10-02T12:00", "03 02:40+11, 04 02:10+11"),
        ("America/New_York", "30 2 * * *", "2027-03-13T12:00", "14 03:30-4, 15 02:30-4"),
        ("America/New_York", "30 1 * * *", "2027-11-06T12:00", "07 01:30-4, 08 01:30-5"),
        ("Asia/Kolkata", "0 9 * * *", "2027-03-13T12:00", "14 09:00+5, 15 09:00+5"),
        ("UTC", "30 2 * * *", "2027-03-27T12:00", "28 02:30+0, 29 02:30+0"),
    ],
)
def test_other_places_follow_it_too(zone: str, trigger: str, after: str, expected: str) -> None:
    assert run(trigger, after, 2, zone) == expected


@pytest.mark.parametrize("trigger", ["*/7 * * * *", "30 2 * * *", "0 */2 * * *", "5 1-4 * * *"])
@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
def test_asking_from_any_moment_finds_the_same_times(trigger: str, day: str) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=3)
    times, at = [], begin
    while at < begin + timedelta(hours=12):
        found = next_after(trigger, BERLIN, at, matching)
        assert found
        times.append(found)
        at = found
    for minute in range(0, 600, 11):
        asked = begin + timedelta(minutes=minute)
        wanted = next(time for time in times if time > asked)
        assert next_after(trigger, BERLIN, asked, matching) == wanted


def test_an_instant_comes_once() -> None:
    at = datetime(2027, 3, 3, 12, tzinfo=UTC)
    before = at - timedelta(microseconds=1)
    assert next_after("2027-03-03T13:00:00+01:00", BERLIN, before, matching) == at
    assert next_after("2027-03-03T13:00:00+01:00", BERLIN, at, matching) is None
    assert next_after("2027-03-03T13:00", BERLIN, before, matching) == at, "read in the zone"


def test_an_interval_waits_for_its_start() -> None:
    long_before = datetime(2020, 1, 1, tzinfo=UTC)
    start = datetime(2027, 3, 3, 8, tzinfo=UTC)
    assert next_after("R/2027-03-03T09:00/P3D", BERLIN, long_before, matching) == start
    elapsed = "R/2027-03-03T08:00:00+00:00/PT45M"
    assert next_after(elapsed, BERLIN, long_before, matching) == start


def test_wall_and_instant_are_each_others_way_back() -> None:
    at = datetime(2027, 7, 1, 12, 30, tzinfo=UTC)
    assert to_utc(to_wall(at, BERLIN), BERLIN) == at


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "/etc/localtime", "a\x00b"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="time zone"):
        zone_of(name)


def test_a_trigger_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        next_after("soon", BERLIN, datetime(2027, 1, 1, tzinfo=UTC), matching)
