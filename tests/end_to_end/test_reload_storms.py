"""Storms of SIGHUP and of POST /-/reload: a few reloads, and every request is answered."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.exporter import Process
from tests.support.reloads import Scene, playing
from tests.support.servers import until
from tests.support.truth import published
from tests.support.web_site import read_to_end

STORM = 50
FEW = 5
"""Reloads that a storm may come to; one at a time, it is as many as it has requests."""

POST = b"POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with playing(tmp_path) as scene:
        yield scene


def threads(running: Process) -> int:
    return len(list(Path(f"/proc/{running.process.pid}/task").iterdir()))


def test_many_signals_cause_one_reload_and_one_more(scene: Scene) -> None:
    # Each reload waits for the poll that runs, and after one that failed has another one made at
    # once: a thread for each signal would have polls made for hours, and the quota spent.
    scene.simulator.set_faults("hang")
    calls, before = scene.calls(), threads(scene.running)
    scene.reload(gong={"timeout": "60s"}, activity={"windows": ["2d"]})
    until(lambda: scene.calls() > calls, "a poll runs, and reloads have to wait for it")
    for _ in range(100):
        scene.running.send(signal.SIGHUP)
        time.sleep(0.001)
    said = "configuration accepted; the running poll ends first"
    scene.running.await_said(said)
    # The reload, the exchange with Gong, and perhaps one of the web server's.
    assert threads(scene.running) <= before + 3
    scene.write(activity={"windows": ["3d"]})
    scene.simulator.set_faults()
    scene.running.send(signal.SIGHUP)
    until(lambda: "serving 3d" in scene.running.ask("/-/ready").text, "the last one counts")


def storm(scene: Scene) -> list[bytes]:
    """The answers to very many reloads that are requested at once.

    That they arrive together does not depend on speed: the exporter is stopped until all
    of them lie at its door, and the file takes it longer to read than they do.
    """
    with (scene.folder / "config.yaml").open("a", encoding="utf-8") as config:
        config.write(f"# {'-' * 500_000}\n")
    running = scene.running
    host, port = running.address.rsplit(":", 1)
    running.send(signal.SIGSTOP)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=120))
            for _ in range(STORM)
        ]
        for client in clients:
            client.sendall(POST)
        running.send(signal.SIGCONT)
        return [read_to_end(client) for client in clients]


def test_many_posts_cause_few_reloads_and_all_get_a_response(scene: Scene) -> None:
    calls = scene.calls()
    scene.write(activity={"metrics": ["calls_as_host"]})
    said = len(scene.running.said("configuration reloaded"))
    answers = storm(scene)
    assert len(answers) == STORM
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\nthe configuration was read again and is in force\n")
    assert 1 <= len(scene.running.said("configuration reloaded")) - said <= FEW
    assert {key[2] for key in published(scene.running.samples())} == {"calls_as_host"}
    assert scene.calls() == calls


def test_many_posts_with_a_bad_file_are_all_refused(scene: Scene) -> None:
    scene.write(activity={"widnows": ["7d"]})
    answers = storm(scene)
    assert len(answers) == STORM
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"activity.widnows: unknown key; did you mean 'windows'?" in answer
    refusal = "reload refused, the old configuration stays in force"
    assert 1 <= len(scene.running.said(refusal)) <= FEW
    assert scene.reload().status == 200
