"""The HTTP server: uvicorn in a daemon thread, on sockets that are bound already."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gong_exporter.web.auth import Gate
from gong_exporter.web.concurrency import in_thread
from gong_exporter.web.connection import GuardedProtocol
from gong_exporter.web.guards import Limits, Seat, Seats, connection_cap
from gong_exporter.web.handshake import is_plain_http, shake_hands
from gong_exporter.web.schemes import Schemes, address_of
from gong_exporter.web.security import Security, WebConfigFile
from gong_exporter.web.strict import strictly

_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_BREATH_SECONDS = 0.05


class WebServer:
    """Serves an application until it is stopped.

    The thread is a daemon: whatever it is at, it never keeps the process from ending.

    Args:
        app: what answers.
        sockets: listening sockets (see ``listen``); the server closes them when it stops.
        limits: what one client may ask.
        web_config: TLS, users and headers; followed while the server runs. None is plain HTTP
            for everybody.
        watch_seconds: how often the files of ``web_config`` are looked at.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        *,
        limits: Limits | None = None,
        web_config: WebConfigFile | None = None,
        watch_seconds: float = 1.0,
    ) -> None:
        self._up = threading.Event()
        limits = limits or Limits()
        if web_config is not None:
            app = Gate(
                app,
                users=lambda: web_config.security.users,
                headers=lambda: web_config.security.headers,
            )
        config = uvicorn.Config(
            strictly(_ends_quietly(app)),
            loop="asyncio",
            http=GuardedProtocol,
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
        self._sockets = sockets
        self._server = _Server(
            config,
            sockets,
            limits,
            web_config,
            watch_seconds=watch_seconds,
            on_started=self._up.set,
        )
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Serve, and return once connections are accepted.

        Raises:
            RuntimeError: the server ended before that.
        """
        self._thread.start()
        self._up.wait()
        if not self._server.started:
            raise RuntimeError("the HTTP server did not start; the log says why")

    def stop(self, timeout: float = 1.5) -> bool:
        """Finish the answers under way within the grace and end; whether it ended in time."""
        if self._thread.ident is None:
            for sock in self._sockets:
                sock.close()
            return True
        self._server.should_exit = True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._server.run()
        except Exception:
            logging.getLogger(__name__).exception("the HTTP server failed")
        finally:
            self._up.set()


class _Server(uvicorn.Server):
    """uvicorn's server with our own doors instead of asyncio's listeners.

    asyncio's listeners hand a connection over only after its TLS handshake, count none, and when
    descriptors run out they stop accepting for a second at a time.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: Sequence[socket.socket],
        limits: Limits,
        web_config: WebConfigFile | None,
        *,
        watch_seconds: float,
        on_started: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._watch_seconds = watch_seconds
        self._sockets = sockets
        self._limits = limits
        self._web_config = web_config
        self._on_started = on_started
        self._seats = Seats(limits.connections or _cap_of_this_process(), limits.newcomer_seconds)
        self._schemes = Schemes()
        self._chores: list[asyncio.Task[None]] = []
        self._welcomes: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Open the doors."""
        for sock in self._sockets:
            sock.setblocking(False)
            self._chores.append(asyncio.create_task(self._keep_door(sock)))
        if self._web_config is not None:
            self._chores.append(asyncio.create_task(self._follow(self._web_config)))
        for chore in self._chores:
            chore.add_done_callback(self._chore_ended)
        self.servers = []
        self.started = True
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Close the doors, let answers finish within the grace, and cut off the rest."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for sock in self._sockets:
            sock.close()
        self._retire_connections()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._seats.vacant.wait(), self._limits.grace_seconds)
        # Whoever has not finished is cut off first, so that its handler ends without complaint.
        late = self._seats.all()
        for seat in late:
            seat.leave()
        await asyncio.sleep(_BREATH_SECONDS if late else 0)
        tasks = [*self.server_state.tasks, *self._welcomes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _chore_ended(self, chore: asyncio.Task[None]) -> None:
        """A server whose door is shut must not look alive."""
        if not chore.cancelled():
            log = logging.getLogger(__name__)
            log.error("the HTTP server stops accepting", exc_info=chore.exception())
            self.should_exit = True

    def _retire_connections(self) -> None:
        """End every connection: those without a request at once, the others after it."""
        for seat in self._seats.waiting():
            seat.leave()
        for connection in list(self.server_state.connections):
            connection.shutdown()

    async def _follow(self, web_config: WebConfigFile) -> None:
        """Put changes of the web configuration's files into force."""
        log = logging.getLogger(__name__)
        broken = False
        while True:
            await asyncio.sleep(self._watch_seconds)
            before = web_config.security
            try:
                changed = await in_thread("web config", web_config.refresh)
            except Exception as error:  # no thread, no memory: better times come
                if not broken:
                    kind = type(error).__name__
                    log.exception("web config not reloaded, the old one stays: %s", kind)
                broken = True
                continue
            broken = False
            if not changed:
                continue
            if web_config.error is not None:
                log.error("web config not reloaded, the old one stays: %s", web_config.error)
                continue
            log.info("web config reloaded")
            after = web_config.security
            if (after.context, after.allowed_sans) != (before.context, before.allowed_sans):
                # Who came in under the old rules has to come in again.
                self._retire_connections()

    async def _keep_door(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(sock)
            except OSError as error:
                # A client that is gone again is no reason to wait. Without descriptors, the
                # oldest connection makes room, and the next round finds it.
                if error.errno in _OUT_OF_DESCRIPTORS:
                    self._seats.clear_one()
                await asyncio.sleep(_BREATH_SECONDS)
                continue
            welcome = loop.create_task(self._welcome(client))
            self._welcomes.add(welcome)
            welcome.add_done_callback(self._welcomes.discard)
            # sock_accept does not yield while connections are queued: let the others have a turn.
            await asyncio.sleep(0)

    async def _welcome(self, client: socket.socket) -> None:
        """Seat a connection, and see it through its TLS handshake."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        seat = Seat(leave=lambda: None)
        address = address_of(client)
        security = Security() if self._web_config is None else self._web_config.security
        protocol = GuardedProtocol(
            self.config,
            self.server_state,
            seats=self._seats,
            seat=seat,
            limits=self._limits,
            allowed_sans=security.allowed_sans,
            on_tls=lambda: self._schemes.wrong(address, tls=True),
        )

        def leave() -> None:
            protocol.cut_off()
            if task is not None and not task.done():
                task.cancel()

        seat.leave = leave
        self._seats.take(seat)
        try:
            if client.family != socket.AF_UNIX:
                # asyncio does so only where it made the listening socket.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if security.context is None:
                await loop.connect_accepted_socket(lambda: protocol, client)
            else:
                await shake_hands(protocol, security.context, client, self._limits.request_seconds)
        except OSError as error:
            # A failed handshake, or a client that hung up: its own business.
            if is_plain_http(error):
                self._schemes.wrong(address, tls=False)
            self._seats.free(seat)
            client.close()
        except asyncio.CancelledError:
            self._seats.free(seat)
            client.close()
            raise


def _ends_quietly(app: ASGIApp) -> ASGIApp:
    """``app``, whose handlers may be cancelled, which happens only when the server stops."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return call


def _cap_of_this_process() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connection_cap(2**31 if soft == resource.RLIM_INFINITY else soft)
