"""Schedules against crontab(5), and against a plain matcher that looks at every minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.config.cron import longest_gap, parse_cron
from tests.support.cron import LIMITS, MONTHS, WEEKDAYS, due

START = datetime(2026, 1, 1)  # noqa: DTZ001 - plain calendar arithmetic


def _first_runs(text: str, count: int = 200) -> list[datetime]:
    return list(islice(parse_cron(text).after(START), count))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * Fri-SUN", "0 0 * * 0,5,6"),
        ("0 0 * * sun-tue", "0 0 * * 0,1,2"),
        ("0 0 * * mon,wed", "0 0 * * 1,3"),
        ("5,5,4 0 1 jan-mar *", "4,5 0 1 1,2,3 *"),
        ("\t0   1 2\t3 *  ", "0 1 2 3 *"),
        ("007 08 * * *", "7 8 * * *"),
        ("5-5/2 9 * * *", "5 9 * * *"),
        ("*/20 9-17/4 * * *", "0,20,40 9,13,17 * * *"),
        ("0 0 * * */7", "0 0 * * 0"),
    ],
)
def test_a_schedule_means_what_crontab_says(text: str, plain: str) -> None:
    assert _first_runs(text) == _first_runs(plain)


def test_sunday_is_0_and_7() -> None:
    assert {run.isoweekday() for run in _first_runs("0 0 * * 0") + _first_runs("0 0 * * 7")} == {7}


@pytest.mark.parametrize(
    ("nickname", "fields"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_a_nickname_stands_for_its_fields(nickname: str, fields: str) -> None:
    short = parse_cron(nickname)

    assert short.text == nickname
    assert _first_runs(nickname) == _first_runs(fields)
    assert short.minutes == parse_cron(fields).minutes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("* * 1 * 1", "both restricted"),
        ("* * 1-31 * */2", "both restricted"),
        ("* * * *", "this has 4"),
        ("* * * * * *", "this has 6"),
        ("", "this has 0"),
        ("5/10 * * * *", "step without a range"),
        ("1-5-9 * * * *", "minute '1-5-9' is not"),
        ("1//2 * * * *", "minute '1//2' is not"),
        ("-5 * * * *", "minute '-5' is not"),
        ("*-5 * * * *", "is not '\\*'"),
        ("1.5 * * * *", "is not '\\*'"),
        ("\u0661 * * * *", "is not '\\*'"),
        ("* * * * sat-mon", "runs backwards"),
        ("* * * * L", "is not a number; names are"),
        ("* * * * 5L", "is not a number; names are"),
        ("* * * * mon#2", "is not '\\*'"),
        ("* * L * *", "is not a number"),
        ("* * LW * *", "is not a number"),
        ("* * ? * *", "is not '\\*'"),
        ("0 0 12 * * *", "this has 6"),
        ("jan * * * *", "is not a number"),
        ("* * * mon *", "is not a number; names are jan"),
        ("* * 0 * *", "1 to 31 are allowed"),
        ("99999999999999999999 * * * *", "out of range"),
        ("*/99999999999999999999 * * * *", "larger than the field"),
        ("*/x * * * *", "not a number above 0"),
        ("* * 31 2 *", "no such day"),
        ("* * 30,31 2 *", "no such day"),
        ("@reboot", "not a time"),
        ("@every_minute", "unknown nickname"),
    ],
)
def test_what_crontab_does_not_mean_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_cron(text)


@pytest.mark.parametrize(
    ("text", "runs"),
    [("15 * * * *", 24), ("*/15 9-17 * * 1-5", 36), ("@monthly", 1), ("* * * * *", 1440)],
)
def test_the_runs_of_the_fullest_day_are_counted(text: str, runs: int) -> None:
    assert len(parse_cron(text).minutes) == runs


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("* * * * *", timedelta(minutes=1)),
        ("15 * * * *", timedelta(hours=1)),
        ("0,10 * * * *", timedelta(minutes=50)),
        ("@daily", timedelta(days=1)),
        ("0 9-17 * * *", timedelta(hours=16)),
        ("0 9-17 * * 1-5", timedelta(days=2, hours=16)),
        ("@weekly", timedelta(days=7)),
        ("@monthly", timedelta(days=31)),
        ("0 0 31 * *", timedelta(days=61)),
        ("@yearly", timedelta(days=366)),
        ("0 0 29 2 *", timedelta(days=8 * 365 + 1)),  # around a year 2100 without that day
        ("0 0 1-30 2 *", timedelta(days=338)),
    ],
)
def test_the_longest_gap_is_exact(text: str, gap: timedelta) -> None:
    assert longest_gap(parse_cron(text)) == gap


def _field(index: int) -> st.SearchStrategy[str]:
    low, high = LIMITS[index]
    names = {3: MONTHS, 4: WEEKDAYS}.get(index, [])

    def one(number: int) -> str:
        return names[number] if names and number % 2 else str(number)

    number = st.integers(low, high)
    step = st.one_of(st.just(""), st.integers(1, high).map("/{}".format))
    span = st.tuples(number, number).map(sorted)
    # Named, Sunday at the end of a range is 7: the names of one range stay numbers.
    parts = st.one_of(
        number.map(one),
        st.tuples(span, step).map(lambda drawn: f"{drawn[0][0]}-{drawn[0][1]}{drawn[1]}"),
        step.map(lambda text: f"*{text}"),
    )
    return st.lists(parts, min_size=1, max_size=3).map(",".join)


@st.composite
def _schedules(draw: st.DrawFn) -> str:
    fields = [draw(_field(index)) for index in range(5)]
    fields[draw(st.sampled_from((2, 4)))] = "*"  # both restricted is refused
    return " ".join(fields)


@given(text=_schedules(), start=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)))  # noqa: DTZ001 - plain calendar arithmetic
@settings(deadline=None, max_examples=60)
def test_every_minute_agrees_with_a_plain_matcher(text: str, start: datetime) -> None:
    start = start.replace(second=0, microsecond=0)
    end = start + timedelta(days=2)
    try:
        schedule = parse_cron(text)
    except ValueError as error:
        assert "no such day" in str(error)  # noqa: PT017 - only days that no month has are refused
        return
    minutes = (start + timedelta(minutes=count) for count in range(1, 2 * 24 * 60))

    found = list(takewhile(lambda run: run < end, schedule.after(start)))

    assert found == [minute for minute in minutes if due(text, minute)]


@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    weekdays=st.sets(st.integers(0, 6), min_size=1, max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_the_longest_gap_is_the_one_a_walk_through_the_weeks_finds(
    minutes: set[int], hours: set[int], weekdays: set[int]
) -> None:
    fields = (",".join(map(str, sorted(part))) for part in (minutes, hours, weekdays))
    schedule = parse_cron("{} {} * * {}".format(*fields))
    end = START + timedelta(weeks=3)
    runs = list(takewhile(lambda run: run < end, schedule.after(START)))

    assert longest_gap(schedule) == max(later - sooner for sooner, later in pairwise(runs))


@given(text=_schedules())
@settings(deadline=None, max_examples=20)
def test_no_two_runs_of_a_decade_are_further_apart_than_the_longest_gap(text: str) -> None:
    try:
        schedule = parse_cron(text)
    except ValueError:
        return
    # The first run of each day is enough: within a day the gaps are the same.
    day, month, weekday = text.split()[2:]
    days = parse_cron(f"0 0 {day} {month} {weekday}").after(START)
    found = list(takewhile(lambda run: run.year < 2036, days))
    gaps = [(later - sooner).days for sooner, later in pairwise(found)]

    assert max(gaps, default=0) <= longest_gap(schedule).days + 1
