"""Starts and stops the simulated API on a port of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from gong_exporter.simulator.api.connection import ApiConnection
from gong_exporter.simulator.api.endpoint import Api
from gong_exporter.simulator.api.faults import Fault, parse_fault
from gong_exporter.simulator.api.messages import ApiRequest, ApiResponse, Entry, Journal
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.simulator.records import ApiCompany

BACKLOG = 128
STOP_SECONDS = 1.0


def utc_now() -> datetime:
    """The current time."""
    return datetime.now(UTC)


class Simulator:
    """A Gong API for one company, over real HTTP, in a daemon thread.

    Use it as a context manager, or with ``start`` and ``stop``; it may be started again, on the
    same port, and then remembers its limits and its journal.

    Args:
        company: whose activity it serves.
        options: how it behaves.
        host: address to listen on.
        port: port to listen on; 0 for a free one.
        now: the current time, aware; decides what the company's today is.
        monotonic: seconds, for limits, cursors and the journal.
        on_entry: called with each journal entry, in a thread of the simulator.

    Attributes:
        port: as given; once it listens, the true one.
    """

    def __init__(
        self,
        company: ApiCompany,
        options: SimulatorOptions | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        on_entry: Callable[[Entry], None] | None = None,
    ) -> None:
        self.company = company
        self.options = options or SimulatorOptions()
        self.journal = Journal(self.options.journal_size, on_entry)
        self.port = port
        self._host = host
        self._monotonic = monotonic
        self._api = Api(company, self.options, now)
        self._api_lock = threading.Lock()
        self._running: tuple[threading.Thread, Callable[[], object]] | None = None

    @property
    def url(self) -> str:
        """The base URL, as for ``gong.base_url``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def set_faults(self, *faults: str) -> None:
        """Apply these faults, and no others, from the next response on; none for a healthy API.

        Args:
            faults: ``NAME`` or ``NAME:RATE``.

        Raises:
            ValueError: unknown fault.
        """
        self._api.faults = tuple(map(parse_fault, faults))

    def set_users_faults(self, *faults: str) -> None:
        """Apply these faults to ``GET /v2/users`` alone, besides those of set_faults()."""
        self._api.users_faults = tuple(map(parse_fault, faults))

    def script_faults(self, *responses: str | None) -> None:
        """Apply these faults to the next responses, one each; ``None`` is a healthy response.

        Afterwards the faults of ``set_faults`` apply again. Only requests for activity with the
        right path, method and key, and within the limits, use up a place. To apply several to one
        response, join their names with ``+``.

        Raises:
            ValueError: unknown fault.
        """
        self._api.script.clear()
        self._api.script.extend(
            frozenset(Fault(name).name for name in (names or "").split("+") if name)
            for names in responses
        )

    def start(self) -> Self:
        """Listen and serve; returns when connections are accepted.

        Raises:
            OSError: the address cannot be listened on.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self.port), family=family, backlog=BACKLOG)
        self.port = listener.getsockname()[1]
        started: Future[Callable[[], object]] = Future()
        thread = threading.Thread(
            target=self._run, args=(listener, started), name="simulator", daemon=True
        )
        thread.start()
        self._running = thread, started.result()
        return self

    def stop(self) -> None:
        """Stop listening and drop every connection, within a second; harmless when stopped."""
        if self._running is None:
            return
        thread, stop = self._running
        stop()
        thread.join(STOP_SECONDS)
        self._running = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, listener: socket.socket, started: Future[Callable[[], object]]) -> None:
        try:
            # Not as an argument of asyncio.run: without a loop it would never be awaited.
            with asyncio.Runner() as runner:
                runner.get_loop()
                runner.run(self._serve(listener, started))
        except OSError as error:
            listener.close()
            started.set_exception(error)

    async def _serve(self, listener: socket.socket, started: Future[Callable[[], object]]) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            respond, options = self._respond, self.options
            await ApiConnection(reader, writer, respond, self._monotonic, options).serve()

        server = await asyncio.start_server(connected, sock=listener, backlog=BACKLOG)
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        started.set_result(lambda: loop.call_soon_threadsafe(stop.set))
        await stop.wait()
        server.close()

    def _respond(self, request: ApiRequest) -> ApiResponse:
        with self._api_lock:  # the thread of an earlier start may still be busy
            reply = self._api.handle(request)
        self.journal.write(request, reply)
        return reply.response
