"""Log lines: what is redacted in them, and a reader that reads none."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest
from structlog.typing import FilteringBoundLogger

from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import RedactionPolicy, Redactor


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe of one page: its reading end, and a stream that writes to it."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    stream = os.fdopen(writing, "w", encoding="utf-8")
    yield reading, stream
    os.close(reading)
    stream.close()


def say(log: FilteringBoundLogger, *lines: str) -> None:
    """Say them in a thread of their own, which has to end."""

    def speak() -> None:
        for line in lines:
            log.info(line)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    speaker.join(20)
    assert not speaker.is_alive(), "a log line waits for its reader"


def taken(reading: int) -> str:
    """What is in the pipe."""
    return os.read(reading, 65536).decode()


@pytest.mark.parametrize("size", [100, 10_000, 100_000])
def test_lines_that_nobody_reads_are_left_out_and_counted(
    size: int, pipe: tuple[int, TextIO]
) -> None:
    reading, stream = pipe
    log = make_log("info", "json", stream, Redactor())
    say(log, *["x" * size] * 60)
    before = taken(reading)
    say(log, "after")
    notice, after = (json.loads(line) for line in taken(reading).split("\n") if '"msg"' in line)
    assert after["msg"] == "after"
    assert (notice["level"], notice["msg"]) == (
        "warn",
        "log lines were dropped because stderr was not read",
    )
    assert notice["lines"] == 60 - before.count("\n")
    say(log, "the last")
    assert [json.loads(line)["msg"] for line in taken(reading).splitlines()] == ["the last"]


def test_what_is_left_of_a_line_that_was_broken_off_ends_there(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = make_log("info", "logfmt", stream, Redactor())
    say(log, "ä" * 100_000)
    assert not taken(reading).endswith("\n")
    say(log, "after")
    end, notice, after, nothing = taken(reading).split("\n")
    assert (end, nothing) == ("", "")
    assert 'msg="log lines were dropped because stderr was not read" lines=1' in notice
    assert after.endswith("msg=after")


def test_a_long_line_to_a_reader_is_whole(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = make_log("info", "json", stream, Redactor())
    came: list[str] = []

    def read() -> None:
        while not (came and came[-1].endswith("\n")):
            came.append(os.read(reading, 65536).decode("utf-8", "replace"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    say(log, "x" * 100_000)
    reader.join(20)
    assert json.loads("".join(came))["msg"] == "x" * 100_000


TOKEN = "token-of-some-length"


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_every_value_of_a_line_is_redacted(form: str) -> None:
    sink, redactor = io.StringIO(), Redactor()
    redactor.add_authorization(f"Bearer {TOKEN}")
    log = make_log("info", form, sink, redactor)
    message = f"no jane@acme.example with {TOKEN}"
    log.warning(
        message,
        text=f"Bearer {TOKEN.upper()}",
        names=["bob@acme.example", {"email": "eve@acme.example"}, 7],
        error=ValueError(f"no {TOKEN[:12]}"),
        count=3,
    )
    line = sink.getvalue()
    assert "acme" not in line
    assert TOKEN[:8] not in line.lower()
    if form == "json":
        event = json.loads(line)
        assert {key: event[key] for key in event if key != "ts"} == {
            "level": "warn",
            "msg": "no (hidden) with ***",
            "text": "***",
            "names": ["(hidden)", {"email": "(hidden)"}, 7],
            "error": "no ***",
            "count": 3,
        }


def test_a_traceback_is_redacted_with_the_errors_that_caused_it() -> None:
    sink, redactor = io.StringIO(), Redactor()
    redactor.add_authorization(f"Bearer {TOKEN}")
    log = make_log("info", "json", sink, redactor)
    error = RuntimeError("no jane%40acme.example")
    error.__cause__ = ValueError(f"no {TOKEN}")
    log.error("a defect", exc_info=error)
    shown = json.loads(sink.getvalue())["exception"]
    assert "ValueError: no ***" in shown
    assert "RuntimeError: no (hidden)" in shown


def test_records_of_libraries_are_redacted() -> None:
    sink, redactor = io.StringIO(), Redactor()
    redactor.add_authorization(f"Bearer {TOKEN}")
    make_log("info", "json", sink, redactor)
    logging.getLogger("urllib3").warning("retrying %s for %s", TOKEN, "jane@acme.example")
    event = json.loads(sink.getvalue())
    assert (event["msg"], event["logger"]) == ("retrying *** for (hidden)", "urllib3")


def test_a_reload_changes_what_is_hidden() -> None:
    sink, redactor = io.StringIO(), Redactor(RedactionPolicy(hide_addresses=False))
    log = make_log("info", "json", sink, redactor)
    log.info("jane@acme.example")
    redactor.use(RedactionPolicy())
    log.info("jane@acme.example")
    messages = [json.loads(line)["msg"] for line in sink.getvalue().splitlines()]
    assert messages == ["jane@acme.example", "(hidden)"]


def test_a_traceback_that_ends_a_process_or_a_thread_is_redacted() -> None:
    script = """
import subprocess
import sys
import threading
from gong_exporter.cli.logs import redact_tracebacks
from gong_exporter.common.redact import Redactor
redactor = Redactor()
redactor.add_authorization("Bearer " + "token-of-" + "some-length")
redact_tracebacks(redactor)

def fail():
    raise ValueError("no " + "token-of-" + "some-length for " + "jane" + "@acme.example")

thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("ValueError: no *** for (hidden)") == 2
    assert "acme" not in done.stderr.replace('"@acme.example"', "")
