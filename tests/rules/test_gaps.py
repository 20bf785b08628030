"""What is not the company's doing: gaps, restarts, stale and torn data, replicas, new addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.rules_engine import assert_firing, assert_result
from tests.support.rules_people import Someone, colleagues, story, weekdays
from tools.study.counts import Day
from tools.study.feed import DAY, HOUR, Feed, day_feed

pytestmark = pytest.mark.server("promtool")

STEP = 900
END = "gong_activity_window_end_timestamp_seconds"

ANN = Someone("ann", weekdays(6), team="EMEA").during(-7, 28, weekdays(1))
"""In a slump from the first day on: her drop fires at noon of it."""

PEOPLE = (ANN, *colleagues(5))
DROP = ("drop ann",)


def feed(days: Sequence[Day], instance: str = "a:1") -> Feed:
    return day_feed(days, STEP, instance=instance, shown={"1d": (), "7d": HOSTED, "28d": HOSTED})


HOSTED = ("calls_as_host",)


def test_it_fires_after_twelve_hours_and_not_before(tmp_path: Path) -> None:
    told = {12 * HOUR - STEP: (), 12 * HOUR: DROP, 23 * HOUR: DROP}
    assert_firing(tmp_path, [feed(story(PEOPLE, 1))], told)


def test_a_gap_in_scrapes_does_not_start_the_twelve_hours_again(tmp_path: Path) -> None:
    gap = feed(story(PEOPLE, 1))
    gap.erase(5 * HOUR, 6 * HOUR + 1800)
    assert_firing(tmp_path, [gap], {12 * HOUR - STEP: (), 12 * HOUR: DROP})


def test_a_restart_and_a_gap_do_not_resolve_what_fires(tmp_path: Path) -> None:
    gaps = feed(story(PEOPLE, 1))
    gaps.erase(14 * HOUR, 14 * HOUR + STEP)
    gaps.erase(16 * HOUR, 17 * HOUR + 2700)
    told = dict.fromkeys(range(12 * HOUR, 20 * HOUR, STEP), DROP)
    assert_firing(tmp_path, [gaps], told)


def test_after_a_long_gap_it_has_to_hold_for_twelve_hours_again(tmp_path: Path) -> None:
    gap = feed(story(PEOPLE, 2))
    gap.erase(13 * HOUR, 16 * HOUR)
    told = {13 * HOUR: DROP, 16 * HOUR: (), 28 * HOUR - STEP: (), 28 * HOUR: DROP}
    assert_firing(tmp_path, [gap], told)


def test_stale_data_end_it(tmp_path: Path) -> None:
    """The exporter still serves the first day's windows, a day and three hours after their end."""
    first = story(PEOPLE, 1)[0]
    frozen = feed([first, first])
    for (name, _), values in frozen.series.items():
        if name == END:
            values[:] = [0] * len(values)
    # Prometheus 3 leaves out the sample that is exactly as old as the rule's range, 2.x takes it.
    told = {26 * HOUR: DROP, 27 * HOUR + 1800: DROP, 28 * HOUR: ()}
    assert_firing(tmp_path, [frozen], told)


