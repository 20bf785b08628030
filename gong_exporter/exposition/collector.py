"""A snapshot as families of the client library: what the fast renderer has to equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from gong_exporter.activity.snapshot import Snapshot
from gong_exporter.exposition.names import (
    ACTIVITY_USERS,
    USER_ACTIVITY,
    USER_INFO,
    WINDOW_END,
    WINDOW_START,
    label_value,
)


class Collected:
    """Families already collected, as what the client library's ``generate_latest`` takes."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """See the client library's Collector."""
        return self._families


class SnapshotCollector:
    """Yields fresh families with the samples of one snapshot, in its order.

    Slow for thousands of users (seconds per scrape), and plain to read: tests hold ``render``
    to it. Families without samples are left out.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """See the client library's Collector."""
        yield from window_families(self._snapshot)
        for family in (_user_info(self._snapshot), _user_activity(self._snapshot)):
            if family.samples:
                yield family


def window_families(snapshot: Snapshot) -> Iterable[Metric]:
    """The families that have a few samples per window, however many users there are."""
    if not snapshot.windows:
        return ()
    start, end, users = WINDOW_START.gauge(), WINDOW_END.gauge(), ACTIVITY_USERS.gauge()
    for window in snapshot.windows:
        name = label_value(window.window)
        start.add_metric((name,), window.start_timestamp)
        end.add_metric((name,), window.end_timestamp)
        active = snapshot.active(window)
        users.add_metric((name, "active"), active)
        users.add_metric((name, "inactive"), len(snapshot.users) - active)
        users.add_metric((name, "unknown"), len(snapshot.unknown))
    return start, end, users


def _user_info(snapshot: Snapshot) -> GaugeMetricFamily:
    names = USER_INFO.labels + snapshot.label_names
    info = GaugeMetricFamily(USER_INFO.name, USER_INFO.help, labels=names)
    for user in snapshot.users:
        columns = dict(user.labels)
        values = (user.user_id, user.email, *(columns.get(n, "") for n in snapshot.label_names))
        info.add_metric([label_value(value) for value in values], 1)
    return info


def _user_activity(snapshot: Snapshot) -> GaugeMetricFamily:
    """User by user and not window by window: lines of one person next to each other compress."""
    activity = USER_ACTIVITY.gauge()
    columns = [(window, snapshot.columns(window)) for window in snapshot.windows]
    for user in snapshot.users:
        who = (label_value(user.user_id), label_value(user.email))
        for window, places in columns:
            values = window.users.get(user.user_id)
            for place, metric in places:
                value = 0 if values is None else values[place]
                if value is not None:
                    labels = (*who, label_value(metric), label_value(window.window))
                    activity.add_metric(labels, value)
    return activity
