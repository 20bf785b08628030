"""Answers to scrapes: valid gzip, whole families, one snapshot at a time, a live part kept."""

from __future__ import annotations

import sys
import threading
import zlib
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from itertools import count

import pytest
from hypothesis import given, settings
from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from gong_exporter.activity.snapshot import EMPTY, Snapshot
from gong_exporter.exposition.body import CHUNK_BYTES, LIVE_FOR, Body, Exposition, once_text
from tests.support.exposition_collector import SnapshotCollector
from tests.support.exposition_metrics import busy_metrics
from tests.support.exposition_snapshots import snapshot, snapshots

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
FORMATS = pytest.mark.parametrize("accept", [None, OPENMETRICS], ids=["text", "openmetrics"])


class Both:
    """The plain way: everything through the client library, in one registry."""

    def __init__(self, shown: Snapshot) -> None:
        self._shown = shown

    def collect(self) -> Iterable[Metric]:
        yield from SnapshotCollector(self._shown).collect()
        yield from busy_metrics().registry.collect()


class Counting:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def collect(self) -> Iterable[Metric]:
        self.asked += 1
        return [CounterMetricFamily("asked", "Times asked.", self.asked)]


def exposition_of(shown: Snapshot) -> Exposition:
    exposition = Exposition([busy_metrics().registry], monotonic=lambda: 0.0)
    exposition.publish(shown)
    return exposition


def unpacked(body: Body) -> bytes:
    data = b"".join(body.chunks)
    assert len(data) == body.length
    if body.content_encoding is None:
        return data
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = member.decompress(data) + member.flush()
    assert member.eof, "the checksum and the length in the trailer were not reached"
    assert member.unused_data == b"", "one gzip member, and nothing behind it"
    return text


@settings(deadline=None)
@given(snapshots())
def test_an_answer_equals_the_plain_way_in_every_format_and_encoding(shown: Snapshot) -> None:
    exposition = exposition_of(shown)
    for encoding in (None, "gzip"):
        text = unpacked(exposition.body(None, encoding))
        assert text == generate_latest(Both(shown))
        openmetrics = unpacked(exposition.body(OPENMETRICS, encoding))
        assert openmetrics == generate_openmetrics(Both(shown))  # type: ignore[no-untyped-call]


@FORMATS
@pytest.mark.parametrize("users", [0, 1, 700])
def test_gzip_holds_the_same_as_plain(users: int, accept: str | None) -> None:
    exposition = exposition_of(snapshot(users))
    plain = exposition.body(accept, None)
    packed = exposition.body(accept, "gzip")
    assert (plain.content_encoding, packed.content_encoding) == (None, "gzip")
    assert plain.content_type == packed.content_type
    assert unpacked(packed) == unpacked(plain)


def test_a_whole_answer_passes_the_client_librarys_parsers_with_process_and_platform() -> None:
    live = [
        busy_metrics().registry,
        ProcessCollector(registry=None),
        PlatformCollector(registry=None),
    ]
    exposition = Exposition(live, monotonic=lambda: 0.0)
    exposition.publish(snapshot(40))
    text = unpacked(exposition.body(None, "gzip")).decode()
    openmetrics = unpacked(exposition.body(OPENMETRICS, "gzip")).decode()
    for families in (
        list(text_families(text)),
        list(openmetrics_families(StringIO(openmetrics))),  # type: ignore[no-untyped-call]
    ):
        names = [family.name for family in families]
        assert len(names) == len(set(names)), "a family is in one piece"
        assert {"gong_user_activity", "gong_up", "process_open_fds", "python_info"} <= set(names)
    assert openmetrics.endswith("# EOF\n")
    assert openmetrics.count("# EOF") == 1
    assert "# EOF" not in text


def test_before_anything_is_published_there_are_only_our_own_families() -> None:
    exposition = Exposition([busy_metrics().registry], monotonic=lambda: 0.0)
    assert unpacked(exposition.body(None, "gzip")) == generate_latest(busy_metrics().registry)


def test_someone_who_vanished_is_gone_at_the_next_scrape() -> None:
    exposition = exposition_of(snapshot(users=3))
    assert b'user="1002"' in unpacked(exposition.body(None, None))
    exposition.publish(snapshot(users=2))
    assert b'user="1002"' not in unpacked(exposition.body(None, None))


def test_what_is_prepared_is_shared_between_answers() -> None:
    exposition = exposition_of(snapshot(2000))
    first, second = (list(exposition.body(a, "gzip").chunks) for a in (None, OPENMETRICS))
    for one, other in zip(first[:-1], second[:-1], strict=True):
        assert one is other
    assert sum(map(len, first[:-1])) > 10 * len(first[-1])


