"""The HTTP routes of the exporter, over any implementation of ``Site``."""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gong_exporter.exposition.body import CHUNK_BYTES, Body
from gong_exporter.exposition.negotiate import gzip_wanted
from gong_exporter.web.concurrency import FairLock, SingleFlight, in_thread
from gong_exporter.web.page import PAGE_HEADERS, render_page
from gong_exporter.web.people_table import PageQuery
from gong_exporter.web.status import Health, Site

PAGE_PAUSE_SECONDS = 0.02
"""Scrapes come first: between two status pages the event loop is free for this long."""

PAGE_KEPT_SECONDS = 1.0
"""For this long the same page is sent again instead of being rendered."""

_NO_SNIFFING = {"x-content-type-options": "nosniff"}
"""Labels and reasons hold text from outside: no browser may look for markup in them."""

_HEALTH_PATHS = frozenset({"/-/healthy", "/-/ready"})
_PATH = re.compile(r"/|(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+/?")


@dataclass(frozen=True, slots=True)
class Options:
    """How the routes are set up.

    Attributes:
        telemetry_path: where the metrics are, ``--web.telemetry-path``. At ``/`` there is no page.
        lifecycle: whether ``POST /-/reload`` is allowed, ``--web.enable-lifecycle``.
        health_without_password: whether the two health checks need no password,
            ``--web.health-without-password``.
    """

    telemetry_path: str = "/metrics"
    lifecycle: bool = False
    health_without_password: bool = False

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.telemetry_path) or self.telemetry_path.startswith("/-/"):
            raise ValueError(
                f"the telemetry path {self.telemetry_path!r} must start with / and consist of names"
                " of letters, digits and ._~- with one / between them (but not below /-/, where"
                " the checks are)"
            )

    @property
    def open_paths(self) -> frozenset[str]:
        """The paths that need no password."""
        return _HEALTH_PATHS if self.health_without_password else frozenset()


def build_app(
    site: Site, options: Options, monotonic: Callable[[], float] = time.monotonic
) -> Starlette:
    """The application that serves ``site``.

    Raises:
        ValueError: the options are invalid; the message says why.
    """
    routes = _Routes(site, options, monotonic)
    table = [
        Route(options.telemetry_path, routes.metrics),
        Route("/-/healthy", routes.healthy),
        Route("/-/ready", routes.ready),
        Route("/-/reload", routes.reload, methods=["POST", "PUT"]),
    ]
    if options.telemetry_path != "/":
        table.append(Route("/", routes.page))
    app = Starlette(routes=table, exception_handlers={HTTPException: _http_error})
    app.router.redirect_slashes = False
    return app


class ChunkedResponse(Response):
    """Sends prepared chunks, and waits after each until the client has taken it.

    Whole bodies would pile up in memory behind slow clients. The chunks are sent as they are: h11
    would copy a part of one.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        headers = {
            "content-type": body.content_type,
            "content-length": str(body.length),
            "vary": "Accept, Accept-Encoding",
            **_NO_SNIFFING,
        }
        if body.content_encoding is not None:
            headers["content-encoding"] = body.content_encoding
        super().__init__(headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        """Send the response, as ASGI defines it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        last = b""
        if scope["method"] != "HEAD":
            if self._body.length <= CHUNK_BYTES:
                last = b"".join(self._body.chunks)  # one write instead of several
            else:
                for chunk in self._body.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    # Sending to a fast reader, or to one that has gone, never waits by itself.
                    await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": last, "more_body": False})


class _Routes:
    def __init__(self, site: Site, options: Options, monotonic: Callable[[], float]) -> None:
        self._site = site
        self._options = options
        # Each reload reads files and may start a poll: a storm of requests is one and one more.
        self._reloads = SingleFlight(lambda: in_thread("reload", site.reload))
        self._monotonic = monotonic
        self._page_lock = FairLock()
        self._kept_for: tuple[PageQuery, bool] | None = None
        self._kept_since = 0.0
        self._kept_page = Response()

    async def metrics(self, request: Request) -> Response:
        headers = request.headers
        return ChunkedResponse(
            self._site.metrics(
                ", ".join(headers.getlist("accept")), ", ".join(headers.getlist("accept-encoding"))
            )
        )

    async def healthy(self, _: Request) -> Response:
        return _health(self._site.healthy(), otherwise=503)

    async def ready(self, _: Request) -> Response:
        return _health(self._site.ready(), otherwise=503)

    async def reload(self, _: Request) -> Response:
        if not self._options.lifecycle:
            return _text(
                "Reloading over HTTP is off. Start the exporter with --web.enable-lifecycle,"
                " or send it SIGHUP.",
                403,
            )
        return _health(await self._reloads.run(), otherwise=500)

    async def page(self, request: Request) -> Response:
        """Render pages one at a time, off the event loop, and keep the last one."""
        # Not from request.url, which needs a Host header that makes sense.
        query = PageQuery.parse(request.scope["query_string"].decode("latin-1"))
        wanted = query, gzip_wanted(", ".join(request.headers.getlist("accept-encoding")))
        if not await self._page_lock.acquire(request.client.host if request.client else ""):
            return _text("Too many pages are requested at once.", 429, {"retry-after": "1"})
        try:
            if await request.is_disconnected():
                return Response()
            now = self._monotonic()
            if wanted != self._kept_for or now - self._kept_since >= PAGE_KEPT_SECONDS:
                self._kept_page = await in_thread("page", lambda: self._render(*wanted))
                self._kept_for, self._kept_since = wanted, now
            return self._kept_page
        finally:
            asyncio.get_running_loop().call_later(PAGE_PAUSE_SECONDS, self._page_lock.release)

    def _render(self, query: PageQuery, gzip: bool) -> Response:  # noqa: FBT001  # of one tuple
        page = render_page(self._site.status(), query, self._options.telemetry_path)
        if not gzip:
            return Response(page, headers=PAGE_HEADERS)
        packed = zlib.compress(page, wbits=zlib.MAX_WBITS | 16)
        return Response(packed, headers=PAGE_HEADERS | {"content-encoding": "gzip"})


def _health(health: Health, *, otherwise: int) -> Response:
    return _text(health.reason, 200 if health.ok else otherwise)


def _text(sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(
        # A path may hold bytes that are not UTF-8: they are written as in the log.
        (sentence.rstrip("\n") + "\n").encode(errors="backslashreplace"),
        status,
        _NO_SNIFFING | (headers or {}),
    )


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(getattr(error, "headers", None) or {})
    if status == 404:  # noqa: PLR2004  # a well-known number
        return _text("There is nothing here. Start at /.", status)
    if status == 405:  # noqa: PLR2004  # a well-known number
        allowed = ", ".join(sorted(headers.get("Allow", "").split(", ")))
        return _text(f"The allowed methods are {allowed}.", status, {"allow": allowed})
    return _text(str(getattr(error, "detail", "error")), status, headers)
