"""One demo, and one Prometheus that reads it, for all tests of the docs."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.exporter import command, environment
from tests.support.servers import Prometheus, prometheus, scrape_config, until

_WHERE = re.compile(r"^  Metrics +http://(\S+?)/metrics$", re.MULTILINE)
_API = re.compile(r"^  Gong API +(http://\S+?)/v2/", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running ``gong-exporter demo``.

    Attributes:
        address: host and port of the exporter.
        api: base URL of the simulated API.
    """

    address: str
    api: str


@contextmanager
def running_demo(folder: Path, *flags: str) -> Iterator[Demo]:
    """``gong-exporter demo`` on free ports, from the end of its first poll until the block's."""
    output = folder / "demo.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command("demo", "--web.listen-address=127.0.0.1:0", "--requests-per-second=50", *flags),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environment(PYTHONUNBUFFERED="1"),
        )
    try:
        until(lambda: process.poll() is not None or _WHERE.search(output.read_text()), "a demo")
        text = output.read_text()
        where, api = _WHERE.search(text), _API.search(text)
        assert where is not None, text
        assert api is not None, text
        yield Demo(where[1], api[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with its first poll behind it."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="session")
def demo_prometheus(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the demo twice, so that rates have something to go by."""
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, scrape_config(demo.address), "--web.enable-admin-api") as server:
        until(
            lambda: [
                value for _, value in server.query("count_over_time(gong_up[1m])") if value >= 2
            ],
            "two scrapes",
        )
        yield server
