"""Real programs that read an exposition, and a tiny HTTP server to read it from."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gong_exporter.exposition.body import Exposition


def program(name: str) -> str:
    """Where a program is. Skips the test where there is none, except in CI, where it fails."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


class MetricsServer(ThreadingHTTPServer):
    """Serves an exposition on a free loopback port, and notes what was answered."""

    daemon_threads = True

    def __init__(self, exposition: Exposition) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exposition = exposition
        self.answers: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, MetricsServer)
        body = server.exposition.body(self.headers["Accept"], self.headers["Accept-Encoding"])
        server.answers.append((body.content_type, body.content_encoding))
        self.send_response(200)
        self.send_header("Content-Type", body.content_type)
        self.send_header("Content-Length", str(sum(map(len, body.chunks))))
        if body.content_encoding is not None:
            self.send_header("Content-Encoding", body.content_encoding)
        self.end_headers()
        for chunk in body.chunks:
            self.wfile.write(chunk)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
        """Say nothing."""


@contextmanager
def serving(exposition: Exposition) -> Iterator[MetricsServer]:
    """The server, while it runs."""
    with MetricsServer(exposition) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Prometheus:
    """A running Prometheus, by its API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The result of an instant query: labels and value; empty while there is none."""
        parameters = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{parameters}", timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def targets(self) -> str:
        """What it says of its targets, for the message of a test that fails."""
        with urllib.request.urlopen(f"{self._url}/api/v1/targets", timeout=5) as answer:
            text: str = answer.read().decode()
        return text

    def await_scrape(self, timeout: float = 30) -> None:
        """Wait until a scrape of its one target went well."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, ConnectionError):
                if [value for _, value in self.query('up{job="gong"}')] == [1.0]:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no scrape went well within {timeout} s: {self.targets()}")


@contextmanager
def prometheus_scraping(address: str, directory: Path) -> Iterator[Prometheus]:
    """A Prometheus with its data in ``directory`` that scrapes ``address`` every second."""
    config = directory / "prometheus.yml"
    target = {"job_name": "gong", "static_configs": [{"targets": [address]}]}
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [target]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = directory / "prometheus.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=sink,
            stderr=sink,
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)
