"""A snapshot as families of the client library: the fast renderer has to produce the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from gong_exporter.activity.snapshot import Snapshot
from gong_exporter.exposition.family import label_value
from gong_exporter.exposition.names import USER_ACTIVITY, USER_INFO
from gong_exporter.exposition.render import window_families


class SnapshotCollector:
    """Yields fresh families with the samples of one snapshot, in its order.

    It is simple and slow (seconds per scrape for thousands of users). Tests compare ``render`` with
    it. Families without samples are left out.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """See the client library's Collector."""
        yield from window_families(self._snapshot)
        for family in (_user_info(self._snapshot), _user_activity(self._snapshot)):
            if family.samples:
                yield family


def _user_info(snapshot: Snapshot) -> GaugeMetricFamily:
    columns_of_one = dict(snapshot.users[0].labels) if snapshot.users else {}
    names = ("active", *(name for name in columns_of_one if name != "active"))
    info = GaugeMetricFamily(USER_INFO.name, USER_INFO.help, labels=("user", "email", *names))
    for user in snapshot.users:
        columns = dict(user.labels)
        values = (user.user_id, user.email, *(columns.get(name, "") for name in names))
        info.add_metric([label_value(value) for value in values], 1)
    return info


def _user_activity(snapshot: Snapshot) -> GaugeMetricFamily:
    """User by user and not window by window: lines of one person next to each other compress."""
    activity = USER_ACTIVITY.gauge()
    columns = [(window, snapshot.columns(window)) for window in snapshot.windows]
    for user in snapshot.users:
        who = (label_value(user.user_id), label_value(user.email))
        for window, indexes in columns:
            values = window.users.get(user.user_id)
            for index, metric in indexes:
                value = 0 if values is None else values[index]
                if value is not None:
                    labels = (*who, label_value(metric), label_value(window.window))
                    activity.add_metric(labels, value)
    return activity
