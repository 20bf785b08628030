"""A real Prometheus with the past of three companies in it, on a fixed day, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.cli.demo_company import demo_company
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.dashboards.pages import dashboard
from tests.support.dashboard_company import load
from tests.support.dashboard_history import History, Labels, roster_of
from tests.support.dashboard_scores import Scores
from tests.support.dashboard_variables import Variables
from tests.support.servers import Prometheus, prometheus

ZONE = ZoneInfo("US/Pacific")
TODAY = date(2026, 3, 16)
NOW = datetime.combine(TODAY, time(9), ZONE)
DAYS = 16
SMALL = 14

DEMO, REPLICAS, BARE = "demo", "replicas", "bare"
"""The demo's company; a small one scraped by two replicas that disagree; and without a roster."""

CHANGED = "new.address@example.com"
OTHER_TEAM = "A Team of One Replica"

Roster = Mapping[str, Labels]


@dataclass(frozen=True)
class Past:
    """A Prometheus that knows the past.

    Attributes:
        prometheus: the server.
        demo: the company of job ``demo``.
        small: the company of the other jobs.
        moved: the user whom one replica has in another team, with another address.
        resolved: variables that were asked for before.
    """

    prometheus: Prometheus
    demo: SimulatedCompany
    small: SimulatedCompany
    moved: str
    resolved: dict[tuple[object, ...], Variables] = field(default_factory=dict)

    def variables(self, uid: str, **chosen: str) -> Variables:
        """A dashboard's variables, with what the viewer chose."""
        key = (uid, *sorted(chosen.items()))
        if key not in self.resolved:
            models = dashboard(uid)["templating"]["list"]
            self.resolved[key] = Variables(models, self.prometheus, NOW.timestamp(), chosen)
        return self.resolved[key]


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Sixteen days of three companies."""
    folder = tmp_path_factory.mktemp("past")
    demo = demo_company(ZONE, TODAY)
    small = SimulatedCompany(SMALL, 5, ZONE, TODAY)
    moved = small.activity(date(2026, 3, 9), TODAY)[0].user_id
    roster = roster_of(small)
    other = {**roster, moved: {**roster[moved], "team": OTHER_TEAM}}

    def past_of(company: SimulatedCompany, labels: Labels, roster: Roster) -> History:
        scores = Scores(company, roster)
        return History(company, DAYS, NOW, labels, roster, hours=2, scores=scores, scored=DAYS)

    nameless = dict.fromkeys(small.user_ids, "")
    histories = [
        past_of(demo, target(DEMO, "a:1"), roster_of(demo)),
        past_of(small, target(REPLICAS, "a:1"), roster),
        replace(past_of(small, target(REPLICAS, "b:1"), other), emails={moved: CHANGED}),
        replace(past_of(small, target(BARE, "a:1"), {}), emails=nameless),
    ]
    for history in histories:
        load(history, folder)
    with prometheus(folder, {}, "--storage.tsdb.retention.time=100y") as server:
        yield Past(server, demo, small, moved)


def target(job: str, instance: str) -> Mapping[str, str]:
    """Labels of a scrape target."""
    return {"job": job, "instance": instance}
