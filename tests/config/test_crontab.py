"""Schedules against crontab(5), and against a matcher that looks at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.config.crontab import (
    CronSchedule,
    longest_gap,
    parse_cron,
    runs_per_day_max,
)

LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15 * * * *", ((15,), range(24), range(1, 32), range(1, 13), range(7))),
        ("*/20 9-17/4 * * *", ((0, 20, 40), (9, 13, 17), range(1, 32), range(1, 13), range(7))),
        ("0 0 * * 7", ((0,), (0,), range(1, 32), range(1, 13), (0,))),
        ("0 0 * * 0", ((0,), (0,), range(1, 32), range(1, 13), (0,))),
        ("0 0 * * 5-7", ((0,), (0,), range(1, 32), range(1, 13), (0, 5, 6))),
        ("0 0 * * Fri-SUN", ((0,), (0,), range(1, 32), range(1, 13), (0, 5, 6))),
        ("0 0 * * sun-tue", ((0,), (0,), range(1, 32), range(1, 13), (0, 1, 2))),
        ("0 0 * * sun", ((0,), (0,), range(1, 32), range(1, 13), (0,))),
        ("0 0 * * mon,wed", ((0,), (0,), range(1, 32), range(1, 13), (1, 3))),
        ("5,5,4 0 1 jan-mar *", ((4, 5), (0,), (1,), (1, 2, 3), range(7))),
        ("\t0   1 2\t3 *  ", ((0,), (1,), (2,), (3,), range(7))),
        ("007 08 * * *", ((7,), (8,), range(1, 32), range(1, 13), range(7))),
        ("0 0 29 2 *", ((0,), (0,), (29,), (2,), range(7))),
    ],
)
def test_a_schedule_means_what_crontab_says(text: str, expected: tuple[object, ...]) -> None:
    minutes, hours, days, months, weekdays = (tuple(part) for part in expected)  # type: ignore[arg-type,var-annotated] # ranges and tuples alike

    assert parse_cron(text) == CronSchedule(text, minutes, hours, days, months, weekdays)


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
    short, long = parse_cron(nickname), parse_cron(fields)

    assert short.text == nickname
    assert (short.minutes, short.hours, short.days) == (long.minutes, long.hours, long.days)
    assert (short.months, short.weekdays) == (long.months, long.weekdays)


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
    assert runs_per_day_max(parse_cron(text)) == runs


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
    names = {3: ["", *MONTHS], 4: DAYS}.get(index, [])

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


def _matches(field: str, value: int, index: int) -> bool:
    """Whether a number is meant by a field, one part after the other, as a person would look."""
    low, high = LIMITS[index]
    names = {3: ["", *MONTHS], 4: DAYS}.get(index, [])
    for part in field.split(","):
        text, _, step = part.partition("/")
        first, last = (str(low), str(high)) if text == "*" else (text, text)
        if "-" in text:
            first, last = text.split("-")
        start = names.index(first) if first in names else int(first)
        stop = names.index(last) if last in names else int(last)
        if start <= value <= stop and (value - start) % int(step or 1) == 0:
            return True
    return False


@st.composite
def _schedules(draw: st.DrawFn) -> str:
    fields = [draw(_field(index)) for index in range(5)]
    fields[draw(st.sampled_from((2, 4)))] = "*"  # both restricted is refused
    return " ".join(fields)


@given(text=_schedules(), start=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)))  # noqa: DTZ001 - plain calendar arithmetic
@settings(deadline=None, max_examples=60)
def test_every_minute_agrees_with_a_plain_matcher(text: str, start: datetime) -> None:
    fields = text.split()
    try:
        schedule = parse_cron(text)
    except ValueError as error:
        assert "no such day" in str(error)  # noqa: PT017 - only days that no month has are refused
        return
    minute = start.replace(second=0, microsecond=0)

    for _ in range(2 * 24 * 60):
        weekday = minute.isoweekday() % 7
        plain = (
            _matches(fields[0], minute.minute, 0)
            and _matches(fields[1], minute.hour, 1)
            and _matches(fields[2], minute.day, 2)
            and _matches(fields[3], minute.month, 3)
            and (_matches(fields[4], weekday, 4) or (weekday == 0 and _matches(fields[4], 7, 4)))
        )
        assert _due(schedule, minute) == plain, minute
        minute += timedelta(minutes=1)


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
    start = datetime(2026, 1, 1, tzinfo=UTC)
    runs = [
        moment
        for hour in range(3 * 7 * 24)
        for minute in schedule.minutes
        if _due(schedule, moment := start + timedelta(hours=hour, minutes=minute))
    ]

    assert longest_gap(schedule) == max(later - sooner for sooner, later in pairwise(runs))


def _due(schedule: CronSchedule, moment: datetime) -> bool:
    return (
        moment.minute in schedule.minutes
        and moment.hour in schedule.hours
        and moment.day in schedule.days
        and moment.month in schedule.months
        and moment.isoweekday() % 7 in schedule.weekdays
    )
