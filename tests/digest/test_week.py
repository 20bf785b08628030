"""From samples to the week: who is listed, in which order, and when there is no week."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.digest.samples import NoWeekError, Samples, teams_in
from gong_exporter.digest.week import DigestWeek, read_week
from tests.support.rules_samples import Sample, company, exposition, person, team

END = datetime(2026, 3, 9, tzinfo=ZoneInfo("US/Pacific")).timestamp()
NOW = END + 10 * 3600


def history(end: float | None = END, ratio: float = 1.0) -> list[Sample]:
    found = [Sample("gong_activity_history_ratio", {}, ratio)]
    if end is not None:
        found.append(Sample("gong_activity_history_end_timestamp_seconds", {}, end))
    return found


def week(*samples: list[Sample], only: str = "", now: float = NOW) -> DigestWeek:
    every = [each for part in (history(), *samples) for each in part]
    return read_week(Samples([exposition(every)]), now, only)


def dropped(found: DigestWeek) -> list[str]:
    return [each.labels["user"] for each in found.dropped]


def silent(found: DigestWeek) -> list[str]:
    return [each.labels["user"] for each in found.silent]


def test_the_rarest_drop_comes_first_and_chance_is_left_out() -> None:
    found = week(
        person("ann", years=12),
        person("ben", years=1, hosting_years=60),
        person("cleo", years=9),
        person("dan", years=9.1),
    )
    assert dropped(found) == ["ben", "ann", "dan"]
    assert silent(found) == []


def test_drops_of_a_hundred_years_are_ordered_by_evidence() -> None:
    found = week(
        person("ann", years=100, evidence=8.9),
        person("ben", hosting_years=100, evidence=14.5),
        person("cleo", years=99, evidence=20.0),
        person("dan", years=100, evidence=11.0, window="14d"),
    )
    assert dropped(found) == ["ben", "dan", "ann", "cleo"]


def test_people_who_did_nothing_are_apart_if_they_usually_do_something() -> None:
    found = week(
        person("ann", active_days=(0, 5)),
        person("ben", active_days=(0, 4)),
        person("cleo", active_days=(0, 15), years=60),
        person("dan", active_days=(1, 15)),
    )
    assert silent(found) == ["cleo", "ann"]
    assert dropped(found) == []


def test_people_who_are_not_active_are_left_out() -> None:
    found = week(
        person("ann", years=60, active="false"),
        person("ben", active_days=(0, 15), active="false"),
        person("cleo", years=60, active="true"),
        person("dan", years=60, active=""),
    )
    assert (dropped(found), silent(found)) == (["cleo", "dan"], [])


def test_a_team_leaves_out_everybody_else() -> None:
    samples = [
        person("ann", years=60, team="EMEA"),
        person("ben", years=60, team="APAC"),
        person("cleo", years=60),
        person("dan", active_days=(0, 15), team="APAC"),
        team("EMEA", 9),
        team("APAC", 3),
        company(10, 100),
    ]
    found = week(*samples)
    assert [each.name for each in found.teams] == ["EMEA", "APAC"]
    assert [each.is_down for each in found.teams] == [True, False]
    found = week(*samples, only="EMEA")
    assert [each.name for each in found.teams] == ["EMEA"]
    assert (dropped(found), silent(found)) == (["ann"], [])
    assert found.company is not None
    without_label = [Sample("gong_team_drop_evidence", {"window": "7d"}, 1)]
    every = Samples([exposition(each for part in [*samples, without_label] for each in part)])
    assert teams_in(every) == ["APAC", "EMEA"]


def test_teams_with_an_alert_come_first_and_then_the_lowest() -> None:
    found = week(
        team("calm", 6, observed=92, expected=100),
        team("tiny", 7, observed=0, expected=4),
        team("low", 1, observed=60, expected=100),
        team("down", 9, observed=50, expected=100),
        team("further down", 12, observed=70, expected=100),
        team("above", -3, observed=130, expected=100),
    )
    names = [each.name for each in found.teams]
    assert names == ["further down", "down", "low", "calm", "above", "tiny"]


def test_without_scores_of_people_there_are_teams_and_the_company() -> None:
    info = [Sample("gong_user_info", {"user": "1", "email": "a@b.example"}, 1)]
    found = week(info, team("EMEA", 9), company(90, 100))
    assert not found.people_scored
    assert len(found.teams) == 1
    assert week(person("ann")).people_scored


@pytest.mark.parametrize(
    "zone", ["Pacific/Honolulu", "US/Pacific", "UTC", "Asia/Kolkata", "Pacific/Auckland"]
)
@pytest.mark.parametrize("month", range(1, 13))
def test_the_days_are_those_of_the_company(zone: str, month: int) -> None:
    for day in range(1, 29):
        midnight = datetime(2026, month, day, tzinfo=ZoneInfo(zone))
        end = midnight.timestamp()
        every = [*history(end), *person("ann"), Sample(LAST, {"user": "ann", "email": ""}, end)]
        found = read_week(Samples([exposition(every)]), end)
        last_day = date(2026, month, day).toordinal() - 1
        assert found.last_day.toordinal() == last_day
        assert found.first_day.toordinal() == last_day - 6


LAST = "gong_user_last_active_timestamp_seconds"


@pytest.mark.parametrize(
    ("samples", "now", "message"),
    [
        ([], NOW, "has no data from Gong yet, or is not a gong-exporter"),
        (person("ann"), NOW, "drop detection is off"),
        ([*history(), *person("ann")], END + 28 * 3600, "newest day ended 28 hours ago"),
        (history(END - 3 * 86400), NOW, "newest day ended 82 hours ago"),
        (history(None, 0), NOW, r"still fetching its day history \(0% of 84 days are known\)"),
        (history(END, 0.1), NOW, r"still fetching its day history \(10% of 84"),
        (
            [*history(END, 0.6), Sample(LAST, {"user": "ann", "email": ""}, END)],
            NOW,
            r"still fetching its day history \(60% of 84",
        ),
    ],
)
def test_without_a_week_the_reason_is_named(
    samples: list[Sample], now: float, message: str
) -> None:
    with pytest.raises(NoWeekError, match=message):
        read_week(Samples([exposition(samples)]), now)


@pytest.mark.parametrize("text", ["<html>\n", 'gong_up{job="a} 1\n', "gong_up one\n"])
def test_another_format_is_named(text: str) -> None:
    with pytest.raises(NoWeekError, match="text format"):
        Samples([text])


INFO = Sample("gong_user_info", {"email": "a@b.example"}, 1)
NAN = Sample("gong_user_presence_ratio", {"user": "ann", "window": "7d"}, math.nan)
NEVER = Sample("gong_user_last_active_timestamp_seconds", {"user": "ann"}, 1e300)


@pytest.mark.parametrize("sample", [INFO, NAN, NEVER])
def test_metrics_that_another_program_serves_are_refused(sample: Sample) -> None:
    with pytest.raises(NoWeekError, match="not those of a gong-exporter"):
        week(person("ann"), [sample])


def test_the_limit_of_staleness_is_the_one_of_the_alert() -> None:
    assert week(person("ann"), now=END + 27 * 3600).last_day == date(2026, 3, 8)
