"""The digest of the demo's company on three Mondays: who is on it, and what each format says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gong_exporter.cli.demo_company import SLUMPS
from gong_exporter.digest.content import Digest, make_digest
from gong_exporter.digest.html import as_html
from gong_exporter.digest.plain import as_markdown, as_slack, as_text
from gong_exporter.simulator.company.events import EventKind
from tests.support.dashboard_company import MONDAYS
from tests.support.demo_weeks import company_on, planted, week_before

ABSENCES = (EventKind.SILENT, EventKind.TEAM_SILENT)
FIRST = 5


@pytest.mark.parametrize("monday", MONDAYS)
def test_the_person_with_a_drop_is_first_and_all_others_have_one(monday: str) -> None:
    dropped = [person.labels["user"] for person in week_before(monday).dropped]
    slump, *_ = company_on(monday).events
    assert dropped[0] in slump.user_ids
    assert set(dropped) <= planted(monday, *SLUMPS)


@pytest.mark.parametrize("monday", MONDAYS)
def test_whoever_is_on_leave_or_holiday_is_not_among_the_first(monday: str) -> None:
    first = {person.labels["user"] for person in week_before(monday).dropped[:FIRST]}
    absent = planted(monday, *ABSENCES) - planted(monday, *SLUMPS)
    assert not first & absent


@pytest.mark.parametrize("monday", MONDAYS)
def test_the_team_with_a_drop_is_first(monday: str) -> None:
    _, slump, *_ = company_on(monday).events
    team = week_before(monday).teams[0]
    assert team.is_down
    assert team.name == slump.event.who


@pytest.mark.parametrize("monday", MONDAYS)
@pytest.mark.parametrize("as_format", [as_text, as_markdown, as_html, as_slack])
def test_the_first_is_named_with_team_manager_numbers_and_reason(
    monday: str, as_format: Callable[[Digest], str]
) -> None:
    week = week_before(monday)
    first = week.dropped[0]
    text = as_format(make_digest(week, 10))
    if as_format is as_slack:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    text = " ".join(text.replace("\\", "").split())
    assert first.week
    assert first.week.expected
    for part in (
        first.labels["name"],
        f"({first.team}, manager {first.labels['manager']}): {first.week.observed:.0f} call",
        f"in the last 7 days, about {first.week.expected:.0f} expected",
        f"Active on {first.active_days} of the last 7 days.",
    ):
        assert part in text
    said = {"activity_down": "Less activity overall.", "hosting_down": "Hosting fell most: "}
    assert said[first.reason] in text