def test_a_large_packed_body_comes_in_bounded_chunks() -> None:
    exposition = exposition_of(snapshot(5000))
    plain, packed = exposition.body(None, None), exposition.body(None, "gzip")
    chunks = list(packed.chunks)
    assert len(chunks) > 2
    assert max(map(len, chunks)) < 2 * CHUNK_BYTES
    assert unpacked(replace(packed, chunks=chunks)) == unpacked(plain)


def test_plain_lines_are_unpacked_in_bounded_pieces_while_they_are_sent() -> None:
    exposition = exposition_of(snapshot(2000))
    body = exposition.body(None, None)
    exposition.publish(EMPTY)  # a response that has begun keeps its snapshot
    pieces = list(body.chunks)
    assert len(pieces) > 10
    assert max(map(len, pieces)) <= 256 * 1024
    assert sum(map(len, pieces)) == body.length


@FORMATS
def test_the_live_part_is_kept_for_a_second_and_then_asked_for_again(accept: str | None) -> None:
    now = [100.0]
    counting = Counting()
    exposition = Exposition([counting], monotonic=lambda: now[0])
    for encoding in (None, "gzip", "gzip"):
        assert b"asked_total 1.0" in unpacked(exposition.body(accept, encoding))
    now[0] += LIVE_FOR - 0.001
    assert b"asked_total 1.0" in unpacked(exposition.body(accept, "gzip"))
    now[0] += 0.001
    assert b"asked_total 2.0" in unpacked(exposition.body(accept, "gzip"))
    assert counting.asked == 2


def test_each_format_keeps_a_live_part_of_its_own() -> None:
    exposition = Exposition([Counting()], monotonic=lambda: 0.0)
    assert b"# EOF" not in unpacked(exposition.body(None, None))
    assert b"# EOF" in unpacked(exposition.body(OPENMETRICS, None))
    assert b"# EOF" not in unpacked(exposition.body(None, None))


def test_what_a_poll_changed_shows_together_with_its_snapshot() -> None:
    exposition = Exposition([Counting()], monotonic=lambda: 0.0)
    assert b"asked_total 1.0" in unpacked(exposition.body(None, None))
    exposition.publish(snapshot())
    assert b"asked_total 2.0" in unpacked(exposition.body(None, None))


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_swap_in_the_middle_of_an_answer_does_not_show_in_it(encoding: str | None) -> None:
    class Swapping:
        def collect(self) -> Iterable[Metric]:
            exposition.publish(snapshot(users=700, generation=2))
            return ()

    exposition = Exposition([Swapping()], monotonic=lambda: 0.0)
    exposition.publish(snapshot(users=600, generation=1))
    for shown in (snapshot(users=600, generation=1), snapshot(users=700, generation=2)):
        text = unpacked(exposition.body(None, encoding))
        assert text == generate_latest(SnapshotCollector(shown))


def test_old_and_new_never_mix_while_snapshots_are_swapped() -> None:
    exposition = exposition_of(snapshot(users=400, generation=0))
    enough = threading.Event()

    def publish() -> None:
        for generation in count(1):
            exposition.publish(snapshot(users=400 + generation, generation=generation))
            if enough.is_set():
                return

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    publisher = threading.Thread(target=publish)
    publisher.start()
    seen: set[float] = set()
    try:
        while len(seen) < 10 and publisher.is_alive():
            for encoding in (None, "gzip"):
                text = unpacked(exposition.body(OPENMETRICS, encoding)).decode()
                lines = [line for line in text.split("\n") if line[:19] == "gong_user_activity{"]
                generations = {float(line.rpartition(" ")[2]) for line in lines}
                assert len(generations) == 1
                (generation,) = generations
                assert len(lines) == (400 + generation) * 15 * 2
                seen.add(generation)
    finally:
        enough.set()
        publisher.join()
        sys.setswitchinterval(usual)
    assert len(seen) >= 10


def test_once_prints_the_snapshot_and_our_own_families_and_nothing_of_the_process() -> None:
    text = once_text(snapshot(), busy_metrics().registry)
    assert text == generate_latest(Both(snapshot()))
    assert b"gong_up 0.0" in text
    assert b"\nprocess_" not in text
    assert b"\npython_" not in text


@given(snapshots())
@settings(deadline=None)
def test_once_adds_its_labels_to_every_sample_and_changes_nothing_else(shown: Snapshot) -> None:
    labels = (("company", 'a"b\\{} c\n# d'), ("site", "x"))
    registry = busy_metrics().registry
    plain = list(text_families(once_text(shown, registry).decode()))
    labelled = list(text_families(once_text(shown, registry, labels).decode()))
    assert [(f.name, f.type, f.documentation) for f in labelled] == [
        (f.name, f.type, f.documentation) for f in plain
    ]
    for before, after in zip(plain, labelled, strict=True):
        assert [(s.name, s.labels, s.value) for s in after.samples] == [
            (s.name, {**s.labels, **dict(labels)}, s.value) for s in before.samples
        ]
