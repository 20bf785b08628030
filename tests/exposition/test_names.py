"""The table of families: what a linter and a reader of /metrics ask of it."""

from __future__ import annotations

import pytest
from prometheus_client.metrics_core import Metric

from gong_exporter.exposition.family import Family
from gong_exporter.exposition.names import (
    EXPORTER_FAMILIES,
    FAMILIES,
    SNAPSHOT_FAMILIES,
    USER_ACTIVITY,
)
from tests.support.exposition_collector import SnapshotCollector
from tests.support.exposition_metrics import busy_metrics
from tests.support.exposition_snapshots import snapshot


def by_name(families: list[Metric]) -> dict[str, Metric]:
    return {f.name + ("_total" if f.type == "counter" else ""): f for f in families}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_help_looks_the_same_in_both_formats(family: Family) -> None:
    assert family.help.endswith(".")
    assert not set(family.help) & set('"\\\n')


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_ends_in_total_exactly_if_it_is_a_counter(family: Family) -> None:
    assert family.name.endswith("_total") == (family.kind == "counter")


def test_the_activity_says_how_it_must_be_selected_and_where_it_comes_from() -> None:
    assert "one window and one metric" in USER_ACTIVITY.help
    assert "userAggregateActivityStats" in USER_ACTIVITY.help
    assert "last poll" in USER_ACTIVITY.help


def test_a_snapshot_shows_its_families_as_the_table_has_them_and_no_others() -> None:
    shown = by_name(list(SnapshotCollector(snapshot()).collect()))
    assert list(shown) == [family.name for family in SNAPSHOT_FAMILIES]
    for family in SNAPSHOT_FAMILIES:
        _check(family, shown[family.name])


def test_the_metrics_show_its_families_as_the_table_has_them_and_no_others() -> None:
    shown = by_name(list(busy_metrics().registry.collect()))
    assert set(shown) == {family.name for family in EXPORTER_FAMILIES}
    for family in EXPORTER_FAMILIES:
        _check(family, shown[family.name])


def _check(family: Family, shown: Metric) -> None:
    assert shown.type == family.kind
    assert shown.documentation == family.help
    assert {frozenset(sample.labels) - {"le"} for sample in shown.samples} == {
        frozenset(family.labels)
    }
