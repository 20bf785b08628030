"""A site with fixed contents, a server around it, and a client that speaks raw bytes."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.snapshot import Snapshot, User, Values, WindowData
from gong_exporter.exposition.body import CHUNK_BYTES, Body, Exposition
from gong_exporter.exposition.exporter_status import ExporterStatus
from gong_exporter.web.http_connection import Limits
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from gong_exporter.web.status import Health, Status, WindowStatus
from gong_exporter.web.watch import WebConfigFile
from tests.support.logs import no_log
from tests.support.servers import WAIT_TIMEOUT

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Never-Ends: "
LAST = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
MEGABYTE = 1024 * 1024
NOW = 1_790_000_000.0
DAY = 86_400.0


def status() -> Status:
    """A quiet day: one window, fresh."""
    served = snapshot(
        ("calls_as_host", "calls_attended"),
        [
            (User(user_id="1", email="ann@acme.com"), (20, 0)),
            (User(user_id="2", email="bob@acme.com"), (3, None)),
        ],
    )
    return Status(
        version="1.2.3",
        now=NOW,
        started_at=NOW - 3 * DAY,
        time_zone="US/Pacific",
        base_url="https://api.gong.io",
        schedule="1h",
        interval_seconds=3600.0,
        numbers=ExporterStatus(
            up=True, next_poll=NOW + 900, last_poll=NOW - 2700, quota_used=120, quota_limit=5000
        ),
        snapshot=served,
        windows=(WindowStatus("7d", data=served.windows[0], active=2, last_success=NOW - 2700),),
    )


def window_data(
    window: str, metrics: tuple[str, ...], people: Sequence[tuple[User, Values]]
) -> WindowData:
    """A window of these people; only its name, columns and numbers matter here."""
    return WindowData(
        window=window,
        start=date(2026, 9, 14),
        end=date(2026, 9, 21),
        start_timestamp=NOW - 7 * DAY,
        end_timestamp=NOW,
        fetched_at=NOW - 2700,
        fingerprint="",
        metrics=metrics,
        users={user.user_id: values for user, values in people},
        emails={},
    )


def snapshot(metrics: tuple[str, ...], people: Sequence[tuple[User, Values]]) -> Snapshot:
    """These people in the window 7d."""
    users = tuple(user for user, _ in people)
    return Snapshot(windows=(window_data("7d", metrics, people),), users=users)


def body_of(*parts: bytes, content_encoding: str | None = None) -> Body:
    chunks = tuple(
        part[start : start + CHUNK_BYTES]
        for part in parts
        for start in range(0, len(part), CHUNK_BYTES)
    )
    return Body("text/plain; version=0.0.4", content_encoding, chunks, sum(map(len, chunks)))


@dataclass
class FixedSite:
    """Serves what it is given and notes what it was asked."""

    body: Body = field(default_factory=lambda: body_of(b"a 1\n"))
    health: Health = field(default_factory=lambda: Health(ok=True, reason="polling"))
    readiness: Health = field(default_factory=lambda: Health(ok=True, reason="data"))
    reloaded: Health = field(default_factory=lambda: Health(ok=True, reason="reloaded"))
    state: Status = field(default_factory=status)
    asked: list[tuple[str, str]] = field(default_factory=list)
    on_reload: Callable[[], object] = lambda: None

    def metrics(self, accept: str, accept_encoding: str) -> Body:
        self.asked.append((accept, accept_encoding))
        return self.body

    def healthy(self) -> Health:
        return self.health

    def ready(self) -> Health:
        return self.readiness

    def reload(self) -> Health:
        self.on_reload()
        return self.reloaded

    def status(self) -> Status:
        return self.state


class LiveSite(FixedSite):
    """Serves a real exposition, and notes the content type and encoding of each response."""

    def __init__(self, exposition: Exposition) -> None:
        super().__init__()
        self._exposition = exposition
        self.kinds: list[tuple[str, str | None]] = []

    def metrics(self, accept: str, accept_encoding: str) -> Body:
        body = self._exposition.body(accept, accept_encoding)
        self.kinds.append((body.content_type, body.content_encoding))
        return body


def big(size: int) -> FixedSite:
    """A site with a body of that many bytes."""
    return FixedSite(body=body_of(b"x" * size))


@contextmanager
def serving(
    site: FixedSite,
    *,
    options: Options | None = None,
    limits: Limits | None = None,
    addresses: Sequence[str] = ("127.0.0.1:0",),
    web_config: WebConfigFile | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    log: FilteringBoundLogger | None = None,
) -> Iterator[int]:
    """The port of a real server around ``site``."""
    sockets = [bind(address) for address in addresses]
    port = int(sockets[0].getsockname()[1])
    options = options or Options()
    server = WebServer(
        build_app(site, options, monotonic),
        sockets,
        log or no_log(),
        open_paths=options.open_paths,
        limits=limits,
        web_config=web_config,
        watch_seconds=0.05,
    )
    server.start()
    try:
        yield port
    finally:
        assert server.stop(WAIT_TIMEOUT)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    port: int,
    path: str,
    method: str = "GET",
    *,
    headers: dict[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> Answer:
    """One request on a connection of its own."""
    connection = (
        http.client.HTTPConnection(host, port, timeout=10)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=10, context=context)
    )
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        pairs = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, pairs, answer.read())
    finally:
        connection.close()


@contextmanager
def raw(port: int, sent: bytes = b"", *, timeout: float = 10.0) -> Iterator[socket.socket]:
    """A bare connection that has sent some bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        client.sendall(sent)
        yield client


@contextmanager
def flood(port: int, sent: bytes, connections: int) -> Iterator[list[socket.socket]]:
    """So many connections from another address than the rest of a test's, with the same bytes."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(connections)]
        for client in clients:
            client.settimeout(10)
            client.bind(("127.0.0.2", 0))
            client.connect(("127.0.0.1", port))
            client.sendall(sent)
        yield clients


def read_to_end(client: socket.socket) -> bytes:
    """What comes until the server closes; a reset counts as the end."""
    pieces = []
    with suppress(ConnectionResetError):
        while piece := client.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def exchange(client: socket.socket, request: bytes) -> bytes:
    """Send one request for a short answer and read it whole, leaving the connection open."""
    client.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _more(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _more(client)
    return head + b"\r\n\r\n" + body


def _more(client: socket.socket) -> bytes:
    piece = client.recv(65536)
    assert piece, "the server closed before the end of its answer"
    return piece
