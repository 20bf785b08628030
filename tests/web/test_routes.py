import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gong_exporter.web.routes import Options
from gong_exporter.web.status import Health, Status
from tests.support.servers import until
from tests.support.web_seen import departures, reads, requests_for_a_turn
from tests.support.web_site import FixedSite, ask, body_of, flood, raw, read_to_end, serving


def test_a_scrape_gets_the_prepared_bytes_with_their_type_and_length() -> None:
    site = FixedSite(body=body_of(b"one", b"two", content_encoding="gzip"))
    with serving(site) as port:
        answer = ask(port, "/metrics")
    assert (answer.status, answer.body) == (200, b"onetwo")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == "6"


def test_plain_bytes_have_no_content_encoding() -> None:
    with serving(FixedSite()) as port:
        assert "content-encoding" not in ask(port, "/metrics").headers


def test_a_large_body_arrives_whole() -> None:
    big = bytes(range(256)) * 8192
    with serving(FixedSite(body=body_of(b"head\n", big, b"tail\n"))) as port:
        assert ask(port, "/metrics").body == b"head\n" + big + b"tail\n"


def test_head_answers_as_get_does_without_the_body() -> None:
    site = FixedSite(body=body_of(b"one", b"two", content_encoding="gzip"))
    with serving(site) as port:
        for path in ("/metrics", "/-/healthy", "/-/ready"):
            get, head = ask(port, path), ask(port, path, "HEAD")
            assert head.body == b""
            for answer in (get, head):
                answer.headers.pop("date")
            assert (head.status, head.headers) == (get.status, get.headers)


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/no"])
def test_no_answer_lets_a_browser_take_it_for_something_else(path: str) -> None:
    with serving(FixedSite()) as port:
        assert ask(port, path).headers["x-content-type-options"] == "nosniff"


def test_repeated_accept_headers_reach_the_site_joined() -> None:
    site = FixedSite()
    request = (
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Accept: text/plain\r\nAccept-Encoding: gzip\r\n"
        b"Accept: */*;q=0.1\r\nAccept-Encoding: br\r\n\r\n"
    )
    with serving(site) as port, raw(port, request) as client:
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert site.asked == [("text/plain, */*;q=0.1", "gzip, br")]


def test_missing_accept_headers_reach_the_site_empty() -> None:
    site = FixedSite()
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serving(site) as port, raw(port, request) as client:
        client.recv(4096)
    assert site.asked == [("", "")]


@pytest.mark.parametrize(("ok", "status"), [(True, 200), (False, 503)])
def test_health_and_readiness_are_a_status_and_a_sentence(ok: bool, status: int) -> None:  # noqa: FBT001  # parametrized
    site = FixedSite(health=Health(ok, "the loop"), readiness=Health(ok, "the data"))
    with serving(site) as port:
        healthy, ready = ask(port, "/-/healthy"), ask(port, "/-/ready")
    assert (healthy.status, healthy.body) == (status, b"the loop\n")
    assert (ready.status, ready.body) == (status, b"the data\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused_with_what_is_allowed(method: str) -> None:
    with serving(FixedSite()) as port:
        for path in ("/metrics", "/", "/-/healthy", "/-/ready"):
            answer = ask(port, path, method)
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/-/", "/-/healthy/", "//", "/%2e%2e/"])
def test_an_unknown_path_is_a_plain_404(path: str) -> None:
    with serving(FixedSite()) as port:
        answer = ask(port, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_the_telemetry_path_can_be_moved() -> None:
    with serving(FixedSite(), options=Options(telemetry_path="/probe")) as port:
        assert ask(port, "/probe").body == b"a 1\n"
        assert ask(port, "/metrics").status == 404
        assert b'href="probe"' in ask(port, "/").body


def test_metrics_at_the_root_replace_the_page() -> None:
    with serving(FixedSite(), options=Options(telemetry_path="/")) as port:
        assert ask(port, "/").body == b"a 1\n"
        assert b"page" not in ask(port, "/nothing").body


@pytest.mark.parametrize(
    "path",
    [
        *("metrics", "", "/-/healthy", "/-/", "/{x}", "/a b", "/a?b", "/a#b", "/a%20b", "/\u00e9"),
        *("//evil.example/metrics", "/a//b", "/..", "/a/../b", "/.", "/a/./b", "/a\n", "/a\\b"),
    ],
)
def test_a_telemetry_path_that_cannot_work_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="telemetry path"):
        Options(telemetry_path=path)


def test_reload_is_closed_unless_it_was_enabled() -> None:
    reloads: list[str] = []
    with serving(FixedSite(on_reload=lambda: reloads.append("now"))) as port:
        answer = ask(port, "/-/reload", "POST")
    assert answer.status == 403
    assert b"--web.enable-lifecycle" in answer.body
    assert reloads == []


def test_reload_says_how_it_went() -> None:
    site = FixedSite()
    with serving(site, options=Options(lifecycle=True)) as port:
        assert ask(port, "/-/reload", "POST").status == 200
        assert ask(port, "/-/reload", "PUT").status == 200
        site.reloaded = Health(ok=False, reason="config.yaml:3: unknown key 'pol' (poll?)")
        refused = ask(port, "/-/reload", "POST")
        assert (refused.status, refused.body) == (
            500,
            b"config.yaml:3: unknown key 'pol' (poll?)\n",
        )
        wrong = ask(port, "/-/reload")
        assert (wrong.status, wrong.headers["allow"]) == (405, "POST, PUT")


def test_requests_that_arrive_during_a_reload_share_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrived, release = reads(monkeypatch), threading.Event()
    reloads: list[int] = []
    site = FixedSite()

    def read_the_file() -> None:
        reloads.append(1)
        site.reloaded = Health(ok=len(reloads) == 1, reason=f"reload {len(reloads)}")
        release.wait(30)

    site.on_reload = read_the_file
    request = b"POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with (
        serving(site, options=Options(lifecycle=True)) as port,
        ExitStack() as stack,
    ):
        first = stack.enter_context(raw(port, request, timeout=60))
        until(lambda: reloads, "the first one is being read")
        others = [stack.enter_context(raw(port, request, timeout=60)) for _ in range(49)]
        until(lambda: len(arrived) == 50, "all of them are there")
        assert ask(port, "/metrics").status == 200  # and have had their turn on the event loop
        release.set()
        answers = [read_to_end(client) for client in (first, *others)]
    assert answers[0].startswith(b"HTTP/1.1 200 ")
    assert answers[0].endswith(b"\r\n\r\nreload 1\n")
    for answer in answers[1:]:
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert answer.endswith(b"\r\n\r\nreload 2\n")
    assert len(reloads) == 2


