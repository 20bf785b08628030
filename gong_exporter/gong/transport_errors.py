"""What broke an exchange, in words: what the libraries say, without URLs and objects."""

from __future__ import annotations

import http.client
import re
import socket
import ssl

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def is_timeout(error: BaseException) -> bool:
    """Whether a socket's time ran out at the bottom of it."""
    return isinstance(error, requests.exceptions.Timeout) or any(
        isinstance(cause, ReadTimeoutError | TimeoutError) for cause in _chain(error)
    )


def describe(error: BaseException) -> str:
    """What went wrong at the bottom, on one line. Pure.

    Of errors about what we send nothing is repeated, since that may be credentials; nor of what
    came back instead of HTTP.
    """
    root = _chain(error)[-1]
    match root:
        case ssl.SSLCertVerificationError():
            text = f"TLS: {root.verify_message}"
        case ssl.SSLError():
            text = f"TLS: {root.reason or 'the handshake failed'}"
        case socket.gaierror():
            text = f"the name cannot be resolved ({root.strerror})"
        case http.client.RemoteDisconnected():
            text = "the connection was closed without an answer"
        case http.client.IncompleteRead():
            text = "the answer broke off before its end"
        case ValueError() if isinstance(error, requests.exceptions.ChunkedEncodingError):
            text = "the answer broke off before its end"  # or its chunks make no sense
        case requests.RequestException() | ValueError() | TypeError():
            text = (
                "the request cannot be made with this gong.base_url, gong.proxy_url or"
                f" gong.ca_file ({type(root).__name__})"
            )
        case http.client.HTTPException() | HTTPError():
            text = f"what came back is not HTTP ({type(root).__name__})"
        case OSError():
            text = root.strerror or str(root)
        case _:
            text = type(root).__name__
    proxy = "proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    return proxy + _line(text)


def _line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()


def _chain(error: BaseException) -> list[BaseException]:
    """The error, and what caused it, down to the bottom."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and all(current is not seen for seen in chain):
        chain.append(current)
        inner = getattr(current, "reason", None)
        inside = [arg for arg in current.args if isinstance(arg, BaseException)]
        current = (
            inner
            if isinstance(inner, BaseException)
            else (inside[0] if inside else current.__cause__ or current.__context__)
        )
    return chain
