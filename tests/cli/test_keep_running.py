"""What the main thread minds: an HTTP server that ended ends the process, with 1."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gong_exporter.cli.logs import make_log
from gong_exporter.cli.options import FAILED
from gong_exporter.cli.serve import keep_running
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.runtime.app import Exporter
from gong_exporter.runtime.signals import Signals
from gong_exporter.web.routes import Options
from gong_exporter.web.sockets import bind
from tests.support.exporter import write_config
from tests.support.simulator import running_simulator


def test_an_exporter_that_serves_no_more_does_not_linger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without its server its polls are not visible, and a supervisor that would restart it waits
    # for its end.
    running: list[Exporter] = []
    signals = Signals()
    with running_simulator() as simulator:
        config = load_config(write_config(tmp_path, simulator.url), {})

        def build() -> Exporter:
            return Exporter(
                config=config,
                load=lambda: config,
                sockets=[bind("127.0.0.1:0")],
                options=Options(),
                log=make_log("error", "logfmt", io.StringIO(), Redactor()),
                redactor=Redactor(),
            )

        def end_the_server(exporter: Exporter) -> None:
            running.append(exporter)
            exporter._web.stop(1.0)

        try:
            with signals.handlers_installed(), pytest.raises(SystemExit) as ended:
                keep_running(build, signals, end_the_server)
        finally:
            for exporter in running:
                exporter.stop()
    assert ended.value.code == FAILED
    assert "gong-exporter: the HTTP server ended; the log says why" in capsys.readouterr().err
