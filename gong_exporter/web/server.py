"""The HTTP server: uvicorn in a daemon thread, on sockets that are bound already."""

from __future__ import annotations

import asyncio
import resource
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from socket import socket

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from gong_exporter.web.auth import BasicAuthMiddleware
from gong_exporter.web.concurrency import in_thread
from gong_exporter.web.http_connection import HttpConnection, Limits
from gong_exporter.web.tls import accepted_socket
from gong_exporter.web.watch import Security, WebConfigFile

MOST_CONNECTIONS = 1024
"""Open connections, even if the process may have more descriptors."""

MOST_TLS_CONNECTIONS = 512
"""asyncio and OpenSSL keep 320 kB for each, from the beginning of its handshake on."""

_OTHER_DESCRIPTORS = 96
"""Those that the process itself has open, and 64 for polls and the state file."""

_ACCEPT_AGAIN_SECONDS = 1.0
"""Time after which connections are accepted again when the system is out of descriptors."""

_STARTED_CHECK_SECONDS = 0.01
_CUT_OFF_SECONDS = 0.05
"""Handlers have this long to notice that their connections were cut off."""


class ServerNotStarted(RuntimeError):
    """The server ended before it served."""


class WebServer:
    """Serves an application until it is stopped.

    The thread is a daemon, so it never keeps the process from ending.

    Args:
        app: the ASGI application.
        sockets: listening sockets (see ``sockets.bind``); the server closes them when it stops.
        log: for changes of the web configuration, and for errors.
        limits: what one client may ask.
        web_config: TLS, users and headers, followed while the server runs. None is plain HTTP
            without passwords.
        open_paths: paths that need no password.
        watch_seconds: how often the files of ``web_config`` are read.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket],
        log: FilteringBoundLogger,
        *,
        limits: Limits | None = None,
        web_config: WebConfigFile | None = None,
        open_paths: frozenset[str] = frozenset(),
        watch_seconds: float = 1.0,
    ) -> None:
        if web_config is not None:
            app = BasicAuthMiddleware(app, lambda: web_config.security, open_paths)
        self._app = _log_errors(app, log)
        self._sockets = sockets
        self._log = log
        self._limits = limits or Limits()
        self._web_config = web_config
        self._watch_seconds = watch_seconds
        self._started = False
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Serve, and return once connections are accepted.

        Raises:
            RuntimeError: the server ended before that.
        """
        self._thread.start()
        self._ready.wait()
        if not self._started:
            raise ServerNotStarted("the HTTP server did not start; the log says why")

    def stop(self, timeout: float = 1.5) -> bool:
        """Finish the responses in progress within the grace, and end.

        Returns:
            whether the server has ended within ``timeout`` seconds.
        """
        if self._thread.ident is None:
            self._close_sockets()
            return True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the server has ended
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:  # noqa: BLE001 - a thread has nothing above it
            self._log.exception("the HTTP server failed")
        finally:
            self._ready.set()
            self._close_sockets()

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        limits = self._limits
        self._config = uvicorn.Config(
            self._app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            workers=1,
            timeout_keep_alive=limits.keep_alive_seconds,
            h11_max_incomplete_event_size=limits.header_bytes,
        )
        self._server = uvicorn.Server(self._config)
        serving = asyncio.create_task(self._server.serve(sockets=[]))
        while not self._server.started:
            if serving.done():
                serving.result()
                raise RuntimeError("uvicorn ended at once")
            await asyncio.sleep(_STARTED_CHECK_SECONDS)
        most = MOST_CONNECTIONS if self._security().context is None else MOST_TLS_CONNECTIONS
        self._places = asyncio.Semaphore(min(limits.connections or most, _limit_by_descriptors()))
        self._connections: set[asyncio.Task[None]] = set()
        accepting = [asyncio.create_task(self._accept(sock)) for sock in self._sockets]
        self._started = True
        self._ready.set()
        stop = asyncio.create_task(self._stop.wait())
        working = [*accepting, asyncio.create_task(self._follow()), serving]
        await asyncio.wait([stop, *working], return_when=asyncio.FIRST_COMPLETED)
        for task in accepting:
            task.cancel()
        await self._shut_down(serving)
        for task in working:
            if task.done() and not task.cancelled():
                task.result()  # raises why it ended

    async def _shut_down(self, serving: asyncio.Task[None]) -> None:
        """Let responses finish within the grace, then cut off the rest.

        What is still running after that is cancelled when the event loop ends.
        """
        self._server.should_exit = True
        # uvicorn does this too, but only after up to a tenth of a second.
        self._retire_connections()
        _, late = await asyncio.wait([serving], timeout=self._limits.grace_seconds)
        if late:
            for connection in self._server.server_state.connections:
                connection.transport.abort()
            await asyncio.sleep(_CUT_OFF_SECONDS)

    async def _accept(self, listening: socket) -> None:
        """Accept connections until this is cancelled.

        Those beyond the limit wait in the socket's backlog. uvicorn does not see a connection
        before its TLS handshake ends, so it could not limit those that never finish it.
        """
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        while True:
            await self._places.acquire()
            try:
                sock, _ = await loop.sock_accept(listening)
            except OSError as error:  # no descriptor or no memory is left
                self._places.release()
                self._log.warning("no connection can be accepted now", error=str(error))
                await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            task = loop.create_task(self._serve_connection(sock))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve_connection(self, sock: socket) -> None:
        accepted_socket.set(sock)
        security, limits = self._security(), self._limits
        protocol = HttpConnection(
            self._config, self._server.server_state, limits, security, self._security
        )
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                sock,
                ssl=security.context,
                ssl_handshake_timeout=limits.request_seconds if security.context else None,
            )
            await protocol.closed.wait()
        except OSError as error:  # the handshake failed
            # The error and its frames refer to each other, and so to the buffers of the connection.
            traceback.clear_frames(error.__traceback__)
        finally:
            self._places.release()

    def _retire_connections(self) -> None:
        """End each connection, or let it end with the response in progress."""
        for connection in list(self._server.server_state.connections):
            connection.shutdown()

    async def _follow(self) -> None:
        """Put changes of the web configuration's files into force."""
        if self._web_config is None:
            await self._stop.wait()
            return
        config, failed = self._web_config, False
        while True:
            await asyncio.sleep(self._watch_seconds)
            before = config.security
            try:
                changed = await in_thread("web config", config.refresh)
            except Exception:  # noqa: BLE001 - no thread or no memory: try again later
                if not failed:
                    self._log.exception("web config not reloaded, the old one stays in force")
                failed = True
                continue
            failed = False
            if changed and config.error is not None:
                self._log.warning(
                    "web config not reloaded, the old one stays in force", error=config.error
                )
            elif changed:
                self._log.info("web config reloaded")
            if not config.security.same_tls(before):
                # Clients that connected under the old settings have to connect again.
                self._retire_connections()

    def _security(self) -> Security:
        return Security() if self._web_config is None else self._web_config.security


def _limit_by_descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_DESCRIPTORS)


def _log_errors(app: ASGIApp, log: FilteringBoundLogger) -> ASGIApp:
    """Wrap ``app`` so that its errors are logged here, and not by uvicorn."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            return  # the server has stopped
        except Exception:
            log.exception("a request failed", path=scope["path"])

    return call
