"""Real programs that tests start on free loopback ports: found, started, awaited, stopped."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

WAIT_TIMEOUT = 30.0
"""Seconds that a program may take to come up, or a condition to come true."""


MONITORING = {
    "prometheus",
    "promtool",
    "prometheus-alertmanager",
    "amtool",
    "victoria-metrics",
    "vmagent",
    "vmalert",
}
"""The programs that ``SERVERS=new`` replaces. A test that uses one is marked with its name."""

marked: bool | None = None
"""Whether the running test is marked with one of those; None outside of tests."""


def need(name: str) -> str:
    """The path of a program. Skips the test if there is none, except in CI, where it fails."""
    if name in MONITORING and marked is False:
        pytest.fail(f"this test uses {name}: mark it with pytest.mark.server({name!r})")
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


def free_port() -> int:
    """A free loopback port for a program that cannot pick one itself.

    The port stays in TIME_WAIT for a minute. So the kernel gives it to no other process, and a
    server, which sets ``SO_REUSEADDR``, can still bind it.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    return port


def until(true: Callable[[], object], what: str, timeout: float = WAIT_TIMEOUT) -> None:
    """Wait for a condition; connections that fail count as "not yet"."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with suppress(OSError):  # URLError and ConnectionError are OSErrors
            if true():
                return
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout:g} s: {what}")


def answers(url: str) -> bool:
    """Whether a GET of the URL is answered with a 2xx."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()  # it is a response, and from Python 3.14 on says so when it is left open
        return False


@contextmanager
def running(
    command: Sequence[str], ready_url: str, log: Path, *, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server program, from when ``ready_url`` is answered until the block ends.

    Args:
        command: the program (see ``need``) and its arguments.
        ready_url: answered with a 2xx once it is up.
        log: takes its output; its end is in the message when it does not come up.
        environ: instead of the tests' own environment.
    """
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=sink, env=None if environ is None else dict(environ)
        )
    try:
        try:
            until(lambda: process.poll() is not None or answers(ready_url), "an answer")
        except AssertionError:
            raise AssertionError(
                f"{command[0]} does not answer {ready_url}: {_tail(log)}"
            ) from None
        assert process.poll() is None, f"{command[0]} ended at once: {_tail(log)}"
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


class Prometheus:
    """A running Prometheus, by its HTTP API.

    Attributes:
        url: its base.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """The result of an instant query, labels and value of each series; [] for none.

        Args:
            expression: PromQL that gives a vector.
            at: Unix seconds; None for now.
        """
        wanted = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        result = self.get(f"/api/v1/query?{urllib.parse.urlencode(wanted)}")["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def get(self, path: str) -> Any:
        """The JSON at a path of its API."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def targets(self) -> str:
        """What it says of its targets, for the message of a test that fails."""
        return json.dumps(self.get("/api/v1/targets"))

    def await_scrape(self, timeout: float = WAIT_TIMEOUT) -> None:
        """Wait until the last scrape of every target went well."""

        def scraped() -> bool:
            values = [value for _, value in self.query("up")]
            return bool(values) and min(values) == 1.0

        try:
            until(scraped, "a good scrape", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.targets()}") from None


@contextmanager
def prometheus(directory: Path, config: Mapping[str, Any], *flags: str) -> Iterator[Prometheus]:
    """A Prometheus with its data and its log in ``directory``.

    Args:
        directory: an empty one, such as ``tmp_path``.
        config: the whole ``prometheus.yml`` (JSON is YAML).
        flags: further ones, such as ``--web.enable-remote-write-receiver``.
    """
    program = need("prometheus")
    file = directory / "prometheus.yml"
    file.write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        *flags,
    ]
    url = f"http://{address}"
    with running(command, f"{url}/-/ready", directory / "prometheus.log"):
        yield Prometheus(url)


def scrape_config(*addresses: str, interval: str = "1s") -> dict[str, Any]:
    """A configuration that scrapes these addresses as job ``gong``."""
    job = {"job_name": "gong", "static_configs": [{"targets": list(addresses)}]}
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [job],
    }


@contextmanager
def prometheus_scraping(*addresses: str, directory: Path) -> Iterator[Prometheus]:
    """A Prometheus with its data in ``directory`` that scrapes these addresses every second."""
    with prometheus(directory, scrape_config(*addresses)) as server:
        yield server


def promtool(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What promtool says of ``text`` on its standard input."""
    return subprocess.run(
        [need("promtool"), *arguments], input=text, capture_output=True, check=False
    )
