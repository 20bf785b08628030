"""Fetches the samples that a digest is made from, from an exporter's ``/metrics``."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import IO, cast
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from gong_exporter.digest.http_config import HttpConfig
from gong_exporter.digest.samples import FAMILIES, Samples

TIMEOUT = 60.0
"""Seconds to connect, and between two pieces of the response."""


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
    path = parts.path if parts.path.strip("/") else "/metrics"
    return f"{parts.scheme}://{parts.netloc}{path}"


def fetch_samples(url: str, config: HttpConfig, timeout: float = TIMEOUT) -> Samples:
    """Fetch the samples of FAMILIES in the text format.

    Args:
        url: of the metrics.
        config: passwords and certificates.
        timeout: seconds to connect, and between two pieces of the response.

    Raises:
        FetchError: no whole response arrived.
        HttpConfigError: a file that ``config`` names cannot be used.
        NoWeekError: the response is not in the text format.
    """
    tls = config.tls_config
    if tls.insecure_skip_verify:
        urllib3.disable_warnings(InsecureRequestWarning)
    headers = {
        "Accept": "text/plain; version=0.0.4",
        "Accept-Encoding": "gzip",
        "User-Agent": "gong-exporter digest",
        **config.headers(),
    }
    try:
        with (
            urllib3.PoolManager(
                timeout=timeout,
                ssl_context=tls.context(),
                server_hostname=tls.server_name or None,
            ) as pool,
            pool.request(
                "GET",
                url,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise FetchError(f"{url} answered {response.status}{_advice(response.status)}")
            if response.headers.get("Content-Encoding") != "gzip":
                return Samples(_wanted(response))
            # urllib3 would not notice a compressed body that is cut off.
            with gzip.open(cast("IO[bytes]", response)) as body:
                return Samples(_wanted(body))
    except (HTTPError, OSError, EOFError, zlib.error) as error:
        # urllib3 puts the error underneath last, and prints the tuple of both.
        reason = error.args[-1] if error.args else error
        raise FetchError(
            f"cannot read {url}: {reason}."
            " Is the exporter running there? See --url and --http.config.file"
        ) from error


def _wanted(lines: Iterable[bytes]) -> Iterator[str]:
    """The samples of FAMILIES; ``gong_up 1`` and ``gong_up{job="x"} 1`` are samples of ``gong_up``.

    Raises:
        FetchError: the last line is cut off.
    """
    names = frozenset(family.name.encode() for family in FAMILIES)
    for line in lines:
        if not line.endswith(b"\n"):
            raise FetchError("the response ends in the middle of a line")
        if line.partition(b"{")[0].partition(b" ")[0] in names:
            yield line.decode()


def _advice(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return ": name the file with its user name and password with --http.config.file"
    if status == HTTPStatus.NOT_FOUND:
        return ": add the path of the metrics to --url, such as http://localhost:14664/metrics"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ", a redirect: give the URL that it leads to with --url"
    return ""
