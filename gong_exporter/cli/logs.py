"""Log lines on stderr, as logfmt or JSON; one logger, built and passed on."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")


def make_log(level: str, form: str, stream: TextIO) -> FilteringBoundLogger:
    """A logger that writes one line per event.

    Args:
        level: one of LEVELS.
        form: one of FORMATS.
        stream: where to.
    """
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"])
    )
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(_Unfailing(stream)),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("msg"),
            _short,
            renderer,
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
    """A stream whose failures nobody hears of.

    A full disk, or a pipe whose reader is gone, costs log lines; it must not end the poll loop
    that wanted to write one.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str, /) -> int:
        """As far as it goes."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Likewise."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


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
