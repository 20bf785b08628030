"""The study: its arithmetic is the rules', and its verdicts are what they say."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind
from tests.support.rules_engine import ACTIVITY
from tests.support.rules_people import Someone, colleagues, story, weekdays
from tests.support.servers import need
from tools.study import rule
from tools.study.counts import OWN, WATCHED, company_days, monthly_rosters
from tools.study.engine import compare
from tools.study.plant import ZONE, study
from tools.study.rule import Reading, readings
from tools.study.score import Planted, episodes, score

TODAY = date(2026, 11, 1)
USERS, DAYS, SEED = 30, 90, 20


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ACTIVITY.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


@pytest.mark.server("promtool")
def test_the_engine_fires_what_the_study_counts_on_every_day(tmp_path: Path) -> None:
    """30 users, 90 days, one person and one team in a slump: ``make study`` in small."""
    first = TODAY - timedelta(days=DAYS - 1)
    calm = SimulatedCompany(USERS, SEED, ZONE, TODAY)
    start = TODAY - timedelta(days=48)
    before = start - timedelta(days=28)
    busiest = max(
        (person for person in calm.people if person.hired < first and person.left > TODAY),
        key=lambda person: calm.truth(person.user_id, before, start)["callsAsHost"],
    )
    events = (
        Event(EventKind.SLUMP, busiest.user_id, 14, 34),
        Event(EventKind.TEAM_SLUMP, calm.teams[0], 10, 2),
    )
    company = SimulatedCompany(USERS, SEED, ZONE, TODAY, events)
    days = tuple(
        company_days(company, monthly_rosters(calm, USERS, SEED, first, DAYS), first, DAYS)
    )
    counted = list(readings(days))
    assert compare(need("promtool"), tmp_path, days, counted) == ""
    fired = [
        day.day for day in counted if busiest.user_id in {each.subject for each in day.dropped()}
    ]
    slump = company.events[0]
    assert slump.start == start
    assert fired
    assert all(slump.start < day < slump.end + timedelta(days=7) for day in fired)
    assert any(day.teams_dropped() for day in counted)
    assert any(day.silent() for day in counted)


@pytest.mark.server("promtool")
def test_the_comparison_sees_a_difference(tmp_path: Path) -> None:
    """Nothing fires by the engine where by these readings something should."""
    days = story([Someone("ann", weekdays(6)), *colleagues(3)], 2)
    wrong = [
        replace(each, users=tuple(replace(one, recent=0) for one in each.users))
        for each in readings(days)
    ]
    assert "GongUserGoneSilent" in compare(need("promtool"), tmp_path, days, wrong)


@pytest.mark.parametrize(
    ("record", "thresholds"),
    [
        ("metric:gong_user_drop_sigmas:threshold", rule.USER_SIGMAS),
        ("metric:gong_user_drop_alone_sigmas:threshold", rule.USER_ALONE_SIGMAS),
        ("metric:gong_user_drop_usual:threshold", rule.USER_USUAL),
        ("metric:gong_team_drop_sigmas:threshold", rule.TEAM_SIGMAS),
    ],
)
def test_the_studys_thresholds_are_the_rules(record: str, thresholds: dict[str, float]) -> None:
    found = {
        each["labels"]["metric"]: float(each["expr"].removeprefix("vector(").removesuffix(")"))
        for each in rules()
        if each.get("record") == record
    }
    assert found == thresholds


def test_the_selectors_of_the_rules_name_the_studys_metrics() -> None:
    named = {
        tuple(match.split("|"))
        for each in rules()
        for match in re.findall(r'metric=~"([^"]+)"', each["expr"])
    }
    assert named == {WATCHED, OWN}


def test_a_study_is_the_same_again_and_plants_what_it_says() -> None:
    once, again = (study(60, 60, SEED, TODAY) for _ in range(2))
    assert once.users == again.users
    assert once.teams == again.teams
    assert len(once.days) == 60
    assert len({each.subject for each in once.users}) > 1
    assert all(each.start < each.end <= TODAY for each in once.users)


READING = Reading(TODAY, "ann", "calls_as_host", recent=4, usual=30, expected=24)


def test_sigmas_are_of_the_week_and_of_the_three_weeks_before() -> None:
    assert READING.sigmas == pytest.approx(20 / math.sqrt(24 + 24**2 / 90))
    full = replace(READING, expected=30)
    assert full.sigmas == full.plain_sigmas == pytest.approx(26 / math.sqrt(40))


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"recent": 13}, False),  # more than half
        ({"usual": 11, "expected": 11, "recent": 0}, False),  # too little to begin with
        ({"present": 2}, False),  # away
        ({"present": 3}, True),
        ({"others": 0.4}, True),
        ({"others": 0.6}, False),  # all else holds up, and it is 3.7 sigmas
        ({"others": 0.6, "recent": 0}, True),
    ],
)
def test_a_reading_is_a_drop_or_not(change: dict[str, Any], fires: bool) -> None:  # noqa: FBT001 -- a column of the table
    assert replace(READING, **change).below(3, 12, 4) is fires


@given(
    recent=st.integers(0, 200),
    usual=st.integers(0, 600).map(lambda thirds: thirds / 3),
    lull=st.floats(0, 1),
    k=st.floats(1, 5),
)
def test_a_drop_is_one_by_the_usual_alone_too(
    recent: int, usual: float, lull: float, k: float
) -> None:
    """Reckoning chance from what was to be expected only ever asks for more."""
    reading = Reading(TODAY, "ann", "calls_as_host", recent, usual, usual * lull)
    if reading.below(k):
        assert recent < usual * min(1, lull) / 2
        assert reading.plain_sigmas > k * (1 - 1e-9)


def test_firing_days_close_together_are_one_episode() -> None:
    days = [TODAY + timedelta(days=n) for n in (0, 1, 4, 8)]
    assert episodes(days) == [(days[0], days[2]), (days[3], days[3])]


def test_an_episode_is_true_leaving_or_false() -> None:
    planted = [
        Planted("ann", TODAY, TODAY + timedelta(days=10), {"calls_as_host": 20}),
        Planted("ben", TODAY, TODAY + timedelta(days=10), {"calls_as_host": 20}),
        Planted("dan", TODAY, TODAY + timedelta(days=10), {"calls_as_host": 4}),
    ]

    def day(number: int) -> date:
        return TODAY + timedelta(days=number)

    firing = {
        ("ann", "calls_as_host"): [day(-30), day(5), day(6), day(16), day(40)],
        ("ann", "calls_attended"): [day(5)],
        ("cleo", "calls_as_host"): [day(-10)],
    }
    result = score(firing, planted, "calls_as_host", 12, {"cleo": TODAY})
    assert (result.true, result.leaving, result.false) == (2, 1, 2)
    assert (result.found, result.scope, result.delays) == (1, 2, (5,))
    assert (result.precision, result.recall, result.delay) == (0.5, 0.5, 5)
