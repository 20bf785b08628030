"""The demo's own process, scraped by a real Prometheus, fills every panel."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.dashboards.pages import UIDS, dashboard, span, targets
from tests.support.dashboard_company import demo
from tests.support.dashboard_variables import Variables
from tests.support.servers import Prometheus, prometheus_scraping, until

pytestmark = pytest.mark.server("prometheus")

LATER = re.compile(r"_(observed|expected|usual|presence|last_active)_|26h")
"""What needs days: the day history, which is still being fetched, or Prometheus's own past."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the demo at least twice."""
    folder = tmp_path_factory.mktemp("live")
    with demo(folder) as address, prometheus_scraping(address, directory=folder) as server:
        server.await_scrape()
        scrapes = 'count_over_time(up{job="gong"}[1m])'
        until(lambda: server.query(scrapes)[0][1] >= 3, "three scrapes")
        yield server


@pytest.mark.parametrize("uid", UIDS)
def test_the_real_exporter_fills_the_dashboard(live: Prometheus, uid: str) -> None:
    variables = Variables(dashboard(uid)["templating"]["list"], live, time.time())
    empty = {name for name, options in variables.options.items() if not options}
    assert empty <= {"region", "listed", "away"}, (
        "a column that Gong has not; and days without people"
    )
    with suppress(AssertionError):  # the list says more
        until(lambda: not without_data(live, uid), "data for every query")
    assert without_data(live, uid) == []


def without_data(live: Prometheus, uid: str) -> list[str]:
    """Queries that the first minute of a demo should have answered, and did not.

    Asked at this moment: the steps of a range are aligned to the clock, and can all be before the
    first scrape.
    """
    page = dashboard(uid)
    variables = Variables(page["templating"]["list"], live, time.time())
    queries = {
        f"{target.panel} {target.ref}": target.put(variables, span(page))[0]
        for target in targets(page)
        if not LATER.search(target.expr)
    }
    return [f"{name}: {expr}" for name, expr in queries.items() if not live.query(expr)]
