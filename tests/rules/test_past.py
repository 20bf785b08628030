"""The rules over a backfilled past: they fire on the planted slump's days, and not before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gong_exporter.activity.windows import day_start
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.demo import demo_company
from gong_exporter.simulator.company.events import Event, EventKind
from tests.support.backfills import Rig, days_before
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger
from tests.support.rules_engine import assert_result
from tests.support.simulator import running_simulator
from tools.study.counts import OWN, company_days
from tools.study.engine import EXPRESSION, firing
from tools.study.feed import DAY, HOUR, Feed
from tools.study.plant import ZONE
from tools.study.rule import readings

TODAY = date(2026, 5, 25)
DAYS = 30
"""No night among them on which clocks change."""

FIRST = TODAY - timedelta(days=DAYS - 1)
SLUMP_ENDED = 4

pytestmark = pytest.mark.server("promtool")


@dataclass(frozen=True)
class Past:
    """A company of 48 people whose busiest representative slumped for two weeks.

    Attributes:
        company: whose.
        written: the backfill's OpenMetrics file.
    """

    company: SimulatedCompany
    written: Path


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    who = demo_company(ZONE, TODAY).events[0].user_ids[0]
    slump = Event(EventKind.SLUMP, who, 14, SLUMP_ENDED)
    company = SimulatedCompany(48, 20, ZONE, TODAY, [slump])
    clock = FakeClock(datetime(2026, 5, 25, 18, tzinfo=UTC))
    folder = tmp_path_factory.mktemp("past")
    with running_simulator(company, now=clock.datetime, monotonic=clock.monotonic) as simulator:
        rig = Rig(
            simulator,
            folder,
            clock,
            MemoryLedger(),
            labels=(("job", "gong"), ("instance", "localhost:14664")),
            zone=ZONE.key,
            metrics=OWN,
        )
        ((written, _),) = rig.run(days_before(DAYS, TODAY)).files
    return Past(company, written)


def held_for_the_day(written: Path) -> Feed:
    """Each sample of the file, from its midnight until the next one, in promtool's time."""
    begin = day_start(FIRST, ZONE)
    feed = Feed(12 * HOUR, DAYS * 2)
    text = written.read_text(encoding="utf-8")
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]  # it carries no types
        moved = begin if family.name.endswith("_timestamp_seconds") else 0
        for sample in family.samples:
            day = round((float(sample.timestamp) - begin) / DAY)
            steps = (2 * day, 2 * day + 1)
            feed.put(steps, sample.name, sample.value - moved, **sample.labels)
    return feed


def test_the_rules_fire_on_the_slumps_days_and_not_before(past: Past, tmp_path: Path) -> None:
    counted = list(readings(company_days(past.company, {FIRST: {}}, FIRST, DAYS)))
    days = list(company_days(past.company, {FIRST: {}}, FIRST, DAYS))
    (slump,) = past.company.events
    told = [
        each.day
        for each in counted
        if slump.user_ids[0] in {reading.subject for reading in each.dropped()}
    ]
    assert told
    assert min(told) > slump.start
    assert max(told) < slump.end + timedelta(days=7)
    expected = {
        number * DAY + 12 * HOUR: firing(each, day)
        for number, (each, day) in enumerate(zip(counted, days, strict=True))
    }
    assert_result(tmp_path, [held_for_the_day(past.written)], EXPRESSION, expected)
