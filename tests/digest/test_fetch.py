"""Fetching the metrics: bounded in size and in time, and with advice when it fails."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from gong_exporter.digest import fetch
from gong_exporter.digest.fetch import FetchError, fetch_samples, metrics_url, wanted_lines
from gong_exporter.digest.http_config import HttpConfig, read_http_config
from tests.support.hostile import (
    Behaviour,
    answer,
    drip,
    flood,
    hang,
    hostile_server,
    raw,
    reset,
)
from tests.support.web_certificates import Authority

OK = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"5\r\nhello\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://localhost:14664", "http://localhost:14664/metrics"),
        ("https://gong.example/", "https://gong.example/metrics"),
        ("http://[::1]:14664", "http://[::1]:14664/metrics"),
        ("https://proxy.example/gong/metrics", "https://proxy.example/gong/metrics"),
    ],
)
def test_the_path_of_the_metrics_is_the_default(given: str, url: str) -> None:
    assert metrics_url(given) == url


@pytest.mark.parametrize(
    "given",
    [
        *("", "localhost:14664", "ftp://a.example", "http://", "http://a:b", "http://[::1"),
        *("http://user@a.example", "http://a.example/?q=1", "http://a.example/#x"),
        "http://user:hunter2@a.example",
    ],
)
def test_another_url_is_refused_without_its_password(given: str) -> None:
    with pytest.raises(ValueError, match=r"is not a URL|must not") as error:
        metrics_url(given)
    assert "hunter2" not in str(error.value)


def test_only_the_samples_of_the_wanted_families_are_kept_whatever_the_pieces() -> None:
    body = b'# HELP a b\n# TYPE a gauge\na 1\nab 2\na{x="y"} 3\nb{a="} a 1"} 4\na{z="\xc3\xa9"} 5\n'
    expected = b'a 1\na{x="y"} 3\na{z="\xc3\xa9"} 5\n'
    for size in range(1, len(body) + 1):
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        assert b"".join(wanted_lines(pieces, frozenset({b"a"}))) == expected


def test_a_body_that_is_cut_short_or_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FetchError, match="ends in the middle of a line"):
        list(wanted_lines([b"a 1\na"], frozenset()))
    with pytest.raises(FetchError, match="too large"):
        list(wanted_lines([b"a" * 50_000] * 2, frozenset()))
    monkeypatch.setattr(fetch, "MAX_BODY", 1000)
    with pytest.raises(FetchError, match="too large"):
        list(wanted_lines([b"a 1\n"] * 251, frozenset()))
    monkeypatch.setattr(fetch, "MAX_SAMPLES", 100)
    assert len(list(wanted_lines([b"a 1\nb 1\n"] * 100, frozenset({b"a"})))) == 100
    with pytest.raises(FetchError, match="more than 100 samples about drops"):
        list(wanted_lines([b"a 1\n"] * 101, frozenset({b"a"})))


def fetched(url: str, timeout: float = 20.0) -> str:
    return fetch_samples(url, HttpConfig(), ["gong_up"], "".join, timeout)


def test_the_time_of_reading_counts() -> None:
    def read(lines: Iterable[str]) -> str:
        never.wait(20)
        return "".join(lines)

    never = threading.Event()
    with hostile_server(answer(200, b"gong_up 1\n")) as server:
        with pytest.raises(FetchError, match=r"did not answer completely within 0.2 s"):
            fetch_samples(server.url, HttpConfig(), ["gong_up"], read, 0.2)
        never.set()


def test_what_reading_raises_is_raised() -> None:
    def read(lines: Iterable[str]) -> str:
        raise LookupError(*lines)

    with (
        hostile_server(answer(200, b"gong_up 1\n")) as server,
        pytest.raises(LookupError, match="gong_up 1"),
    ):
        fetch_samples(server.url, HttpConfig(), ["gong_up"], read)


def test_a_compressed_body_is_read() -> None:
    body = gzip.compress(b"gong_up 1\ngong_down 2\n")
    with hostile_server(answer(200, body, [("Content-Encoding", "gzip")])) as server:
        assert fetched(server.url) == "gong_up 1\n"
        (asked,) = server.requests
    assert asked.header("Accept-Encoding") == "gzip"
    assert asked.header("Accept") == "text/plain; version=0.0.4"


@pytest.mark.parametrize("missing", [1, 8, 9, 12])
def test_a_compressed_body_cut_at_the_end_of_a_line_is_refused(missing: int) -> None:
    lines = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    start = lines.compress(b"gong_up 1\n") + lines.flush(zlib.Z_SYNC_FLUSH)
    body = start + lines.compress(b"gong_up 2\n") + lines.flush()
    with (
        hostile_server(answer(200, body[:-missing], [("Content-Encoding", "gzip")])) as server,
        pytest.raises(FetchError, match=r"cannot read .* ended before the end"),
    ):
        fetched(server.url)


def test_a_compressed_flood_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BODY", 1024 * 1024)
    body = gzip.compress(b"gong_down 2\n" * 1_000_000)
    with (
        hostile_server(answer(200, body, [("Content-Encoding", "gzip")])) as server,
        pytest.raises(FetchError, match="too large"),
    ):
        fetched(server.url)


@pytest.mark.parametrize(
    "behaviour",
    [
        hang(),
        hang(OK),
        drip(b"X-A: b\r\n", after=OK),
        drip(b"a 1\n", after=OK + b"Content-Length: 4000\r\n\r\n"),
        drip(CHUNK, after=OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        drip(CONTINUE),
        flood(CONTINUE),
        flood(b"X-A: b\r\n", after=OK),
        flood(b"x" * 1000, after=OK + b"\r\n"),
        flood(b"a 1\n" * 1000, after=OK + b"\r\n"),
        flood(CHUNK, after=OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        flood(b"\0" * 1000),
        raw(OK + b"Content-Length: 40\r\n\r\ngong_up 1\n"),
        raw(OK + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\ngong_up 1\n"),
        reset,
    ],
)
def test_a_server_without_a_whole_response_fails_in_time(behaviour: Behaviour) -> None:
    with hostile_server(behaviour) as server:
        began = time.monotonic()
        with pytest.raises(FetchError, match=r"did not answer|cannot read|too large"):
            fetched(server.url, 0.5)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("status", "headers", "advice"),
    [
        (401, [], "--http.config.file"),
        (404, [], "add the path of the metrics"),
        (302, [("Location", "http://127.0.0.1:9/")], "a redirect"),
        (500, [], "answered 500$"),
    ],
)
def test_another_status_comes_with_advice(
    status: int, headers: list[tuple[str, str]], advice: str
) -> None:
    with (
        hostile_server(answer(status, b"no", headers)) as server,
        pytest.raises(FetchError, match=advice),
    ):
        fetched(server.url)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (
            b"Content-Length: 40\r\n\r\ngong_up 1\n",
            "IncompleteRead(10 bytes read, 30 more expected)",
        ),
        (b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnotgzip", "Not a gzipped file"),
    ],
)
def test_a_broken_response_is_named_in_words(response: bytes, reason: str) -> None:
    with hostile_server(raw(OK + response)) as server:
        with pytest.raises(FetchError) as raised:
            fetched(server.url)
        assert str(raised.value).startswith(f"cannot read {server.url}: {reason}")


@pytest.mark.parametrize("body", [b"<!doctype html><html></html>", b"<html>\n" * 100_000])
def test_a_web_page_is_named(body: bytes) -> None:
    headers = [("Content-Type", "text/html; charset=utf-8")]
    with (
        hostile_server(answer(200, body, headers)) as server,
        pytest.raises(FetchError, match="is a web page: give the exporter's URL with --url"),
    ):
        fetched(server.url)


def test_a_port_without_a_server_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/metrics"
    with pytest.raises(FetchError, match=r"Connection refused\. Is the exporter running there"):
        fetched(url)


def test_tls_where_there_is_none_is_named() -> None:
    with (
        hostile_server(greet=raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        pytest.raises(FetchError, match=r"does not use TLS there\. Try http://"),
    ):
        fetched(server.url.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("name", "config", "works"),
    [
        ("127.0.0.1", {"ca_file": "ca.pem"}, True),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"ca_file": "other.pem"}, False),
        ("127.0.0.1", {"insecure_skip_verify": "true"}, True),
        ("exporter.example", {"ca_file": "ca.pem"}, False),
        ("exporter.example", {"ca_file": "ca.pem", "server_name": "exporter.example"}, True),
        ("exporter.example", {"ca_file": "ca.pem", "server_name": "other.example"}, False),
    ],
)
def test_a_certificate_is_verified(
    tmp_path: Path, name: str, config: dict[str, str], *, works: bool
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(Authority().pem)
    (tmp_path / "http.yml").write_text(json.dumps({"tls_config": config}))
    read = read_http_config(tmp_path / "http.yml")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(name).write(tmp_path))
    with hostile_server(answer(200, b"gong_up 1\n"), tls=context) as server:
        url = server.url.replace("http:", "https:")
        if works:
            assert fetch_samples(url, read, ["gong_up"], "".join) == "gong_up 1\n"
        else:
            with pytest.raises(FetchError, match=r"certificate is not trusted \(.+\)\. See"):
                fetch_samples(url, read, ["gong_up"], "".join)
