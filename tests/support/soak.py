"""A soak: the real exporter, a simulator with every fault at once, and a checker of everything.

The acts: faults of every kind at rates that change, with reloads, two kills and a ``--once``
beside it; then a quota that runs out; then a Retry-After of two hours. Every number of every
scrape is compared with the company's truth about the range that its window states.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from gong_exporter.simulator.api.faults import FAULTS
from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.exporter import ROOT, Process, command, environment, exporter, write_config
from tests.support.simulator import running_simulator
from tests.support.soak_checks import Truth, check_calls, value_of
from tests.support.soak_report import Report
from tests.support.web_process import peak_bytes, resident_bytes

PER_SECOND = 3
OWN_PER_SECOND = 2
"""The exporter's default share of the calls. It leaves room for the delays of a busy machine: two
calls arrive closer together than they were made if the first one waits for a processor."""

PER_DAY = 9_000
TIMEOUT = 1.5
"""Seconds of an exchange."""

LAST_CALLS = 12
"""Calls that the quota leaves in its act."""

ENDLESS = "huge"
"""The fault of a body that does not end."""

ENDLESS_PATIENCE = 60.0
"""Seconds to meet one in: a Retry-After may have to be waited out first."""

UNTELLABLE = frozenset({"not-found"})
"""A 404 to everybody's listing is what a period without activity may look like: no client can
know the difference, so it has no part in a test of truth."""

LONG = "rate-limited-long"
"""Has an act of its own: after it there is nothing to see for two hours."""

VARIANTS: tuple[dict[str, Any], ...] = (
    {"windows": ["1d", "7d"], "users": "all"},
    {"windows": ["1d", "mtd"], "users": [*map(user_id, range(40)), "4711", "4712", email(45)]},
    {"windows": [], "users": "all"},
    {"windows": ["wtd"], "users": [user_id(1), email(2), "nobody@acme.example"]},
    {
        "windows": ["2d", "qtd"],
        "users": "all",
        "metrics": ["calls_as_host", "calls_attended"],
    },
)
"""What the reloads ask for, in turn."""


class Soak:
    """One soak.

    Args:
        folder: for its files.
        seconds: how long.
        seed: of the rates and of the faults' dice.
        say: is called with progress.
    """

    def __init__(self, folder: Path, seconds: float, seed: int, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._seconds = seconds
        self._dice = random.Random(seed)  # noqa: S311 - dice
        self._seed = seed
        self._say = say
        self._company = FixtureCompany(users=250)
        self._truth = Truth(self._company)
        self._stack = ExitStack()
        self._variant = 0
        self._quota = PER_DAY
        self._ended = 0
        self._kills: list[float] = []
        self.report = Report()

    def run(self) -> Report:
        """Play all acts."""
        with (
            running_simulator(
                self._company,
                now=utc_now,
                requests_per_second=PER_SECOND,
                seed=self._seed,
                journal_size=10**6,
                drip_interval=0.02,
                endless_bytes=64 << 20,
            ) as simulator,
            self._stack,
        ):
            self._simulator = simulator
            self._begin = time.monotonic()
            self._write()
            self._start()
            self._act("every fault", 0.1)
            self._kill()
            self._act("every fault, after a kill", 0.1)
            self._kill()
            beside = self._once_beside()
            self._act("every fault, after another kill", 0.6)
            self._read_a_body_without_an_end()
            self._hold(beside.wait(60) in {0, 1}, "--once beside it ended in words")
            self._spend_the_quota(0.1)
            self._meet_a_long_429(0.1)
            self._hold(self._process.stop() < 2, "it stops within two seconds")
            self._tally(simulator)
        return self.report

    def _act(self, name: str, part: float) -> None:
        end = self._announce(name, part)
        while time.monotonic() < end:
            self._simulator.set_faults(*self._rates())
            for _ in range(self._dice.randint(3, 12)):
                self._look()
                if len(self._process.said("poll ended")) > self._ended:
                    self._ended = len(self._process.said("poll ended"))
                    self._reload()

    def _announce(self, act: str, part: float) -> float:
        """Say that an act begins; when it is to end. A slow start of a process shortens none."""
        now = time.monotonic()
        self._say(f"{now - self._begin:5.0f} s  {act}")
        return now + part * self._seconds

    def _rates(self) -> list[str]:
        """Every fault at once, at rates that leave all answers, half or hardly any alone."""
        scale = self._dice.choice([0.0, 0.005, 0.01, 0.02, 0.04])
        return [
            f"{kind.name}:{min(1.0, scale * self._dice.expovariate(1.0))}"
            for kind in FAULTS
            if kind.name not in UNTELLABLE and kind.name != LONG
        ]

    def _read_a_body_without_an_end(self) -> None:
        """Chance may have spared this process the one fault that could cost it its memory."""
        end = self._announce("a body without an end", ENDLESS_PATIENCE / self._seconds)
        before = self._met(ENDLESS)
        self._simulator.set_faults(ENDLESS)
        self._reload()
        while self._met(ENDLESS) == before and time.monotonic() < end:
            self._look()
        self._look()
        self._hold(self._met(ENDLESS) > before, "it met a body without an end")

    def _met(self, fault: str) -> int:
        return sum(fault in entry.faults for entry in self._simulator.journal.entries())

    def _spend_the_quota(self, part: float) -> None:
        end = self._announce("a quota that runs out", part)
        self._simulator.set_faults()
        self._quota = len(self._simulator.journal.entries()) + LAST_CALLS
        self._reload()
        while time.monotonic() < end:
            self._look()
            if len(self._process.said("poll ended")) > self._ended:
                self._ended = len(self._process.said("poll ended"))
                self._reload()
        calls = len(self._simulator.journal.entries())
        self._hold(calls <= self._quota, f"{calls} calls of {self._quota}")
        self._quota = PER_DAY

    def _meet_a_long_429(self, part: float) -> None:
        end = self._announce("a Retry-After of two hours", part)
        self._simulator.set_faults(LONG)
        self._reload()
        while time.monotonic() < end:
            self._look()
        struck = [LONG in entry.faults for entry in self._simulator.journal.entries()]
        self._hold(struck.count(True) == 1 and struck[-1], "one 429 of two hours, and no call more")

    def _look(self) -> None:
        """One scrape, and all that has to hold at any time."""
        report = self.report
        began = time.monotonic()
        self._hold(self._process.process.poll() is None, "the process is alive")
        self._hold(self._process.ask("/-/healthy").status == 200, "it is healthy")
        answer = self._process.ask("/metrics")
        self._truth.check(answer.text, utc_now(), report.verdict)
        used = value_of(answer.text, "gong_exporter_api_quota_used")
        self._hold(used is not None and used <= PER_DAY, f"the ledger counts {used}")
        report.scrapes += 1
        report.lives[-1].append(resident_bytes(self._process.process.pid) / 2**20)
        report.peaks[-1] = peak_bytes(self._process.process.pid) / 2**20
        time.sleep(max(0.0, 0.5 - (time.monotonic() - began)))

    def _write(self, **credentials: str | None) -> Path:
        return write_config(
            self._folder,
            self._simulator.url,
            gong={
                "requests_per_second": OWN_PER_SECOND,
                "requests_per_day": self._quota,
                "timeout": f"{TIMEOUT * 1000:.0f}ms",
                "time_zone": "US/Pacific",
                **credentials,
            },
            poll={"interval": "1m", "stale_after": "200h"},
            activity=self._activity(),
        )

    def _activity(self) -> dict[str, Any]:
        """The next variant, with a window that is not fresh: there is always a call to make."""
        variant = VARIANTS[self._variant % len(VARIANTS)]
        return variant | {"windows": [*variant["windows"], f"{3 + self._variant % 40}d"]}

    def _reload(self) -> None:
        self._variant += 1
        self._write()
        self._process.send(signal.SIGHUP)

    def _start(self) -> None:
        self._process: Process = self._stack.enter_context(exporter(self._write()))
        self._ended = 0
        self.report.lives.append([])
        self.report.peaks.append(0.0)

    def _kill(self) -> None:
        self._process.kill()
        self._kills.append(time.monotonic())
        self._count_polls()
        self._start()

    def _once_beside(self) -> subprocess.Popen[bytes]:
        """Its calls are known by the scheme of its credentials."""
        token = self._simulator.options.bearer_token
        config = self._write(access_key=None, access_key_secret=None, bearer_token=token)
        beside = config.rename(config.with_name("once.yaml"))
        self._write()
        return self._stack.enter_context(_once(beside))

    def _hold(self, true: bool, what: str) -> None:  # noqa: FBT001 - as in assert
        if not true:
            self.report.verdict.violation(f"not so: {what}")

    def _count_polls(self) -> None:
        polls = self.report.polls
        for line in self._process.said("poll ended"):
            kind = (
                "whole"
                if line["failed"] == "none"
                else "empty"
                if line["windows"] == "none"
                else "partial"
            )
            polls[kind] = polls.get(kind, 0) + 1
        defects = [line for line in self._process.lines() if "defect" in line["msg"]]
        self._hold(not defects, f"no defect: {defects[:1]}")

    def _tally(self, simulator: Simulator) -> None:
        self._count_polls()
        entries = simulator.journal.entries()
        check_calls(
            entries,
            PER_SECOND,
            PER_DAY,
            self.report.verdict,
            timeout=TIMEOUT,
            kills=self._kills,
        )
        for entry in entries:
            self.report.calls[entry.status] = self.report.calls.get(entry.status, 0) + 1
            for fault in entry.faults:
                self.report.faults[fault] = self.report.faults.get(fault, 0) + 1


@contextmanager
def _once(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command(f"--config.file={config}", "--once"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
