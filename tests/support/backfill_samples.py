"""What is in an output, read by the client library's parsers; and what should be in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from gong_exporter.activity.snapshot import metric_name
from gong_exporter.activity.windows import day_start, parse_window
from gong_exporter.simulator.records import COUNTERS, ApiCompany

Series = tuple[str, frozenset[tuple[str, str]]]
Samples = dict[Series, dict[float, float]]
"""By series: the value at each Unix time in seconds."""

ACTIVITY = "gong_user_activity"


def read_output(path: Path) -> Samples:
    """Every sample of a file, read strictly: a series in two places or a time twice is an error."""
    text = path.read_text(encoding="utf-8")
    read: Callable[[str], Iterable[Metric]]
    read = read_openmetrics if text.endswith("# EOF\n") else read_text
    found: Samples = {}
    latest: Series | None = None
    for family in read(text):
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            if series != latest:
                assert series not in found, f"{series} is in two places"
                found[series] = {}
            latest = series
            assert sample.timestamp is not None
            at = float(sample.timestamp)  # both parsers hand on seconds
            times = found[series]
            assert not times or at > max(times), f"{series} is not in the order of time"
            times[at] = sample.value
    return found


def key(name: str, **labels: str) -> Series:
    """A series by name and labels."""
    return name, frozenset(labels.items())


def true_activity(
    company: ApiCompany,
    days: Iterable[date],
    windows: Iterable[str],
    *,
    known: Mapping[date, Iterable[str]] | None = None,
    **labels: str,
) -> Samples:
    """What ``gong_user_activity`` should be, from the company itself; one sample a day.

    Args:
        company: whose days were asked for.
        days: of publication.
        windows: their names.
        known: who has series on each day; None for everyone named in any of its windows.
        **labels: added to every series.
    """
    emails = {
        user.user_id: user.email for user in company.activity(date(2015, 1, 1), date(2027, 1, 1))
    }
    specs = [parse_window(name) for name in windows]
    found: Samples = {}
    for day in days:
        named: dict[str, dict[str, Mapping[str, int]]] = {}
        for spec in specs:
            reach = spec.range_on(day)
            active = () if reach.empty else company.activity(reach.start, reach.end)
            named[spec.name] = {user.user_id: user.counters for user in active}
        there = known[day] if known is not None else {u for users in named.values() for u in users}
        for user_id in there:
            for window, users in named.items():
                for counter in COUNTERS:
                    series = key(
                        ACTIVITY,
                        user=user_id,
                        email=emails[user_id],
                        metric=metric_name(counter),
                        window=window,
                        **labels,
                    )
                    value = users.get(user_id, {}).get(counter, 0)
                    found.setdefault(series, {})[day_start(day, company.time_zone)] = value
    return found


def activity(samples: Samples) -> Samples:
    """The part of ``gong_user_activity``."""
    return {series: times for series, times in samples.items() if series[0] == ACTIVITY}


def every_day(first: date, last: date) -> list[date]:
    """The days from first to last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
