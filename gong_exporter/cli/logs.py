"""Log lines on stderr, as logfmt or JSON, with secrets and addresses redacted.

One logger is built and passed on. The libraries' own log records go through it too.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import select
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from gong_exporter.common.redact import Redactor

WRITE_TIMEOUT = 0.3
"""Seconds to wait for a reader of stderr; once it has passed, further lines do not wait."""

DROPPED = "log lines were dropped because stderr was not read"


def make_log(level: str, form: str, stream: TextIO, redactor: Redactor) -> FilteringBoundLogger:
    """A logger that writes one line per event."""
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"])
    )
    sink = _NonBlockingStream(stream)

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        ts, dropped = event["ts"], sink.pop_dropped()
        line = str(renderer(logger, method, event))
        if not dropped:
            return line
        notice = {"ts": ts, "level": "warn", "msg": DROPPED, "lines": dropped}
        return f"{renderer(logger, method, notice)!s}\n{line}"

    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sink),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("msg"),
            _normalize,
            _RedactValues(redactor),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    logging.basicConfig(handlers=[_Forward(log)], level=logging.WARNING, force=True)
    return log


def redact_tracebacks(redactor: Redactor) -> None:
    """Redact the traceback of an error that ends the process or one of its threads."""

    def show(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(redactor.redact(text))

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = show
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda args: show(args.exc_type, args.exc_value, args.exc_traceback)


def _normalize(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Remove keys that are None, and spell levels as Prometheus does."""
    level = {"warning": "warn"}.get(event["level"], event["level"])
    return {key: value for key, value in event.items() if value is not None} | {"level": level}


class _RedactValues:
    """Redacts every value of an event; keys are literals of the code."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        fixed = {key: event[key] for key in ("ts", "level")}
        return {key: self._redacted(value) for key, value in event.items()} | fixed

    def _redacted(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {str(key): self._redacted(item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._redacted(item) for item in value]
            case _:
                return self._redactor.redact(str(value))


class _NonBlockingStream(io.StringIO):
    """A stream that drops lines instead of failing or blocking.

    A full disk, or a pipe whose reader is gone or reads nothing, costs log lines. It must not end
    or delay the poll loop that logs, or keep the process from stopping.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._poll: select.poll | None = None
        with contextlib.suppress(OSError, ValueError):  # it has no file descriptor
            self._descriptor = stream.fileno()
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLOUT)
        self._blocked = False
        self._line_cut = False
        self._dropped = 0

    def pop_dropped(self) -> int:
        """How many lines were dropped since the last call; 0 while it still cannot write."""
        if not self._dropped or not self._can_write(0):
            return 0
        dropped, self._dropped = self._dropped, 0
        return dropped

    def write(self, text: str, /) -> int:
        """Write as much as possible."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed
            if self._poll is None:
                self._stream.write(text)
            else:
                self._write_pieces(text.encode(self._stream.encoding, "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def _write_pieces(self, line: bytes) -> None:
        """Write a line in pieces of PIPE_BUF bytes, since a writable pipe has room for one."""
        rest = b"\n" + line if self._line_cut else line
        while rest:
            if not self._can_write(0 if self._blocked else WRITE_TIMEOUT):
                self._blocked = True
                self._dropped += 1
                self._line_cut |= len(rest) < len(line)
                return
            rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
            self._line_cut = False
        self._blocked = False

    def _can_write(self, seconds: float) -> bool:
        # Errors count as writable: the write then raises them at once.
        return self._poll is not None and bool(self._poll.poll(seconds * 1000))


class _Forward(logging.Handler):
    """Sends the records of the standard library's logging to our log."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        self._log.log(
            record.levelno,
            record.getMessage(),
            logger=record.name,
            exc_info=record.exc_info if record.exc_info and record.exc_info[0] else None,
        )
