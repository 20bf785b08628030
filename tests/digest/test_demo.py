"""The digest of the demo's company on three Mondays: who is on it, and what each format says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.cli.demo_company import SLUMPS, demo_company
from gong_exporter.digest.content import make_digest
from gong_exporter.digest.html import as_html
from gong_exporter.digest.plain import as_markdown, as_slack, as_text
from gong_exporter.digest.samples import Samples
from gong_exporter.digest.week import DigestWeek, read_week
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import EventKind
from tests.support.dashboard_company import MONDAYS
from tests.support.dashboard_history import Labels, braces, roster_of
from tests.support.dashboard_scores import Scores

ZONE = ZoneInfo("US/Pacific")
ABSENCES = (EventKind.SILENT, EventKind.TEAM_SILENT)
FIRST = 5


@lru_cache
def company_on(monday: str) -> SimulatedCompany:
    return demo_company(ZONE, MONDAYS[monday])


@lru_cache
def week_before(monday: str) -> DigestWeek:
    """What the exporter serves on the Monday at nine, as the digest reads it."""
    company = company_on(monday)
    now = datetime.combine(company.today, time(9), ZONE)
    return read_week(Samples(lines(company, roster_of(company))), now.timestamp())


def lines(company: SimulatedCompany, roster: Mapping[str, Labels]) -> Iterator[str]:
    known = company.activity(company.today - timedelta(days=28), company.today)
    emails = {user.user_id: user.email for user in known}
    for user, email in emails.items():
        labels = {"user": user, "email": email, **roster.get(user, {})}
        yield f"gong_user_info{braces(labels)} 1\n"
    for series, value in Scores(company, roster).samples(company.today, emails):
        yield f"{series} {value!r}\n"


def planted(monday: str, *kinds: EventKind) -> set[str]:
    """Who is meant by such events of the company."""
    events = (event for event in company_on(monday).events if event.event.kind in kinds)
    return {user for event in events for user in event.user_ids}


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
    monday: str, as_format: object
) -> None:
    week = week_before(monday)
    first = week.dropped[0]
    text = as_format(make_digest(week, 10))  # type: ignore[operator]
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
    said = {"activity_down": "Less of everything.", "hosting_down": "Hosting fell most: "}
    assert said[first.reason] in text
