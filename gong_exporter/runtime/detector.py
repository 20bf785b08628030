"""Runs the detector in a process of its own, at low priority.

The detector is pure Python and takes seconds in a large company. In this process it would delay
scrapes, because only one thread of a process runs Python at a time, and it would leave memory that
the allocator does not return. Input and output are small; all else is gone when the process ends.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, cast

from gong_exporter.drops.detect import find
from gong_exporter.drops.records import NO_TEAM, CompanyWeek, Person
from gong_exporter.exposition.scores import PeopleScores, TeamScore
from gong_exporter.runtime.signals import BackgroundTask
from gong_exporter.store.day_body import PersonDays, SavedDays

LOWEST_PRIORITY = 19
"""Niceness: scrapes and polls go first, also on one processor."""

_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:];"
    " from gong_exporter.runtime.detector import main; main()"
)
"""With this process's search path, so that the same code runs however this process was started."""


class DetectorFailed(Exception):
    """The process of the detector ended without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorInput:
    """What the detector needs.

    Attributes:
        days: of the history, consecutive, newest first.
        covered: whom all of these days are about; None for everybody.
        known_users: people who have 0 on days that do not name them.
        teams: the team of each person that has one, by today's roster.
        left: people who are not active any more, by the roster.
    """

    days: SavedDays
    covered: frozenset[str] | None
    known_users: frozenset[str]
    teams: Mapping[str, str]
    left: frozenset[str]


@dataclass(frozen=True, slots=True)
class DetectorOutput:
    """What the detector found.

    Attributes:
        people: of people, as of the newest day of the history.
        teams: of teams, by name.
        company: of the company; None while it is not known.
    """

    people: PeopleScores
    teams: Mapping[str, TeamScore]
    company: CompanyWeek | None


def detect(given: DetectorInput) -> DetectorOutput:
    """Find drops of activity. Takes seconds in a large company."""
    findings = find(list(_people(given)))
    return DetectorOutput(
        PeopleScores(findings.people),
        {name: TeamScore.of(team) for name, team in findings.teams.items()},
        findings.company,
    )


def _people(given: DetectorInput) -> Iterator[Person]:
    active = given.days.people()
    nothing = PersonDays.nothing(len(given.days.bodies))
    for user_id in sorted(active.keys() | given.known_users):
        if given.covered is not None and user_id not in given.covered:
            continue  # added to the list just now: the person's earlier days are not known yet
        days = active.get(user_id, nothing)
        yield Person(
            user_id=user_id,
            team=given.teams.get(user_id, NO_TEAM),
            hosted=days.hosted,
            calls=days.calls,
            contributions=days.contributions,
            listened=days.listened,
            active=days.active,
            employed=user_id not in given.left,
        )


class DetectorProcess:
    """A run of the detector in a process of its own.

    Raises:
        DetectorFailed: the system cannot start a process or a thread now.
    """

    def __init__(self, given: DetectorInput) -> None:
        self._output: list[DetectorOutput] = []
        self._error = b""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, fixed code
                [sys.executable, "-I", "-c", _PROGRAM, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the exporter
            )
        except OSError as error:
            raise DetectorFailed(f"its process cannot start: {error}") from error
        try:
            self._task = BackgroundTask("drops", lambda: self._exchange(given))
        except RuntimeError as error:
            self._process.kill()
            self._process.communicate()
            raise DetectorFailed(str(error)) from error

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._task.done

    def join(self, timeout: float) -> bool:
        """Whether it ended within ``timeout`` seconds."""
        return self._task.join(timeout)

    def result(self) -> DetectorOutput:
        """What it found. Raises DetectorFailed if there is nothing. Only after its end."""
        if self._output:
            return self._output[0]
        last = self._error.decode(errors="replace").splitlines()[-1:]
        raise DetectorFailed(": ".join([f"status {self._process.returncode}", *last]))

    def stop(self) -> None:
        """End it."""
        self._process.kill()

    def _exchange(self, given: DetectorInput) -> None:
        """Write to the process and read from it, in pieces: both are megabytes."""
        with self._process as process:
            stdin, stdout, stderr = (
                cast("IO[bytes]", pipe) for pipe in (process.stdin, process.stdout, process.stderr)
            )
            try:
                with suppress(BrokenPipeError), stdin:
                    pickle.dump(given, stdin)
                with suppress(EOFError):
                    self._output.append(pickle.load(stdout))  # noqa: S301 - of our own process
                self._error = stderr.read()
            finally:
                process.kill()


def main() -> None:
    """The process of the detector: from standard input to standard output."""
    with suppress(OSError):  # a sandbox may forbid it
        os.nice(LOWEST_PRIORITY)
    given: DetectorInput = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own process
    pickle.dump(detect(given), sys.stdout.buffer)
