"""Log lines on stderr, as logfmt or JSON, with secrets and addresses redacted.

One logger is built and passed on. The libraries' own log records go through it too.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import select
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from gong_exporter.common.redact import Redactor

PATIENCE = 0.3
"""Seconds that a reader who takes nothing is waited for; the next lines do not wait any more."""

LOST = "log lines were left out: nobody read them"


def make_log(level: str, form: str, stream: TextIO, redactor: Redactor) -> FilteringBoundLogger:
    """A logger that writes one line per event.

    Args:
        level: one of options.LOG_LEVELS.
        form: one of options.LOG_FORMATS.
        stream: where to.
        redactor: redacts messages, values and tracebacks.
    """
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"])
    )
    sink = _Unfailing(stream)

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        ts, lost = event["ts"], sink.take_lost()
        line = str(renderer(logger, method, event))
        if not lost:
            return line
        notice = {"ts": ts, "level": "warn", "msg": LOST, "lines": lost}
        return f"{renderer(logger, method, notice)!s}\n{line}"

    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sink),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("msg"),
            _short,
            _RedactValues(redactor),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
    )
    _adopt_libraries(log)
    return log


def _number(level: str) -> int:
    return {"debug": 10, "info": 20, "warn": 30, "error": 40}[level]


def _short(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out what is None, and spell levels as Prometheus does."""
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


def _adopt_libraries(log: FilteringBoundLogger) -> None:
    """What libraries say through the standard library's logging becomes lines of ours."""
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(log))
    root.setLevel(logging.WARNING)
    # Our own rooms that know only the standard library's logging have news worth telling.
    logging.getLogger("gong_exporter").setLevel(logging.INFO)


class _Unfailing(io.StringIO):
    """A stream whose failures nobody hears of, and that nobody waits for.

    A full disk, or a pipe whose reader is gone or takes nothing, costs log lines; it must not
    end or hold up the poll loop that wanted to write one, nor keep the process from stopping.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._poll: select.poll | None = None
        with contextlib.suppress(OSError, ValueError):  # it is no file of the system's
            self._descriptor = stream.fileno()
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLOUT)
        self._stuck = False
        self._broken_off = False
        self._lost = 0

    def take_lost(self) -> int:
        """How many lines were left out, once there is room again; 0 then, and until then."""
        if not self._lost or not self._has_room(0):
            return 0
        lost, self._lost = self._lost, 0
        return lost

    def write(self, text: str, /) -> int:
        """As far as it goes."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed
            if self._poll is None:
                self._stream.write(text)
            else:
                self._offer(text.encode(self._stream.encoding, "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Likewise."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def _offer(self, line: bytes) -> None:
        """Write it piece by piece: where there is room at all, there is room for a piece."""
        rest = b"\n" + line if self._broken_off else line
        while rest:
            if not self._has_room(0 if self._stuck else PATIENCE):
                self._stuck = True
                self._lost += 1
                self._broken_off |= len(rest) < len(line)
                return
            rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
            self._broken_off = False
        self._stuck = False

    def _has_room(self, seconds: float) -> bool:
        # Errors count as room: to write tells them at once.
        return self._poll is not None and bool(self._poll.poll(seconds * 1000))


class _Forward(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One record as one line."""
        self._log.log(
            record.levelno,
            record.getMessage(),
            logger=record.name,
            exc_info=record.exc_info if record.exc_info and record.exc_info[0] else None,
        )
