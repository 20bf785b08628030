"""A tiny HTTP server to read an exposition from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gong_exporter.exposition.body import Exposition


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
        self.send_header("Content-Length", str(body.length))
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
