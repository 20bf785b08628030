"""What is measured, each in a process of its own: ``child.py KIND USERS``.

It prints one line of JSON when it serves, and ends when its standard input does, so that it never
outlives the process that started it.
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import bcrypt
import company
import structlog
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from gong_exporter.activity.snapshot import Snapshot, Values
from gong_exporter.exposition import body as exposition
from gong_exporter.exposition.exporter_status import ExporterStatus
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.exposition.names import USER_ACTIVITY
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.simulator.records import COUNTERS, ApiUserActivity
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from gong_exporter.web.status import Health, Status, WindowStatus
from gong_exporter.web.watch import WebConfigFile
from tests.support.web_certificates import Authority

PAGE = 4096
PASSWORD = b"right"
BCRYPT_COST = 14


def resident() -> int:
    """Bytes of memory that this process holds now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def gauges(snapshot: Snapshot) -> CollectorRegistry:
    """The usual way: a labelled gauge of the client library, set to each value."""
    registry = CollectorRegistry()
    gauge = Gauge(USER_ACTIVITY.name, USER_ACTIVITY.help, USER_ACTIVITY.labels, registry=registry)
    for window in snapshot.windows:
        zeros: Values = (0,) * len(window.metrics)
        for user in snapshot.users:
            values = window.users.get(user.user_id, zeros)
            for place, metric in snapshot.columns(window):
                value = values[place]
                if value is not None:
                    labels = (user.user_id, user.email, metric, window.window)
                    gauge.labels(*labels).set(value)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class Site:
    """The exporter as its HTTP side sees it, without a poller behind it."""

    def __init__(self, prepared: exposition.Exposition, snapshot: Snapshot) -> None:
        self._exposition = prepared
        self._snapshot = snapshot

    def metrics(self, accept: str, accept_encoding: str) -> exposition.Body:
        """The scrape that is measured."""
        return self._exposition.body(accept, accept_encoding)

    def healthy(self) -> Health:
        """What idle connections asked for."""
        return Health(ok=True, reason="healthy")

    def status(self) -> Status:
        """What the status page shows."""
        now = time.time()
        users = len(self._snapshot.users)
        return Status(
            version="0",
            now=now,
            started_at=now,
            time_zone="UTC",
            base_url="https://api.gong.io",
            schedule="every 1h",
            interval_seconds=3600.0,
            numbers=ExporterStatus(polls=1, quota_used=0, quota_limit=5000),
            windows=tuple(
                WindowStatus(window.window, data=window, active=users)
                for window in self._snapshot.windows
            ),
            snapshot=self._snapshot,
        )

    def __getattr__(self, name: str) -> object:
        raise NotImplementedError(f"no benchmark asks for {name}")


def serve_exporter(users: int, web_config: WebConfigFile | None = None) -> int:
    """The exporter's own server; the snapshot stays, as the poller keeps it. Returns its port."""
    live = [
        ExporterMetrics(CollectorRegistry()).registry,
        ProcessCollector(registry=None),
        PlatformCollector(registry=None),
    ]
    prepared = exposition.Exposition(live, time.monotonic)
    for _ in range(3):  # as after some polls, the old one and the new one side by side
        snapshot = company.snapshot(users)
        prepared.publish(snapshot)
    sock = bind("127.0.0.1:0")
    port: int = sock.getsockname()[1]
    app = build_app(Site(prepared, snapshot), Options())  # type: ignore[arg-type]  # two lines up
    web = WebServer(app, [sock], structlog.get_logger(), web_config=web_config)
    web.start()
    kept.extend((snapshot, web))
    return port


def serve_passwords(users: int) -> int:
    """The exporter's own server with a password. Returns its port."""
    hashed = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(BCRYPT_COST)).decode()
    return serve_exporter(users, _web_config(f"basic_auth_users: {{prometheus: {hashed}}}\n"))


def serve_tls(users: int) -> int:
    """The exporter's own server with TLS. Returns its port."""
    pair = Authority().issue("127.0.0.1")
    indented = {
        name: "".join(f"    {line}\n" for line in pem.decode().splitlines())
        for name, pem in (("cert", pair.cert), ("key", pair.key))
    }
    parts = "".join(f"  {name}: |\n{pem}" for name, pem in indented.items())
    return serve_exporter(users, _web_config(f"tls_server_config:\n{parts}"))


def _web_config(text: str) -> WebConfigFile:
    folder = TemporaryDirectory(prefix="bench-web-")
    kept.append(folder)
    file = Path(folder.name) / "web.yml"
    file.write_text(text)
    return WebConfigFile(file)


def serve_gauges(users: int) -> int:
    """The client library's own server. Returns its port."""
    server, _ = start_http_server(0, "127.0.0.1", registry=gauges(company.snapshot(users)))
    return server.server_port


class BusyCompany:
    """Everybody is active in every window, so that there are as many pages as can be."""

    def __init__(self, users: int) -> None:
        self.time_zone = ZoneInfo("UTC")
        self.user_ids = [str(company.FIRST_ID + company.STEP * place) for place in range(users)]

    def activity(self, start: date, end: date) -> list[ApiUserActivity]:
        """Small numbers that differ."""
        days = (end - start).days
        return [
            ApiUserActivity(
                user_id,
                f"first.last{place}@acme.example",
                {name: (place * days + spot) % 37 + 1 for spot, name in enumerate(COUNTERS)},
            )
            for place, user_id in enumerate(self.user_ids)
        ]


def serve_gong(users: int) -> int:
    """The simulated API, without limits. Returns its port."""
    options = SimulatorOptions(
        requests_per_second=math.inf, requests_per_day=None, cursor_lifetime=600, journal_size=1
    )
    simulator = Simulator(BusyCompany(users), options)
    simulator.start()
    kept.append(simulator)
    return simulator.port


kept: list[object] = []

KINDS: dict[str, Callable[[int], int]] = {
    "exporter": serve_exporter,
    "passwords": serve_passwords,
    "tls": serve_tls,
    "gauges": serve_gauges,
    "gong": serve_gong,
}


def main() -> None:
    """Serve until standard input ends; a line on it asks for the memory held now."""
    serve, users = KINDS[sys.argv[1]], int(sys.argv[2])
    company.snapshot(1)
    before = resident()
    print(json.dumps({"port": serve(users), "before": before}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"resident": resident()}), flush=True)


if __name__ == "__main__":
    main()