def test_windows_that_do_not_end_together_are_not_compared(tmp_path: Path) -> None:
    torn = feed(story(PEOPLE, 2))
    for (name, labels), values in torn.series.items():
        if name == END and ("window", "28d") in labels:
            values[: 10 * HOUR // STEP] = [-DAY] * (10 * HOUR // STEP)
    told = {12 * HOUR: (), 22 * HOUR - STEP: (), 22 * HOUR: DROP}
    assert_firing(tmp_path, [torn], told)


def test_the_team_and_the_address_come_from_the_replica_that_has_them(tmp_path: Path) -> None:
    days = story(PEOPLE, 1)
    bare = [replace(day, teams={}, emails={}) for day in days]
    firing = 'sum by (user, email, team) (ALERTS{alertstate="firing"})'
    ann = {"user": "ann", "email": "ann@acme.com", "team": "EMEA"}
    for number, feeds in enumerate(([days, bare], [bare, days])):
        folder = tmp_path / str(number)
        folder.mkdir()
        both = [feed(each, f"{name}:1") for name, each in zip("ab", feeds, strict=True)]
        assert_result(folder, both, firing, {12 * HOUR: [ann]})


def test_two_replicas_that_disagree_on_the_team_are_one_alert_all_the_time(tmp_path: Path) -> None:
    days = story(PEOPLE, 1)
    others = [replace(day, teams=dict.fromkeys(day.teams, "Sales")) for day in days]
    feeds = [feed(days, "a:1"), feed(others, "b:1")]
    one = 'count by (user) (ALERTS{alertname="GongUserActivityDrop", alertstate="firing"})'
    told = {at: [{"user": "ann"}] for at in range(12 * HOUR, DAY, STEP)}
    assert_result(tmp_path, feeds, one, told)


def test_two_replicas_are_not_counted_twice(tmp_path: Path) -> None:
    days = story(PEOPLE, 1)
    feeds = [feed(days, "a:1"), feed(days, "b:1")]
    calls = sum(day["calls_as_host"] for day in days[0].windows["7d"].values())
    total = f"metric:gong_user_activity:recent7d == bool {calls}"
    assert_result(tmp_path, feeds, total, {HOUR: [{"job": "gong", "metric": "calls_as_host"}]})


def test_of_two_replicas_the_one_that_is_ahead_counts(tmp_path: Path) -> None:
    """The second is still at the day before, when Ann had six calls more."""
    days = story([replace(ANN, spells=()).during(0, 28, weekdays(0)), *colleagues(5)], 3)
    ahead, behind = feed(days), feed([days[0], *days[:2]], "b:1")
    for (name, _), values in behind.series.items():
        if name == END:
            values[:] = [max(0.0, (value or 0) - DAY) for value in values]
    ann = 'user_metric:gong_user_activity:recent7d{user="ann"}'
    result = {"job": "gong", "metric": "calls_as_host", "user": "ann"}
    counts = [day.count("7d", "ann", "calls_as_host") for day in days]
    assert counts == [30, 24, 18]
    expected = {DAY + HOUR: 24, 2 * DAY + HOUR: 18}
    for at, count in expected.items():
        assert_result(tmp_path, [ahead, behind], f"{ann} == bool {count}", {at: [result]})


def test_somebody_whom_only_one_of_two_replicas_lists_has_alerts(tmp_path: Path) -> None:
    days = story(PEOPLE, 1)
    without = [replace(day, windows=_without("ann", day)) for day in days]
    assert_firing(tmp_path, [feed(without, "a:1"), feed(days, "b:1")], {12 * HOUR: DROP})


def test_a_new_address_is_the_alerts_new_label(tmp_path: Path) -> None:
    """The rules go on; the alert under the new label holds for its own twelve hours."""
    before, after = feed(story(PEOPLE, 2)), feed(story(PEOPLE, 2))
    for key in list(after.series):
        name, labels = key
        if dict(labels).get("user") == "ann":
            renamed = tuple(sorted({**dict(labels), "email": "ann@acme.example"}.items()))
            after.series[name, renamed] = after.series.pop(key)
    before.erase(20 * HOUR, 2 * DAY)
    after.erase(0, 20 * HOUR)
    firing = 'sum by (user, email) (ALERTS{alertstate="firing"})'
    told = {
        19 * HOUR: [{"user": "ann", "email": "ann@acme.com"}],
        31 * HOUR: [],
        32 * HOUR: [{"user": "ann", "email": "ann@acme.example"}],
    }
    assert_result(tmp_path, [_joined(before, after)], firing, told)


def test_two_companies_in_two_jobs_do_not_mix(tmp_path: Path) -> None:
    days = story(PEOPLE, 1)
    calm = story([replace(ANN, spells=()), *colleagues(5)], 1)
    shown = {"1d": (), "7d": HOSTED, "28d": HOSTED}
    feeds = [
        day_feed(days, STEP, job="gong-acme", shown=shown),
        day_feed(calm, STEP, job="gong-emca", shown=shown),
    ]
    firing = 'sum by (job, user) (ALERTS{alertstate="firing"})'
    assert_result(tmp_path, feeds, firing, {12 * HOUR: [{"job": "gong-acme", "user": "ann"}]})


def _without(user: str, day: Day) -> dict[str, dict[str, dict[str, int]]]:
    return {
        window: {each: dict(counts) for each, counts in users.items() if each != user}
        for window, users in day.windows.items()
    }


def _joined(one: Feed, other: Feed) -> Feed:
    """Both feeds' samples, where they share series too."""
    both = Feed(one.step, one.steps, dict(one.series))
    for key, values in other.series.items():
        before = both.series.get(key, [None] * one.steps)
        both.series[key] = [
            old if new is None else new for old, new in zip(before, values, strict=True)
        ]
    return both
