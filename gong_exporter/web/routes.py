"""The HTTP routes of the exporter, over whatever implements ``Site``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gong_exporter.web.page import PAGE_HEADERS, Query, render_page
from gong_exporter.web.rounds import Rounds
from gong_exporter.web.site import Body, Health, Site
from gong_exporter.web.threads import in_thread
from gong_exporter.web.turns import Turns

SLICE_BYTES = 256 * 1024
"""An answer is handed to the transport in slices of this size, each when the last one has mostly
left: whole bodies would pile up behind slow readers."""
DOCS_URL = "https://github.com/gong-exporter/gong-exporter/tree/main/docs"
"""The project's documentation, as the alerts' runbooks have it."""

_UNSNIFFED = {"x-content-type-options": "nosniff"}
"""Labels and reasons hold what others wrote: no browser is to look for markup in them."""

_PATH = re.compile(r"/|(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+/?")


@dataclass(frozen=True, slots=True)
class Options:
    """How the routes are set up.

    Attributes:
        telemetry_path: where the metrics are, ``--web.telemetry-path``. At ``/`` there is no page.
        lifecycle: whether ``POST /-/reload`` is open, ``--web.enable-lifecycle``.
        docs_url: where the page's link to the documentation goes; None leaves it out.
    """

    telemetry_path: str = "/metrics"
    lifecycle: bool = False
    docs_url: str | None = DOCS_URL

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.telemetry_path) or self.telemetry_path.startswith("/-/"):
            raise ValueError(
                f"the telemetry path {self.telemetry_path!r} must start with / and consist of names"
                " of letters, digits and ._~- with one / between them (but not below /-/, where"
                " the checks are)"
            )


def build_app(site: Site, options: Options) -> Starlette:
    """The application that serves ``site``.

    Raises:
        ValueError: the options make no sense; the message says why.
    """
    routes = _Routes(site, options)
    table = [
        Route(options.telemetry_path, routes.metrics),
        Route("/-/healthy", routes.healthy),
        Route("/-/ready", routes.ready),
        Route("/-/reload", routes.reload, methods=["POST", "PUT"]),
    ]
    if options.telemetry_path != "/":
        table.append(Route("/", routes.page))
    app = Starlette(routes=table, exception_handlers={HTTPException: _refuse})
    app.router.redirect_slashes = False
    return app


class SlicedResponse(Response):
    """Sends prepared chunks in slices, waiting in between until the client has taken them."""

    def __init__(self, body: Body) -> None:
        self._chunks = body.chunks
        headers = {
            "content-type": body.content_type,
            "content-length": str(sum(len(chunk) for chunk in body.chunks)),
            "vary": "Accept, Accept-Encoding",
            **_UNSNIFFED,
        }
        if body.content_encoding is not None:
            headers["content-encoding"] = body.content_encoding
        super().__init__(headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        """Send it, as ASGI has it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            for piece in _slices(self._chunks):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                # To a fast reader, or one that is gone, sending never waits by itself.
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Routes:
    def __init__(self, site: Site, options: Options) -> None:
        self._site = site
        self._options = options
        # Each reads files and may have a poll made: a storm of requests is a reload and one more.
        self._reloads = Rounds(lambda: in_thread("reload", site.reload))
        # Each takes a thread that computes, and scrapes have to get their turn between them.
        self._rendering = Turns(at_a_time=2, each=32)

    async def metrics(self, request: Request) -> Response:
        headers = request.headers
        return SlicedResponse(
            self._site.metrics(
                ", ".join(headers.getlist("accept")), ", ".join(headers.getlist("accept-encoding"))
            )
        )

    async def healthy(self, _: Request) -> Response:
        return _verdict(self._site.healthy(), otherwise=503)

    async def ready(self, _: Request) -> Response:
        return _verdict(self._site.ready(), otherwise=503)

    async def reload(self, _: Request) -> Response:
        if not self._options.lifecycle:
            return _text(
                "Reloading over HTTP is off. Start the exporter with --web.enable-lifecycle,"
                " or send it SIGHUP.",
                403,
            )
        return _verdict(await self._reloads.join(), otherwise=500)

    async def page(self, request: Request) -> Response:
        query = Query.parse(request.scope["query_string"].decode("latin-1"))
        address = request.client.host if request.client else ""

        def render() -> bytes:
            return render_page(
                self._site, query, self._options.telemetry_path, self._options.docs_url
            )

        if not await self._rendering.take(address):
            return _text("Too many pages are asked for at once.", 429, {"retry-after": "1"})
        try:
            if await request.is_disconnected():
                return Response()
            return Response(await in_thread("page", render), headers=PAGE_HEADERS)
        finally:
            self._rendering.give_back()


def _slices(chunks: tuple[bytes, ...]) -> Iterator[bytes | memoryview]:
    for chunk in chunks:
        if len(chunk) <= SLICE_BYTES:
            yield chunk
            continue
        view = memoryview(chunk)
        for start in range(0, len(view), SLICE_BYTES):
            yield view[start : start + SLICE_BYTES]


def _verdict(health: Health, *, otherwise: int) -> Response:
    return _text(health.reason, 200 if health.ok else otherwise)


def _text(sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(
        # A path may hold bytes that are no UTF-8: they are said as the log says them.
        (sentence.rstrip("\n") + "\n").encode(errors="backslashreplace"),
        status,
        _UNSNIFFED | (headers or {}),
    )


async def _refuse(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(getattr(error, "headers", None) or {})
    if status == 404:  # noqa: PLR2004  # everybody knows it
        return _text("There is nothing here. Start at /.", status)
    if status == 405:  # noqa: PLR2004  # everybody knows it
        allowed = ", ".join(sorted(headers.get("Allow", "").split(", ")))
        return _text(f"Only {allowed} are answered here.", status, {"allow": allowed})
    return _text(str(getattr(error, "detail", "error")), status, headers)
