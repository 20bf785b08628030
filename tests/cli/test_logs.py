"""Log lines whose reader takes none: they cost nobody else any time."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest
from structlog.typing import FilteringBoundLogger

from gong_exporter.cli.logs import make_log


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
    log = make_log("info", "json", stream)
    say(log, *["x" * size] * 60)
    before = taken(reading)
    say(log, "after")
    notice, after = (json.loads(line) for line in taken(reading).split("\n") if '"msg"' in line)
    assert after["msg"] == "after"
    assert (notice["level"], notice["msg"]) == ("warn", "log lines were left out: nobody read them")
    assert notice["lines"] == 60 - before.count("\n")
    say(log, "the last")
    assert [json.loads(line)["msg"] for line in taken(reading).splitlines()] == ["the last"]


def test_what_is_left_of_a_line_that_was_broken_off_ends_there(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = make_log("info", "logfmt", stream)
    say(log, "ä" * 100_000)
    assert not taken(reading).endswith("\n")
    say(log, "after")
    end, notice, after, nothing = taken(reading).split("\n")
    assert (end, nothing) == ("", "")
    assert 'msg="log lines were left out: nobody read them" lines=1' in notice
    assert after.endswith("msg=after")


def test_a_long_line_to_a_reader_is_whole(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = make_log("info", "json", stream)
    came: list[str] = []

    def read() -> None:
        while not (came and came[-1].endswith("\n")):
            came.append(os.read(reading, 65536).decode("utf-8", "replace"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    say(log, "x" * 100_000)
    reader.join(20)
    assert json.loads("".join(came))["msg"] == "x" * 100_000
