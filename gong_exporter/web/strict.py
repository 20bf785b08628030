"""Requests as RFC 9112 wants them read, where h11 and uvicorn leave it to the application."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_BOTH_LENGTHS = {b"transfer-encoding", b"content-length"}
_SCHEMES = ("http://", "https://")


def reject_ambiguous_requests(app: ASGIApp) -> ASGIApp:
    """Wrap ``app`` so that it gets no request that could be read in two ways.

    A request with both kinds of length may be smuggled past a proxy: it is refused, and the
    connection closed (section 6.3). A target with a host in it, as clients send it to a proxy,
    means the path behind the host (section 3.2.2).
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if {name for name, _ in scope["headers"]} >= _BOTH_LENGTHS:
            refusal = PlainTextResponse("A request has one length.\n", 400, {"connection": "close"})
            await refusal(scope, receive, send)
            return
        if scope["path"].lower().startswith(_SCHEMES):
            path = _behind_the_host(scope["path"])
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await app(scope, receive, send)

    return call


def _behind_the_host(target: str) -> str:
    _, _, path = target.partition("://")[2].partition("/")
    return f"/{path}"
