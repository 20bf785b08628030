"""Fetching the metrics: whole or not at all, with advice when it fails."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
from pathlib import Path

import pytest

from gong_exporter.digest.fetch import FetchError, fetch_samples, metrics_url
from gong_exporter.digest.http_config import HttpConfig, read_http_config
from gong_exporter.digest.samples import NoWeekError
from gong_exporter.exposition.names import COMPANY_USUAL
from tests.support.hostile import Behaviour, answer, hang, hostile_server, raw, reset
from tests.support.web_certificates import Authority

OK = b"HTTP/1.1 200 OK\r\n"
SAMPLE = b'gong_company_usual_activity{window="7d"} 1\n'


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
        *("http://user@a.example"),
        "http://user:hunter2@a.example",
    ],
)
def test_another_url_is_refused_without_its_password(given: str) -> None:
    with pytest.raises(ValueError, match=r"is not a URL|must not") as error:
        metrics_url(given)
    assert "hunter2" not in str(error.value)


def fetched(url: str, timeout: float = 20.0) -> float | None:
    return fetch_samples(url, HttpConfig(), timeout).single(COMPANY_USUAL)


@pytest.mark.parametrize("packed", [False, True])
def test_the_samples_are_read_compressed_or_not(*, packed: bool) -> None:
    body = SAMPLE + b"gong_company_usual 2\n# HELP gong_company_usual_activity 3\n"
    headers = [("Content-Encoding", "gzip")] if packed else []
    with hostile_server(answer(200, gzip.compress(body) if packed else body, headers)) as server:
        assert fetched(server.url) == 1
        (asked,) = server.requests
    assert asked.header("Accept-Encoding") == "gzip"
    assert asked.header("Accept") == "text/plain; version=0.0.4"


@pytest.mark.parametrize(
    "behaviour",
    [
        hang(),
        hang(OK),
        raw(OK + b"Content-Length: 400\r\n\r\n" + SAMPLE),
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        raw(OK + b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnotgzip"),
        answer(200, gzip.compress(SAMPLE * 100)[:-9], [("Content-Encoding", "gzip")]),
        reset,
    ],
)
def test_a_server_without_a_whole_response_fails_in_time(behaviour: Behaviour) -> None:
    with hostile_server(behaviour) as server, pytest.raises(FetchError, match="cannot read"):
        fetched(server.url, 0.5)


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


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_that_is_cut_off_is_no_sample(*, packed: bool) -> None:
    body = SAMPLE + SAMPLE.replace(b" 1\n", b" 12")
    headers = [("Content-Encoding", "gzip")] if packed else []
    with (
        hostile_server(answer(200, gzip.compress(body) if packed else body, headers)) as server,
        pytest.raises(FetchError, match="in the middle of a line"),
    ):
        fetched(server.url)


def test_a_port_without_a_server_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/metrics"
    with pytest.raises(FetchError, match=r"Connection refused\. Is the exporter running there"):
        fetched(url)


def test_a_web_page_is_not_the_text_format() -> None:
    body = b"<!doctype html>\ngong_company_usual_activity{\n"
    with hostile_server(answer(200, body)) as server, pytest.raises(NoWeekError, match="format"):
        fetched(server.url)


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
    with hostile_server(answer(200, SAMPLE), tls=context) as server:
        url = server.url.replace("http:", "https:")
        if works:
            assert fetch_samples(url, read).single(COMPANY_USUAL) == 1
        else:
            with pytest.raises(FetchError, match=r"certificate verify failed: .+ See"):
                fetch_samples(url, read)
