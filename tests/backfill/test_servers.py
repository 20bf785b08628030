"""What real servers make of a backfill, against what the simulated company really did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.snapshot import metric_name
from gong_exporter.activity.windows import day_start, parse_window
from gong_exporter.backfill.output import TextFormat
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.backfill_samples import Samples, every_day, key
from tests.support.backfill_servers import KEEP, everything, make_blocks, stored, take_text
from tests.support.backfills import Rig, days_before
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger
from tests.support.servers import Prometheus, prometheus
from tests.support.simulator import running_simulator
from tests.support.victoria import victoria_metrics

pytestmark = pytest.mark.server("prometheus", "promtool", "victoria-metrics")

ZONE = ZoneInfo("US/Pacific")
TODAY = date(2025, 11, 12)
DAYS = 32  # with the one of 25 hours, November 2nd
WINDOWS = ("1d", "7d", "28d")
LABELS = {"job": "gong", "instance": "localhost:14664"}


@dataclass(frozen=True)
class Past:
    """A company's past, backfilled in both forms.

    Attributes:
        company: whose.
        openmetrics: a pattern of the month files.
        text: the file for VictoriaMetrics.
        users: by id, everybody with series.
    """

    company: SimulatedCompany
    openmetrics: tuple[Path, ...]
    text: Path
    users: dict[str, str]

    @property
    def end(self) -> float:
        """When the last day's windows opened."""
        return day_start(TODAY, ZONE)

    def truth(self) -> Samples:
        """Every user, counter and window of every day, from the company's own books."""
        found: Samples = {}
        for day in every_day(days_before(DAYS, TODAY).first, TODAY):
            at = day_start(day, ZONE)
            for user_id, email in self.users.items():
                counts = {}
                for window in WINDOWS:
                    reach = parse_window(window).range_on(day)
                    counts[window] = self.company.truth(user_id, reach.start, reach.end)
                if not any(any(each.values()) for each in counts.values()):
                    continue  # Gong names no user without activity: not known on that day
                for window, counters in counts.items():
                    for name, value in counters.items():
                        labels = {
                            "metric": metric_name(name),
                            "window": window,
                            "user": user_id,
                            "email": email,
                        }
                        series = key("gong_user_activity", **labels, **LABELS)
                        found.setdefault(series, {})[at] = value
        return found


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    company = SimulatedCompany(10, 20, ZONE, TODAY)
    clock = FakeClock(datetime(2025, 11, 12, 18, tzinfo=UTC))
    folder = tmp_path_factory.mktemp("past")
    with running_simulator(company, now=clock.datetime, monotonic=clock.monotonic) as simulator:
        rig = Rig(
            simulator, folder, clock, MemoryLedger(), labels=tuple(LABELS.items()), zone=ZONE.key
        )
        days = days_before(DAYS, TODAY)
        months = replace(rig, output="%Y-%m.om").run(days)
        text = replace(rig, output="history.txt", text_format=TextFormat.PROMETHEUS).run(days)
    first = company.activity(*(parse_window("400d").range_on(TODAY).start, TODAY))
    users = {user.user_id: user.email for user in first}
    return Past(
        company=company,
        openmetrics=tuple(path for path, _ in months.files),
        text=text.files[0][0],
        users=users,
    )


@pytest.fixture(scope="module")
def served(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    for path in past.openmetrics:
        make_blocks(path, folder / "data", "--max-block-duration=768h")
    with prometheus(folder, {}, KEEP) as server:
        yield server


def test_prometheus_has_every_value_of_every_user_on_every_day(
    past: Past, served: Prometheus
) -> None:
    assert len(past.openmetrics) == 2
    found = everything(served, "gong_user_activity", DAYS + 1, past.end)
    truth = past.truth()
    assert len(truth) > 10 * 45
    assert found == truth


def test_victoria_metrics_has_the_same(past: Past, served: Prometheus, tmp_path: Path) -> None:
    truth = past.truth()
    with victoria_metrics(tmp_path, "-retentionPeriod=100y") as victoria:
        take_text(victoria, past.text)
        assert stored(victoria, "gong_user_activity") == truth
        for family in ("gong_user_info", 'gong_activity_window_end_timestamp_seconds{window="7d"}'):
            assert stored(victoria, family) == everything(served, family, DAYS + 1, past.end)
        weekly = 'sum by (metric) (last_over_time(gong_user_activity{window="7d"}[26h]))'
        for hours in (0, 13, 24 * 12 + 5):
            at = past.end - hours * 3600
            assert _by_metric(victoria, weekly, at) == _by_metric(served, weekly, at)


def _by_metric(server: Prometheus, expression: str, at: float) -> dict[str, float]:
    found = {labels["metric"]: value for labels, value in server.query(expression, at)}
    assert len(found) == 15
    return found


def test_daily_samples_draw_an_unbroken_line_also_over_a_day_of_25_hours(
    past: Past, served: Prometheus
) -> None:
    users = 'count(last_over_time(gong_user_info{job="gong"}[26h]))'
    first = day_start(days_before(DAYS, TODAY).first, ZONE)
    hours = range(int(first), int(past.end), 3600)
    counts = [served.query(users, at) for at in hours]
    assert [found for found in counts if not found] == []
    windows = "count(last_over_time(gong_activity_window_end_timestamp_seconds[26h]))"
    assert {served.query(windows, at)[0][1] for at in hours} == {3.0}


def test_the_windows_of_each_day_end_as_it_begins(past: Past, served: Prometheus) -> None:
    for window in WINDOWS:
        for edge in ("start", "end"):
            name = f"gong_activity_window_{edge}_timestamp_seconds"
            ((_, times),) = everything(
                served, f'{name}{{window="{window}"}}', DAYS + 1, past.end
            ).items()
            for at, value in times.items():
                day = datetime.fromtimestamp(at, ZONE).date()
                reach = parse_window(window).range_on(day)
                assert value == day_start(getattr(reach, edge), ZONE)
            assert len(times) == DAYS


def test_a_drop_is_seen_in_the_past_as_it_would_have_been(past: Past, served: Prometheus) -> None:
    """The rule of the docs, at a moment of the past, is the company's own arithmetic."""
    ratio = (
        'last_over_time(gong_user_activity{metric="calls_as_host",window="7d"}[26h])'
        " / ignoring(window)"
        ' ((last_over_time(gong_user_activity{metric="calls_as_host",window="28d"}[26h])'
        " - ignoring(window)"
        ' last_over_time(gong_user_activity{metric="calls_as_host",window="7d"}[26h])) / 3)'
    )
    day = date(2025, 10, 30)
    found = {labels["user"]: value for labels, value in served.query(ratio, day_start(day, ZONE))}
    checked = 0
    for user_id, value in found.items():
        week, month = (
            past.company.truth(user_id, parse_window(w).range_on(day).start, day)["callsAsHost"]
            for w in ("7d", "28d")
        )
        if month > week:
            assert value == pytest.approx(week / ((month - week) / 3))
            checked += 1
        else:
            assert math.isnan(value) or math.isinf(value)
    assert checked > 3