def test_a_reason_may_hold_a_file_name_that_is_not_utf_8() -> None:
    site = FixedSite(reloaded=Health(ok=False, reason="c\udcff.yaml:1: no"))
    with serving(site, options=Options(lifecycle=True)) as port:
        refused = ask(port, "/-/reload", "POST")
    assert (refused.status, refused.body) == (500, b"c\\udcff.yaml:1: no\n")


def test_a_fault_in_the_site_is_a_500_that_gives_nothing_away() -> None:
    site = FixedSite()

    def broken() -> None:
        raise RuntimeError("key=hunter2")

    site.on_reload = broken
    with serving(site, options=Options(lifecycle=True)) as port:
        answer = ask(port, "/-/reload", "POST")
        assert answer.status == 500
        assert b"hunter2" not in answer.body
        assert ask(port, "/metrics").status == 200


@pytest.mark.parametrize(
    "path", ["/m", "/a/b/metrics", "/metrics/", "/~x_1.2-3", "/...", "/a..b/.c"]
)
def test_any_other_telemetry_path_is_served_and_linked(path: str) -> None:
    with serving(FixedSite(), options=Options(telemetry_path=path)) as port:
        assert ask(port, path).body == b"a 1\n"
        assert f'href="{path[1:]}"'.encode() in ask(port, "/").body
        assert ask(port, "/metrics").status == 404


@pytest.mark.parametrize("host", [b'"><script>', b"[::", b"", b"a b", b"[::1]:x", b"\xc3\xa9"])
def test_a_host_that_makes_no_sense_harms_nothing(host: bytes) -> None:
    request = b"GET /?q=ann HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host
    with serving(FixedSite()) as port, raw(port, request) as client:
        answer = read_to_end(client)
    assert answer.startswith((b"HTTP/1.1 200 OK", b"HTTP/1.1 400 "))
    assert host not in answer or host in {b"", b"a b"}


def test_an_address_that_floods_the_page_waits_behind_its_own_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = requests_for_a_turn(monkeypatch)
    go = threading.Event()

    class Slow(FixedSite):
        def status(self) -> Status:
            go.wait(10)
            return super().status()

    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with (
        serving(Slow()) as port,
        ThreadPoolExecutor(1) as pool,
        flood(port, request, 40) as asking,
    ):
        until(lambda: len(turns) == 40, "all of them are there")
        assert ask(port, "/metrics").status == 200
        other = pool.submit(ask, port, "/")
        until(lambda: len(turns) == 41, "another one is behind them")
        go.set()
        assert other.result().status == 200
        answers = [read_to_end(client).split()[1] for client in asking]
    # One is being made, 32 of an address may wait.
    assert answers.count(b"200") == 33
    assert answers.count(b"429") == 7


def test_no_page_is_rendered_for_a_disconnected_client(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, gone = requests_for_a_turn(monkeypatch), departures(monkeypatch)
    go, asked = threading.Event(), []

    class Slow(FixedSite):
        def status(self) -> Status:
            asked.append(1)
            go.wait(10)
            return super().status()

    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(Slow()) as port, raw(port, request):
        until(lambda: asked, "a page is being made")
        with ExitStack() as others:
            for _ in range(20):
                others.enter_context(raw(port, request))
            until(lambda: len(turns) == 21, "the others wait")
        until(lambda: len(gone) == 20, "the server has noticed that they have gone")
        go.set()
        assert ask(port, "/?q=x").status == 200
    assert len(asked) == 2


def test_a_page_is_kept_for_a_second_and_then_rendered_again() -> None:
    now, asked = [100.0], []

    class Counted(FixedSite):
        def status(self) -> Status:
            asked.append(now[0])
            return super().status()

    with serving(Counted(), monotonic=lambda: now[0]) as port:
        for path in ("/", "/", "/?q=ann", "/?q=ann"):
            assert ask(port, path).status == 200
        now[0] = 101.5
        assert ask(port, "/?q=ann").status == 200
    assert asked == [100.0, 100.0, 101.5]
