"""Fetches an exporter's ``/metrics``: one request, bounded in size and in time."""

from __future__ import annotations

import gzip
import re
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from http import HTTPStatus
from typing import IO, TypeVar, cast
from urllib.parse import urlsplit

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.util import Timeout

from gong_exporter.digest.http_config import HttpConfig

TIMEOUT = 60.0
"""Seconds for everything: name lookup, handshake and the last byte of the body."""

MAX_BODY = 256 * 1024 * 1024
"""Bytes after decompression. 10,000 people with all metrics and three windows take 60 MB."""

MAX_SAMPLES = 500_000
"""Of the wanted families. A person has about 20, and each takes about 1 kB of memory."""

MAX_LINE = 64 * 1024
"""Bytes of a line; a sample has a few hundred."""

_CHUNK = 64 * 1024
_Read = TypeVar("_Read")


class FetchError(Exception):
    """The exporter's metrics could not be fetched. The message says what to do about it."""


def metrics_url(text: str) -> str:
    """The URL of the metrics, for the exporter's URL, with or without a path.

    Raises:
        ValueError: it is not an HTTP URL, or it contains a password.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is not a URL such as http://localhost:14664")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password: use --http.config.file")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query ('?') or a fragment ('#')")
    path = parts.path if parts.path.strip("/") else "/metrics"
    return f"{parts.scheme}://{parts.netloc}{path}"


def fetch_samples(
    url: str,
    config: HttpConfig,
    families: Iterable[str],
    read: Callable[[Iterable[str]], _Read],
    timeout: float = TIMEOUT,
) -> _Read:
    """Fetch the samples of some families in the text format, and read them.

    Args:
        url: of the metrics.
        config: passwords and certificates.
        families: names of the families; lines of others are dropped as they arrive.
        read: called with the lines as they arrive; its result is returned.
        timeout: seconds for everything, reading included.

    Raises:
        FetchError: no usable response arrived in time, or it is too large.
        HttpConfigError: a file that ``config`` names cannot be used.
        Exception: whatever ``read`` raises.
    """
    wanted = frozenset(name.encode() for name in families)
    result: Future[_Read] = Future()

    def run() -> None:
        try:
            result.set_result(_fetch(url, config, wanted, read, timeout))
        except Exception as error:  # noqa: BLE001 -- raised again below, in the caller's thread
            result.set_exception(error)

    # Only a thread can be abandoned wherever it hangs: in a name lookup or in endless headers.
    threading.Thread(target=run, daemon=True).start()
    try:
        return result.result(timeout)
    except TimeoutError:
        raise FetchError(f"{url} did not answer completely within {timeout:g} s") from None


def _fetch(
    url: str,
    config: HttpConfig,
    families: frozenset[bytes],
    read: Callable[[Iterable[str]], _Read],
    timeout: float,
) -> _Read:
    """One exchange. Raises: FetchError, HttpConfigError, and whatever ``read`` raises."""
    tls = config.tls_config
    if tls.insecure_skip_verify:
        urllib3.disable_warnings(InsecureRequestWarning)
    headers = {
        "Accept": "text/plain; version=0.0.4",
        "Accept-Encoding": "gzip",
        "User-Agent": "gong-exporter digest",
        **config.headers(),
    }
    context = tls.context()
    try:
        with (
            urllib3.PoolManager(
                timeout=Timeout(timeout),
                ssl_context=context,
                server_hostname=tls.server_name or None,
            ) as pool,
            closing(
                pool.request(
                    "GET",
                    url,
                    headers=headers,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                )
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise FetchError(f"{url} answered {response.status}{_advice(response.status)}")
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise FetchError(f"{url} is a web page: give the exporter's URL with --url")
            lines = wanted_lines(_decoded(response), families)
            return read(line.decode("utf-8", "replace") for line in lines)
    except (HTTPError, OSError, ValueError, EOFError, zlib.error) as error:
        raise FetchError(f"cannot read {url}: {_reason(error)}") from error


def _decoded(response: BaseHTTPResponse) -> Iterator[bytes]:
    """The body in pieces, decompressed.

    urllib3 would not notice a compressed body that is cut off.
    """
    if response.headers.get("Content-Encoding", "").lower() != "gzip":
        yield from response.stream(_CHUNK)
        return
    with gzip.open(cast("IO[bytes]", response)) as body:
        while chunk := body.read(_CHUNK):
            yield chunk


def wanted_lines(chunks: Iterable[bytes], families: frozenset[bytes]) -> Iterator[bytes]:
    """The lines of a body that are samples of these families. Raises: FetchError.

    Args:
        chunks: the body in pieces of any size.
        families: names; ``gong_up 1`` and ``gong_up{job="x"} 1`` are samples of ``gong_up``.
    """
    size, samples, rest = 0, 0, b""
    for chunk in chunks:
        size += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        if size > MAX_BODY or len(rest) > MAX_LINE:
            raise FetchError("the response is too large for the metrics of an exporter")
        for line in whole:
            if line.partition(b"{")[0].partition(b" ")[0] in families:
                samples += 1
                if samples > MAX_SAMPLES:
                    raise FetchError(
                        f"the response has more than {MAX_SAMPLES:,} samples about drops"
                    )
                yield line + b"\n"
    if rest:
        raise FetchError("the response ends in the middle of a line")


def _advice(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return ": name the file with its user name and password with --http.config.file"
    if status == HTTPStatus.NOT_FOUND:
        return ": add the path of the metrics to --url, such as http://localhost:14664/metrics"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ", a redirect: give the URL that it leads to with --url"
    return ""


def _reason(error: Exception) -> str:
    """What went wrong, and what to do about it."""
    text = str(error)
    if isinstance(error, NewConnectionError):
        what = re.sub(r"\[Errno [0-9]+\] ", "", text.rpartition(": ")[2])
        return f"{what}. Is the exporter running there? See --url"
    if isinstance(error, SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in text:
            text = text.partition("failed: ")[2].partition(" (_ssl")[0]
            return f"its certificate is not trusted ({text}). See tls_config in --http.config.file"
        if "ALERT" in text:
            return "it wants another client certificate. See tls_config in --http.config.file"
        return "it does not use TLS there. Try http:// in --url"
    if isinstance(error, ProtocolError) and "closed connection without" in text:
        return "it closed the connection without a response. Try https:// in --url"
    # urllib3 puts the error underneath last, and prints the tuple of both.
    return str(error.args[-1]) if isinstance(error, HTTPError) and error.args else text
