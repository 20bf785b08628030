"""Requests that could be read in two ways, over real sockets."""

from __future__ import annotations

import pytest

from tests.support.web_site import FixedSite, raw, read_to_end, serving

START = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def answers(request: bytes) -> list[bytes]:
    """The status of each answer until the server closes."""
    with serving(FixedSite()) as port, raw(port, request) as client:
        received = read_to_end(client)
    return [part.split(b" ")[0] for part in received.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: Chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3, 4\r\n\r\nabcd",
        b"Content-Length: +3\r\n\r\nabc",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_request_with_two_lengths_is_refused_and_nothing_after_it_is_answered(
    rest: bytes,
) -> None:
    assert answers(START + rest + NEXT) == [b"400"]


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"Content-Length: 3\r\n\r\nabc",
        b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_a_body_that_is_not_needed_is_skipped(rest: bytes) -> None:
    assert answers(START + rest + NEXT) == [b"200", b"200"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://x/-/healthy", b"200"),
        (b"HTTP://other:80/-/healthy?q=1", b"200"),
        (b"https://x", b"200"),
        (b"https://x/", b"200"),
        (b"http://x/nothing", b"404"),
        (b"http:/x/-/healthy", b"404"),
        (b"ftp://x/-/healthy", b"404"),
        (b"/http://x/-/healthy", b"404"),
        (b"*", b"404"),
    ],
)
def test_a_target_with_a_host_means_the_path_behind_it(target: bytes, status: bytes) -> None:
    request = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target
    assert answers(request) == [status]


def test_what_follows_garbage_is_not_answered() -> None:
    good = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answers(good + b"GARBAGE\r\n\r\n" + good) == [b"200", b"400"]
