"""Starts and stops what is measured and what it is measured against, on free loopback ports."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CHILD = Path(__file__).with_name("child.py")
START_SECONDS = 60
PATH = "/metrics"

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    default_type text/plain;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {directory};
        gzip_static on;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Something that answers scrapes.

    Attributes:
        name: for the tables.
        port: on 127.0.0.1.
        process: it runs in.
        before: bytes that its process held before it had any series; 0 if it was not measured.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    before: int = 0

    def resident(self) -> int:
        """Bytes of memory that its process holds now. Only for our own children."""
        if self.process.stdin is None:
            raise RuntimeError(f"{self.name} is not a child process of ours")
        self.process.stdin.write(b"?\n")
        self.process.stdin.flush()
        return _said(self.process)["resident"]

    def processor_seconds(self) -> float:
        """Processor time that its process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def child(kind: str, users: int) -> Iterator[Server]:
    """``exporter``, ``gauges`` or ``gong`` (see child.py), with so many users."""
    process = subprocess.Popen(
        [sys.executable, str(CHILD), kind, str(users)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=CHILD.parent.parent,
        env={**os.environ, "PYTHONPATH": str(CHILD.parent.parent)},
    )
    try:
        said = _said(process)
        yield Server(kind, said["port"], process, said["before"])
    finally:
        _end(process)


@contextmanager
def nginx(plain: bytes, packed: bytes) -> Iterator[Server]:
    """The nginx of this machine, with these bytes as a file, and as the ``.gz`` beside it."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        sys.exit("nginx is not installed; on Debian: apt-get install nginx-light")
    with TemporaryDirectory(prefix="bench-nginx-") as name:
        directory = Path(name)
        (directory / PATH[1:]).write_bytes(plain)
        (directory / f"{PATH[1:]}.gz").write_bytes(packed)
        port = free_port()
        user = "user root;" if os.getuid() == 0 else ""
        config = directory / "nginx.conf"
        config.write_text(NGINX.format(directory=directory, port=port, user=user))
        process = subprocess.Popen([program, "-e", f"{directory}/error.log", "-c", str(config)])
        try:
            _await_port(port, process, directory / "error.log")
            yield Server("nginx", port, process)
        finally:
            _end(process)


@contextmanager
def prometheus(target: Server, interval: int, timeout: int) -> Iterator[str]:
    """A Prometheus that scrapes ``target``; yields its URL. Times in whole seconds."""
    program = shutil.which("prometheus")
    if program is None:
        sys.exit("prometheus is not installed; on Debian: apt-get install prometheus")
    with TemporaryDirectory(prefix="bench-prometheus-") as name:
        directory = Path(name)
        scraping = {"scrape_interval": f"{interval}s", "scrape_timeout": f"{timeout}s"}
        jobs = [
            {
                "job_name": target.name,
                "metrics_path": PATH,
                "static_configs": [{"targets": [f"127.0.0.1:{target.port}"]}],
            }
        ]
        config = directory / "prometheus.yml"
        config.write_text(json.dumps({"global": scraping, "scrape_configs": jobs}))
        port = free_port()
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            _await_port(port, process, directory / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(process)


def query(url: str, expression: str) -> list[list[float]]:
    """Values over time of each series that a range selector gives a Prometheus."""
    with suppress(urllib.error.URLError):
        parameters = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{url}/api/v1/query?{parameters}", timeout=30) as answer:  # noqa: S310  # our own
            result = json.load(answer)["data"]["result"]
        return [[float(value) for _, value in series["values"]] for series in result]
    return []


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _said(process: subprocess.Popen[bytes]) -> dict[str, int]:
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        sys.exit("the process that was to be measured ended; its complaint is above")
    said: dict[str, int] = json.loads(line)
    return said


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    said = log.read_text()[-2000:] if log.exists() else ""
    sys.exit(f"nothing listens on port {port}: {process.args!r} said\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
