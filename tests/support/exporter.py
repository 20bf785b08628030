"""The real exporter in a process of its own: started, read, stopped."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.cli.main import cli
from tests.support.processor import seconds_to_its_end
from tests.support.servers import until

ROOT = Path(__file__).parents[2]

KEY, SECRET = "DEMO-ACCESS-KEY", "demo-access-key-secret"
"""What the simulator takes unless told otherwise."""

Labels = Mapping[str, str]


def environment(**variables: str) -> dict[str, str]:
    """The tests' environment without what a machine's owner may have set for Gong or proxies."""
    left = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GONG_") and "PROXY" not in name.upper()
    }
    return left | {"PYTHONWARNINGS": "error::ResourceWarning"} | variables


def write_config(folder: Path, url: str, /, **sections: Mapping[str, Any]) -> Path:
    """A configuration for a simulator: as quick as it may be, with what the sections say."""
    gong = {
        "base_url": url,
        "access_key": KEY,
        "access_key_secret": SECRET,
        "requests_per_second": 3,
        "timeout": "5s",
    }
    config = {**sections, "gong": {**gong, **sections.get("gong", {})}}
    # Without a day history the calls are those of polls.
    config.setdefault("drops", {"enabled": False})
    config["gong"] = {key: value for key, value in config["gong"].items() if value is not None}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def command(*arguments: str | Path) -> list[str]:
    """``gong-exporter`` with these arguments, by the interpreter that runs the tests."""
    return [sys.executable, "-m", "gong_exporter", *map(str, arguments)]


def run(
    *arguments: str | Path,
    environ: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, and what it said."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=dict(environment() if environ is None else environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def run_here(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As run(), in this process: a tenth of the time, for what starts no server."""
    args = [*map(str, arguments)]
    cleared = {name: None for name in os.environ if name not in environment()}
    result = CliRunner(env=cleared).invoke(cli, args, prog_name="gong-exporter")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception  # in a process of its own: a traceback
    return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Answer:
    """A response over HTTP."""

    status: int
    headers: Mapping[str, str]
    text: str


class Samples:
    """An exposition, parsed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """The sample with exactly these labels; None for none."""
        return self._values.get((name, frozenset(labels.items())))

    def of(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Every sample of that name, with its labels."""
        return [(dict(labels), value) for (n, labels), value in self._values.items() if n == name]

    def by(self, label: str, name: str) -> dict[str, float]:
        """The samples of a family with one label, by its value."""
        return {labels[label]: value for labels, value in self.of(name)}


class Process:
    """An exporter that runs (or ran).

    Attributes:
        process: of the operating system.
        url: of its HTTP side.
        log_file: takes its stderr, as JSON lines.
    """

    def __init__(self, process: subprocess.Popen[bytes], log_file: Path) -> None:
        self.process = process
        self.log_file = log_file
        self.url = ""

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    def lines(self) -> list[dict[str, Any]]:
        """Its log so far."""
        text = self.log_file.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def said(self, message: str) -> list[dict[str, Any]]:
        """The log lines with that message."""
        return [line for line in self.lines() if line["msg"] == message]

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            pairs = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, pairs, answer.read().decode())
        finally:
            connection.close()

    def samples(self) -> Samples:
        """A scrape."""
        answer = self.ask("/metrics")
        assert answer.status == 200
        return Samples(answer.text)

    def polls(self) -> int:
        """Polls that ended, by the counter."""
        return int(self.samples().value("gong_exporter_polls_total") or 0)

    def await_polls(self, count: int, timeout: float = 30.0) -> Samples:
        """The first scrape after which so many polls have ended."""
        until(lambda: self.fresh_polls() >= count, f"poll {count} ends: {self.log()}", timeout)
        return self.samples()

    def fresh_polls(self) -> int:
        """Polls that ended, by the log: the counter is kept for up to a second."""
        return len(self.said("poll ended"))

    def await_said(self, message: str, timeout: float = 30.0) -> dict[str, Any]:
        """The first log line with that message."""
        until(lambda: self.said(message), f"it says {message!r}", timeout)
        return self.said(message)[0]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it; returns its seconds to the end, which are end_to_end/test_stop's to judge."""
        self.process.send_signal(number)
        return seconds_to_its_end(self.process)

    def kill(self) -> None:
        """At once, as the kernel does it."""
        self.process.kill()
        self.process.wait(20)

    def log(self) -> str:
        """The end of its log, for messages."""
        return self.log_file.read_text(errors="replace")[-3000:]


@contextmanager
def exporter(
    config: Path,
    *flags: str,
    environ: Mapping[str, str] | None = None,
    listening: bool = True,
    prefix: Sequence[str] = (),
) -> Iterator[Process]:
    """A running exporter on a free port; killed in the end, if it has not ended by then.

    Args:
        config: its configuration file.
        flags: further ones.
        environ: instead of ``environment()``.
        listening: wait until it says where it listens.
        prefix: a program that starts it, such as ``prlimit``.
    """
    number = len(list(config.parent.glob("exporter-*.log")))
    log_file = config.parent / f"exporter-{number}.log"
    arguments = (
        f"--config.file={config}",
        "--web.listen-address=127.0.0.1:0",
        "--log.format=json",
        "--log.level=debug",
        *flags,
    )
    with log_file.open("wb") as sink:
        process = subprocess.Popen(
            [*prefix, *command(*arguments)],
            cwd=ROOT,
            env=dict(environment() if environ is None else environ),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    running = Process(process, log_file)
    try:
        if listening:
            until(lambda: process.poll() is not None or running.said("listening"), "it listens")
            assert process.poll() is None, running.log()
            running.url = f"http://{running.said('listening')[0]['address']}"
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
