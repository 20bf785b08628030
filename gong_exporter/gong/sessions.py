"""The ``requests`` session behind the transport, whose sockets the running task knows; its errors.

Everything here goes through documented interfaces of ``requests`` and ``urllib3``, except
``HTTPConnection._new_conn``. urllib3 has no public way to learn of a socket before the TLS
handshake; its own SOCKS support overrides the same method.
"""

from __future__ import annotations

import http.client
import logging
import re
import socket
import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError

from gong_exporter.gong.deadline_thread import current_task


def new_session() -> requests.Session:
    """Return a session for one host and one exchange at a time, in a DeadlineThread.

    It keeps no cookies, because nothing needs those that the edge in front of Gong sets.
    """
    # urllib3 logs unreadable headers as they are. They may repeat our credentials.
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
    session = _Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = _Adapter(max_retries=0, pool_connections=1, pool_maxsize=1)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class HeaderAuth(AuthBase):
    """Sets the Authorization header. Passed as ``auth=``, because netrc replaces a bare header."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """See AuthBase."""
        request.headers["Authorization"] = self._value
        return request


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: ``requests`` reads the whole body, without a bound, when there is one."""


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers; the deadline is for all of them. Raises: OSError.

    Each address gets an equal share of the remaining time, so that one that does not answer
    leaves time for the others.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError("the host has no address")
    for index, (*_, address) in enumerate(addresses):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the deadline has passed")
        try:
            sock = socket.create_connection(
                (str(address[0]), int(address[1])), timeout=remaining / (len(addresses) - index)
            )
        except OSError as error:
            failure = error
        else:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            return sock
    raise failure


class _HTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        task = current_task()
        sock = _connect(self.host.strip("[]"), self.port, task.deadline)
        try:
            task.track(sock)
            for option in self.socket_options or ():
                sock.setsockopt(*option)
        except OSError:
            sock.close()
            raise
        return sock

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            current_task().track(self.sock)  # a connection that is used again
        super().putrequest(*args, **kwargs)


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    """The same for HTTPS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def is_timeout(error: BaseException) -> bool:
    """True if a socket timed out at the bottom of the error's chain."""
    return isinstance(error, requests.exceptions.Timeout) or any(
        isinstance(cause, ReadTimeoutError | TimeoutError) for cause in _chain(error)
    )


def describe(error: BaseException) -> str:
    """Describe the cause at the bottom of the error's chain, on one line. Pure.

    Errors about what we send are not quoted, because they may hold credentials; nor is what was
    received in place of HTTP.
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
            text = "the connection was closed without a response"
        case http.client.IncompleteRead():
            text = "the response ended early"
        case ValueError() if isinstance(error, requests.exceptions.ChunkedEncodingError):
            text = "the response ended early"  # or its chunks are malformed
        case requests.RequestException() | ValueError() | TypeError():
            text = (
                "the request cannot be made with this gong.base_url, gong.proxy_url or"
                f" gong.ca_file ({type(root).__name__})"
            )
        case http.client.HTTPException() | HTTPError():
            text = f"the response is not HTTP ({type(root).__name__})"
        case OSError():
            text = root.strerror or str(root)
        case _:
            text = type(root).__name__
    proxy = "proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    return proxy + _UNPRINTABLE.sub(" ", text).strip()


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and its causes, the innermost one last."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and all(current is not seen for seen in chain):
        chain.append(current)
        inner = getattr(current, "reason", None)
        nested = [arg for arg in current.args if isinstance(arg, BaseException)]
        if isinstance(inner, BaseException):
            current = inner
        else:
            current = nested[0] if nested else current.__cause__ or current.__context__
    return chain
