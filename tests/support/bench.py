"""The poll loop on a bench: real polls of a real simulator, with time in the test's hands."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.activity.poll import poll
from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.exposition.body import Exposition, once_text
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.clock import Stopped
from gong_exporter.runtime.detector import DetectorInput, DetectorOutput, DetectorProcess, detect
from gong_exporter.runtime.parts import make_parts
from gong_exporter.runtime.poll_runner import FetchWindows, PollRunner
from gong_exporter.runtime.poller import Poller
from gong_exporter.runtime.schedule import PollTimer
from gong_exporter.runtime.setup import make_setup
from gong_exporter.runtime.signals import StopSignal
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.records import ApiCompany
from gong_exporter.store import PollerLock, StateFile
from tests.support.clocks import NOW, FakeClock
from tests.support.exporter import write_config
from tests.support.logs import no_log
from tests.support.simulator import running_simulator


class FakeTimer(PollTimer):
    """A PollTimer that fires when the bench's clock has reached its time.

    Attributes:
        at: Unix time for which it is set; None before.
    """

    def __init__(self) -> None:
        self._wake: Callable[[], None] = lambda: None
        self.at: float | None = None

    def start(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def set(self, at: float) -> None:
        self.at = at

    def stop(self) -> None:
        self.at = None

    def fire_if_due(self, now: float) -> None:
        if self.at is not None and self.at <= now:
            self._wake()


class FakeLock(PollerLock):
    """A lock that another process may have."""

    def __init__(self, acquire: Callable[[], bool]) -> None:
        super().__init__(None, no_log())
        self._acquire = acquire

    def acquire(self) -> bool:
        self.acquired = self._acquire()
        return self.acquired


class DetectorHere(DetectorProcess):
    """A run of the detector that is over when it has begun."""

    done = True

    def __init__(self, given: DetectorInput) -> None:
        self._found = detect(given)

    def join(self, _timeout: float) -> bool:
        return True

    def result(self) -> DetectorOutput:
        return self._found

    def stop(self) -> None:
        pass


@dataclass
class Bench:
    """Everything the loop is made of.

    Attributes:
        clock: moves when the loop waits, and when the test says so.
        simulator: asked over real HTTP.
        polled: when each poll began.
        during: called when each poll begins, to let time pass in it or to raise.
    """

    clock: FakeClock
    simulator: Simulator
    timer: FakeTimer
    runner: PollRunner
    poller: Poller
    metrics: ExporterMetrics
    exposition: Exposition
    state: StateFile
    stop_signal: StopSignal
    config: Config
    sink: io.StringIO
    folder: Path
    polled: list[float] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Turn until nothing is left to do."""
        for _ in range(20):
            self.timer.fire_if_due(self.clock.now())
            self.turn()
            if not self.poller._wake.is_set() and (self.timer.at or math.inf) > self.clock.now():
                return
        raise AssertionError(f"the loop does not come to rest: {self.sink.getvalue()[-2000:]}")

    def turn(self) -> None:
        """One turn, as the loop's thread does it."""
        try:
            self.poller._turn()
        except Stopped:
            self.stop_signal.resume()

    def sleep(self, seconds: float) -> None:
        """Let time pass, with everything that is due in it."""
        self.sleep_until(self.clock.now() + seconds)

    def sleep_until(self, end: float) -> None:
        """Until a Unix time. Polls that begin before it may end after it."""
        while (due := self.timer.at) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.now()))
            self.run()
        self.clock.advance(max(0.0, end - self.clock.now()))
        self.run()

    def use(self, **changes: Any) -> None:
        """Put a changed configuration in force: fields of its sections by name."""
        self.config = changed(self.config, **changes)
        self.poller.use(make_setup(self.config), interrupt=True)
        self.run()

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.sink.getvalue().splitlines()]

    def said(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["msg"] == message]

    def asked(self) -> list[tuple[int | None, str]]:
        """Status and last day (exclusive) of every request that arrived."""
        return [(e.status, e.body["filter"]["toDate"]) for e in self.simulator.journal.entries()]

    def value(self, name: str, **labels: str) -> float | None:
        """A sample of what would be served now."""
        shown = self.runner.current()
        text = once_text(shown.snapshot, self.metrics.registry, drops=shown.drops).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None


def changed(config: Config, **changes: Any) -> Config:
    """A configuration with other values: ``interval=60.0`` wherever a section has that field."""
    for name, value in changes.items():
        (section,) = [
            s for s in ("gong", "activity", "poll", "drops") if hasattr(getattr(config, s), name)
        ]
        config = replace(
            config, **{section: getattr(config, section).model_copy(update={name: value})}
        )
    return config


@contextmanager
def bench(
    folder: Path,
    company: ApiCompany | None = None,
    *,
    now: datetime = NOW,
    acquire: Callable[[], bool] = lambda: True,
    exposition_type: type[Exposition] = Exposition,
    sections: dict[str, Any] | None = None,
    start_detector: Callable[[DetectorInput], DetectorProcess] = DetectorHere,
    **changes: Any,
) -> Iterator[Bench]:
    """A loop that has not begun, its simulator and its state.

    Args:
        folder: for the configuration and the state file.
        company: three users in US/Pacific unless given.
        now: where its time begins.
        acquire: whether it may poll.
        exposition_type: what renders.
        sections: of the configuration file.
        start_detector: starts a run of the detector; by default it is over at once.
        changes: to the configuration in force, beyond what the file may say.
    """
    clock = FakeClock(now)
    with running_simulator(company, now=clock.datetime, monotonic=clock.monotonic) as simulator:
        path = write_config(folder, simulator.url, **(sections or {}))
        config = changed(load_config(path, {}), **changes)
        sink = io.StringIO()
        redactor = Redactor()
        log = make_log("debug", "json", sink, redactor)
        state = StateFile(config.state.file, log=log, now=clock.now)
        state.poller_lock = FakeLock(acquire)
        parts = make_parts(state, clock, log, redactor)
        exposition = exposition_type([parts.metrics.registry], clock.monotonic)
        parts = replace(parts, exposition=exposition)
        benches: list[Bench] = []
        runner = PollRunner(
            parts,
            make_setup(config),
            fetch=_noting(benches),
            start_detector=start_detector,
        )
        runner.restore()
        stop_signal = StopSignal()
        timer = FakeTimer()
        poller = Poller(
            runner=runner,
            stop_signal=stop_signal,
            timer=timer,
            idle_interval=0.0,
        )
        timer.start(poller._wake.set)
        benches.append(
            Bench(
                clock,
                simulator,
                timer,
                runner,
                poller,
                parts.metrics,
                exposition,
                state,
                stop_signal,
                config,
                sink,
                folder,
            )
        )
        try:
            yield benches[0]
        finally:
            runner.close()
            state.close()


def _noting(benches: list[Bench]) -> FetchWindows:
    """The real thing, with a note of when it began."""

    def ask(source: Any, plan: Any, knowledge: Any, clock: Any, warn: Any) -> Any:
        (bench,) = benches
        bench.polled.append(clock.now())
        bench.during()
        return poll(source, plan, knowledge, clock, warn)

    return ask
