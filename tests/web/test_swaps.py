"""Many scrapers while snapshots are swapped, over real sockets: each answer is of one snapshot."""

from __future__ import annotations

import gzip
import http.client
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gong_exporter.exposition.body import Exposition
from gong_exporter.exposition.metrics import ExporterMetrics
from tests.support.exposition_snapshots import snapshot
from tests.support.servers import until
from tests.support.web_site import LiveSite, serving

USERS = 6
SCRAPERS = 50
GENERATIONS = 12


def generation_of(text: str) -> float:
    """The one that all counters are of, everybody being there."""
    lines = [line for line in text.splitlines() if line.startswith("gong_user_activity{")]
    (generation,) = {float(line.rpartition(" ")[2]) for line in lines}
    assert len(lines) == (USERS + int(generation) % 7) * 15 * 2
    return generation


def samples(families: Iterable[Metric]) -> int:
    """How many there are of the activity, by a real parser."""
    return sum(len(one.samples) for one in families if one.name == "gong_user_activity")


def test_fifty_scrapers_see_whole_snapshots_and_never_an_older_one() -> None:
    exposition = Exposition([ExporterMetrics(CollectorRegistry()).registry], time.monotonic)
    exposition.publish(snapshot(USERS))
    over = threading.Event()
    shown = 0
    scraped = [-1] * SCRAPERS
    """By scraper, the generation that was shown when it last asked."""

    def seen_by_some() -> bool:
        return scraped.count(shown) > SCRAPERS / 5

    def swap() -> None:
        nonlocal shown
        for generation in range(1, GENERATIONS + 1):
            exposition.publish(snapshot(USERS + generation % 7, generation))
            shown = generation
            until(seen_by_some, "some have seen it")

    def scrape(number: int, port: int) -> list[float]:
        openmetrics, packed = number % 2 == 0, number % 3 == 0
        headers = {
            "Accept": "application/openmetrics-text; version=1.0.0"
            if openmetrics
            else "text/plain",
            "Accept-Encoding": "gzip" if packed else "identity",
        }
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        texts = []
        while not over.is_set():
            begun = shown
            connection.request("GET", "/metrics", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200
            texts.append((gzip.decompress(body) if packed else body).decode())
            scraped[number] = begun
            time.sleep(0.05)
        connection.close()
        # Parsed afterwards, and only one: it takes longer than a scrape.
        parse = parse_openmetrics if openmetrics else parse_text
        assert samples(parse(texts[-1])) == texts[-1].count("\ngong_user_activity{")
        return [generation_of(text) for text in texts]

    with serving(LiveSite(exposition)) as port, ThreadPoolExecutor(SCRAPERS + 1) as pool:
        swapped = pool.submit(swap)
        swapped.add_done_callback(lambda _: over.set())
        scrapers = [pool.submit(scrape, number, port) for number in range(SCRAPERS)]
        swapped.result()
        seen = [one.result() for one in scrapers]
    for generations in seen:
        assert generations == sorted(generations)
    everything = {generation for generations in seen for generation in generations}
    assert everything >= set(range(1, GENERATIONS + 1))
