"""The HTTP server: uvicorn in a daemon thread, on sockets that are bound already."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Sequence
from contextlib import suppress
from socket import socket

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from gong_exporter.web.auth import BasicAuthMiddleware
from gong_exporter.web.concurrency import in_thread
from gong_exporter.web.connections import (
    MOST_CONNECTIONS,
    MOST_TLS_CONNECTIONS,
    ConnectionTable,
)
from gong_exporter.web.http_connection import HttpConnection, Limits, reject_ambiguous_requests
from gong_exporter.web.watch import Security, WebConfigFile

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
        self._app = reject_ambiguous_requests(_log_errors(app, log))
        self._sockets = sockets
        self._log = log
        self._limits = limits or Limits()
        self._web_config = web_config
        self._watch_seconds = watch_seconds
        self._retired: list[_Generation] = []
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
        except Exception as error:  # noqa: BLE001 - a thread has nothing above it
            if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
                self._log.error("the HTTP server failed", error="too many open files (ulimit -n)")
            else:
                self._log.exception("the HTTP server failed")
        finally:
            self._ready.set()
            self._close_sockets()

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._current = await self._start_generation()
        self._warn_of_public_clients()
        limits, tls = self._limits, self._security().context is not None
        self._table = ConnectionTable(
            lambda sock: self._current.connect(sock),  # noqa: PLW0108 - the current one changes
            limits.connections or (MOST_TLS_CONNECTIONS if tls else MOST_CONNECTIONS),
            limits.request_seconds,
        )
        accepting = [asyncio.create_task(self._table.accept(sock)) for sock in self._sockets]
        self._started = True
        self._ready.set()
        stop = asyncio.create_task(self._stop.wait())
        working = [*accepting, asyncio.create_task(self._follow())]
        while not any(task.done() for task in (stop, *working, self._current.serving)):
            await asyncio.wait(
                [stop, *working, self._current.serving], return_when=asyncio.FIRST_COMPLETED
            )
        for task in accepting:
            task.cancel()
        await self._shut_down()
        for task in (*working, self._current.serving):
            if task.done() and not task.cancelled():
                task.result()  # raises why it ended

    async def _shut_down(self) -> None:
        """Let responses finish within the grace, then cut off the rest.

        What is still running after that is cancelled when the event loop ends.
        """
        generations = [*self._retired, self._current]
        for generation in generations:
            generation.retire()
        self._table.end_handshakes()
        serving = [generation.serving for generation in generations]
        _, late = await asyncio.wait(serving, timeout=self._limits.grace_seconds)
        if late:
            for generation in generations:
                generation.end_connections()
            await asyncio.sleep(_CUT_OFF_SECONDS)

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
                self._warn_of_public_clients()
            if not config.security.same_tls(before):
                await self._replace_generation()

    async def _start_generation(self) -> _Generation:
        generation = _Generation(self._app, self._limits, self._security())
        await generation.until_started()
        return generation

    def _warn_of_public_clients(self) -> None:
        if self._security().public_clients:
            self._log.warning(
                "without client_ca_file, any client certificate of a public authority is accepted"
            )

    def _security(self) -> Security:
        return Security() if self._web_config is None else self._web_config.security

    async def _replace_generation(self) -> None:
        """Serve new connections under the new TLS settings.

        Clients that connected under the old settings have to connect again: at once when no
        request is in progress, otherwise after its response.
        """
        old, self._current = self._current, await self._start_generation()
        old.retire()
        self._table.end_handshakes()
        self._retired = [one for one in (*self._retired, old) if not one.serving.done()]


class _Generation:
    """One run of uvicorn, with TLS settings that do not change.

    Changing a context in use is possible, but OpenSSL has sessions and half handshakes from before
    the change. With a run for each, no connection is under a mixture of two settings.
    """

    def __init__(self, app: ASGIApp, limits: Limits, security: Security) -> None:
        self._limits = limits
        self._security = security
        self._config = uvicorn.Config(
            app,
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
        self.serving = asyncio.create_task(self._server.serve(sockets=[]))

    async def connect(self, sock: socket) -> None:
        """Begin to serve a connection, after its TLS handshake if there is one.

        Raises:
            OSError: the handshake failed.
        """
        protocol = HttpConnection(
            self._config, self._server.server_state, self._limits, self._security.allowed_sans
        )
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: protocol, sock, ssl=self._security.context
        )

    async def until_started(self) -> None:
        """Wait until connections are accepted.

        Raises:
            Exception: what uvicorn raised instead.
        """
        while not self._server.started:
            if self.serving.done():
                self.serving.result()
                raise RuntimeError("uvicorn ended at once")
            await asyncio.sleep(_STARTED_CHECK_SECONDS)

    def retire(self) -> None:
        """Serve no more requests, and end when the responses in progress are complete."""
        self._server.should_exit = True
        # uvicorn does this too, but only after up to a tenth of a second.
        for connection in list(self._server.server_state.connections):
            connection.shutdown()

    def end_connections(self) -> None:
        """End every connection at once."""
        for connection in self._server.server_state.connections:
            connection.transport.abort()


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
