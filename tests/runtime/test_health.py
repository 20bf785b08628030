"""``/-/healthy`` is 503 when the poll loop is dead or a due poll does not begin."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.runtime.poller import OVERDUE, Poller
from gong_exporter.runtime.reload import Reloader
from gong_exporter.runtime.schedule import PollTimer
from gong_exporter.runtime.state import ExporterSite
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from tests.support.bench import Bench, FakeLock, bench
from tests.support.companies import FixtureCompany
from tests.support.servers import until
from tests.support.web_site import ask

HOUR = 3600.0


class Dead(Exception):
    """A defect where no poll runs."""


@contextmanager
def served(loop: Bench, poller: Poller) -> Iterator[int]:
    """The port of a site over a bench."""
    log = make_log("debug", "json", io.StringIO(), Redactor())
    site = ExporterSite(
        runner=loop.runner,
        poller=poller,
        started_at=loop.clock.now(),
        reloader=Reloader(load=lambda: loop.config, runner=loop.runner, poller=poller),
    )
    sock = bind("127.0.0.1:0")
    server = WebServer(build_app(site, Options()), [sock], log)
    port = int(sock.getsockname()[1])
    server.start()
    try:
        yield port
    finally:
        assert server.stop()


@contextmanager
def thread_of(loop: Bench, acquire: Callable[[], bool]) -> Iterator[Poller]:
    """A poller with a thread of its own over a bench."""
    loop.state.poller_lock = FakeLock(acquire)
    poller = Poller(
        runner=loop.runner,
        stop_signal=loop.stop_signal,
        timer=PollTimer(),
        idle_interval=0.01,
    )
    try:
        yield poller
    finally:
        loop.stop_signal.stop()
        poller.ask_to_stop()
        assert poller.join(5)


def test_an_ended_loop_is_not_healthy_but_its_data_is_still_served(tmp_path: Path) -> None:
    def defect() -> bool:
        raise Dead

    with bench(tmp_path) as loop, thread_of(loop, defect) as poller, served(loop, poller) as port:
        loop.run()
        assert ask(port, "/-/healthy").status == 200  # the thread has not begun
        poller.start()
        until(lambda: ask(port, "/-/healthy").status == 503, "it is unhealthy")
        assert b"the poll loop has ended; the log says why" in ask(port, "/-/healthy").body
        assert ask(port, "/-/ready").status == 200
        assert b"gong_user_activity{" in ask(port, "/metrics").body
        assert ask(port, "/").status == 200


def test_a_due_poll_that_has_not_begun_for_five_minutes_is_not_healthy(tmp_path: Path) -> None:
    with bench(tmp_path) as loop, served(loop, loop.poller) as port:
        loop.run()
        loop.clock.advance(HOUR + OVERDUE - 1)
        assert ask(port, "/-/healthy").status == 200
        loop.clock.advance(2)
        answer = ask(port, "/-/healthy")
        assert answer.status == 503
        assert b"a poll has been due for" in answer.body
        loop.run()
        assert ask(port, "/-/healthy").status == 200


def test_the_first_poll_is_due_from_the_start(tmp_path: Path) -> None:
    hang = threading.Event()
    with bench(tmp_path) as loop, thread_of(loop, lambda: hang.wait(30)) as poller:
        assert poller.problem() is None
        poller.start()
        loop.clock.advance(OVERDUE + 1)
        assert "has not begun" in str(poller.problem())
        loop.stop_signal.stop()
        hang.set()


def test_a_poll_that_runs_for_hours_is_healthy(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        seen: list[str | None] = []

        def take_long() -> None:
            loop.clock.advance(5 * HOUR)
            seen.append(loop.poller.problem())

        loop.during = take_long
        loop.turn()
        loop.turn()
        assert seen == [None]


def test_a_standby_is_healthy(tmp_path: Path) -> None:
    with bench(tmp_path, acquire=lambda: False) as loop:
        loop.run()
        loop.clock.advance(50 * HOUR)
        assert loop.poller.problem() is None


def test_a_wait_for_gong_is_healthy(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.simulator.set_faults("rate-limited-long")  # Retry-After: 7200
        loop.sleep(HOUR)
        loop.clock.advance(2 * HOUR - 10)
        assert loop.poller.problem() is None


def test_a_wait_for_the_quota_is_healthy(tmp_path: Path) -> None:
    with bench(tmp_path, interval=20 * HOUR, stale_after=50 * HOUR, requests_per_day=7) as loop:
        loop.run()
        loop.simulator.set_faults("server-error")
        loop.sleep(20 * HOUR)  # the quota is spent
        assert len(loop.asked()) == 7
        wait = (loop.timer.at or 0) - loop.clock.now()
        assert wait > HOUR
        loop.clock.advance(wait)
        assert loop.poller.problem() is None


def test_a_clock_set_forward_stays_healthy(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.clock.jump(400 * 86_400.0)
        assert loop.poller.problem() is None


def test_the_page_warns_when_the_quota_does_not_fit_a_poll(tmp_path: Path) -> None:
    with (
        bench(tmp_path, FixtureCompany(users=1000), requests_per_day=14) as loop,
        served(loop, loop.poller) as port,
    ):
        loop.run()
        page = ask(port, "/").body.decode()
        assert "only the window 28d is polled, once a day" in page
        assert "more than gong.requests_per_day (14)" in page
