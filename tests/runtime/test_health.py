"""``/-/healthy`` is 503 when the poll loop is dead or silent, over real HTTP."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.runtime.heartbeat import SILENCE, Heartbeat
from gong_exporter.runtime.poller import Duty, Poller
from gong_exporter.runtime.reload import Reloader
from gong_exporter.runtime.schedule import Schedule
from gong_exporter.runtime.state import ExporterSite
from gong_exporter.web.app import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from tests.support.bench import Bench, bench
from tests.support.servers import until
from tests.support.web_site import ask


class Dead(Exception):
    """A defect where no poll runs."""


@contextmanager
def served(loop: Bench, acquire: Callable[[], bool], silent_for: list[float]) -> Iterator[int]:
    """The port of a site over a real loop thread, whose heart was last heard so long ago."""
    log = make_log("debug", "json", io.StringIO(), Redactor())
    heartbeat = Heartbeat(lambda: silent_for[0])
    poller = Poller(
        polls=loop.polls,
        clock=loop.clock,
        stop_signal=loop.stop_signal,
        heartbeat=heartbeat,
        duty=Duty(acquire=acquire, holder=lambda: "somebody else polls"),
        timetable=Schedule(),
        on_next_poll=loop.metrics.set_next_poll,
        log=log,
        turn=0.01,
    )
    site = ExporterSite(
        polls=loop.polls,
        poller=poller,
        exposition=loop.exposition,
        metrics=loop.metrics,
        state=loop.state,
        clock=loop.clock,
        started_at=loop.clock.now(),
        reloader=Reloader(
            config=loop.config,
            load=lambda: loop.config,
            polls=loop.polls,
            poller=poller,
            metrics=loop.metrics,
            clock=loop.clock,
            log=log,
        ),
        redactor=Redactor(),
    )
    sock = bind("127.0.0.1:0")
    server = WebServer(build_app(site, Options()), [sock])
    port = int(sock.getsockname()[1])
    server.start()
    try:
        assert ask(port, "/-/healthy").status == 200  # the loop has not begun: nothing is amiss
        poller.start()
        yield port
    finally:
        loop.stop_signal.stop()
        poller.ask_to_stop()
        assert poller.join(5)
        assert server.stop()


def test_a_loop_that_ended_is_not_healthy_and_the_data_is_served_on(tmp_path: Path) -> None:
    def defect() -> bool:
        raise Dead

    with bench(tmp_path) as loop:
        loop.run()
        with served(loop, defect, [0.0]) as port:
            until(lambda: ask(port, "/-/healthy").status == 503, "it is unhealthy")
            assert b"the poll loop has ended; the log says why" in ask(port, "/-/healthy").body
            assert ask(port, "/-/ready").status == 200
            assert b"gong_user_activity{" in ask(port, "/metrics").body
            assert ask(port, "/").status == 200


def test_a_loop_that_gives_no_sign_of_life_is_not_healthy_until_it_does(tmp_path: Path) -> None:
    silent_for = [0.0]
    with bench(tmp_path) as loop, served(loop, lambda: False, silent_for) as port:
        assert ask(port, "/-/healthy").status == 200
        silent_for[0] = SILENCE + 1  # this loop's own clock is another one, and does not beat here
        answer = ask(port, "/-/healthy")
        assert answer.status == 503
        assert b"no sign of life for 61 s" in answer.body
