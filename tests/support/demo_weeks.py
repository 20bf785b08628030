"""The demo's company on three Mondays, as the digest reads it from a running exporter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gong_exporter.cli.demo_company import demo_company
from gong_exporter.digest.samples import Samples
from gong_exporter.digest.week import DigestWeek, read_week
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import EventKind
from tests.support.dashboard_company import MONDAYS
from tests.support.dashboard_history import Labels, braces, roster_of
from tests.support.dashboard_scores import Scores

ZONE = ZoneInfo("US/Pacific")


@lru_cache
def company_on(monday: str) -> SimulatedCompany:
    """The company on one of MONDAYS."""
    return demo_company(ZONE, MONDAYS[monday])


@lru_cache
def week_before(monday: str) -> DigestWeek:
    """What the exporter serves on the Monday at nine, as the digest reads it."""
    company = company_on(monday)
    now = datetime.combine(company.today, time(9), ZONE)
    return read_week(Samples(_lines(company, roster_of(company))), now.timestamp())


def _lines(company: SimulatedCompany, roster: Mapping[str, Labels]) -> Iterator[str]:
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
