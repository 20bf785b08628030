"""What is served is read by the programs that people use: promtool, curl, a real Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families as text_families

from gong_exporter.activity.snapshot import Snapshot, User
from gong_exporter.exposition.body import Exposition, once_text
from tests.support.exposition_collector import SnapshotCollector
from tests.support.exposition_metrics import busy_metrics
from tests.support.exposition_snapshots import AWKWARD, snapshot, window
from tests.support.servers import need, prometheus_scraping, promtool
from tests.support.web_site import LiveSite, serving


@pytest.fixture(scope="module")
def odd_snapshot() -> Snapshot:
    """Everything that an address or a column can do to a parser, 20-digit ids, large counts."""
    ids = [str(90_000_000_000_000_000_000 + place) for place in range(len(AWKWARD))]
    metrics = ("calls_as_host", "calls_attended")
    week = window("7d", {ids[0]: (1_234_567, 2**53), ids[1]: (999_999, None)}, metrics)
    return Snapshot(
        windows=(window("1d", {ids[2]: (3, 4)}, metrics, days=1), week),
        users=tuple(
            User(user_id=i, email=f"{odd}@acme.example", labels=(("team", odd),))
            for i, odd in zip(ids, AWKWARD, strict=True)
        ),
        unknown=("nobody@acme.example",),
    )


def exposition_of(shown: Snapshot) -> Exposition:
    live = [
        busy_metrics().registry,
        ProcessCollector(registry=None),
        PlatformCollector(registry=None),
    ]
    exposition = Exposition(live, monotonic=lambda: 0.0)
    exposition.publish(shown)
    return exposition


@pytest.mark.server("promtool")
def test_promtool_has_nothing_to_say(odd_snapshot: Snapshot) -> None:
    for text in (
        b"".join(exposition_of(odd_snapshot).body(None, None).chunks),
        once_text(snapshot(), busy_metrics().registry),
    ):
        checked = promtool("check", "metrics", text=text)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.server("curl")
def test_curl_unpacks_what_it_asked_to_be_compressed(odd_snapshot: Snapshot) -> None:
    site = LiveSite(exposition_of(odd_snapshot))
    with serving(site) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        curl = [need("curl"), "--silent", "--show-error", "--fail", url]
        packed = subprocess.run([*curl, "--compressed"], capture_output=True, check=True).stdout
        plain = subprocess.run(curl, capture_output=True, check=True).stdout
    assert [encoding for _, encoding in site.kinds] == ["gzip", None]
    assert packed == plain
    assert sum(f.name == "gong_user_activity" for f in text_families(packed.decode())) == 1


@pytest.mark.server("prometheus")
def test_a_real_prometheus_reads_every_sample(odd_snapshot: Snapshot, tmp_path: Path) -> None:
    site = LiveSite(exposition_of(odd_snapshot))
    with (
        serving(site) as port,
        prometheus_scraping(f"127.0.0.1:{port}", directory=tmp_path) as prometheus,
    ):
        prometheus.await_scrape()
        for family in SnapshotCollector(odd_snapshot).collect():
            read = {
                frozenset(labels.items() - {("__name__", family.name)}): value
                for labels, value in prometheus.query(family.name)
            }
            target = {"job": "gong", "instance": f"127.0.0.1:{port}"}
            assert read == {
                # to Prometheus an empty label is none
                frozenset((target | {k: v for k, v in s.labels.items() if v}).items()): s.value
                for s in family.samples
            }
        assert prometheus.query("gong_up")[0][1] == 0
    ((content_type, _),) = {kind for kind in site.kinds if kind[1] == "gzip"}
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
