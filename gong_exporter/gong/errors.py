"""The errors of a call to Gong, as a tree; each leaf carries its ``reason``.

GongError
 +-- ResponseError              Gong answered with an error status
 |    +-- BadRequest            400                           bad_request
 |    +-- UnexpectedStatus      undocumented 4xx, HTML 400    bad_request
 |    +-- Unauthorized          401                           unauthorized
 |    +-- Forbidden             403                           forbidden
 |    +-- UserNotFound          404                           not_found
 |    +-- RateLimited           429                           rate_limited
 |    |    +-- ServiceUnavailable 503 with Retry-After          server_error
 |    +-- ServerError           other 5xx, 408, 425           server_error
 |    +-- Redirected            3xx, never followed           redirect
 +-- TransportError             no complete response arrived
 |    +-- TimedOut              not done within gong.timeout  timeout
 |    +-- ConnectionFailed      DNS, TCP, TLS, proxy, reset   connection
 +-- InvalidResponse            not the documented shape (a 2xx, a 404), or too large
 |                                                            invalid_response
 +-- NotSent                    the call was not made, and is not counted
      +-- QuotaSpent            requests_per_day is used up
      +-- WaitTooLong           a Retry-After is in force for longer than a call waits
      +-- CredentialsUnreadable a secret's file cannot be read
"""

from __future__ import annotations

from typing import ClassVar

REASONS: tuple[str, ...] = (
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "rate_limited",
    "server_error",
    "redirect",
    "timeout",
    "connection",
    "invalid_response",
)
"""Every ``reason`` of ``gong_exporter_api_request_errors_total``."""


NOT_GONG = (
    "Gong does not respond like this: check gong.base_url, and the proxies on the way"
    " (gong.proxy_url or $HTTPS_PROXY)"
)
"""The advice for a response that is probably a proxy's, or from a host that is not the API's."""


class GongError(Exception):
    """Base of every error of a call to Gong.

    Attributes:
        message: for people; contains no secret.
        request_id: Gong's ``requestId``, or None.
        code: the HTTP status if a response arrived, or began to; None otherwise.
        reason: the label value under which the error is counted.
        advice: what the operator can do about it; may be empty.
    """

    reason: ClassVar[str] = ""
    advice: str = ""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id
        self.code: int | None = None

    def describe(self) -> str:
        """Return the message, Gong's requestId, and the advice on a line of its own."""
        request = f" (requestId {self.request_id})" if self.request_id else ""
        advice = f"\n  {self.advice}" if self.advice else ""
        return f"{self.message}{request}{advice}"


class ResponseError(GongError):
    """Gong answered with a status other than 2xx.

    Args:
        status: the HTTP status.
        errors: the ``errors`` member of the body, shortened.
        request_id: Gong's ``requestId``.
    """

    def __init__(
        self, status: int, *, errors: tuple[str, ...] = (), request_id: str | None = None
    ) -> None:
        quoted = f": {'; '.join(errors)}" if errors else ""
        super().__init__(f"Gong answered {status}{quoted}", request_id=request_id)
        self.code = status


class BadRequest(ResponseError):
    """400: the request is wrong, or its cursor expired."""

    reason = "bad_request"
    advice = "check gong.time_zone and activity.created_from/created_to against the company's"


class UnexpectedStatus(ResponseError):
    """A 4xx that Gong does not document, such as 405 or 407, or a 400 with an HTML body."""

    reason = "bad_request"
    advice = NOT_GONG


class Unauthorized(ResponseError):
    """401: wrong, revoked or expired credentials, or a missing scope."""

    reason = "unauthorized"
    advice = (
        "check the access key and secret (or the bearer token), whether they have expired, that"
        " they have the scope api:stats:user-actions, and that gong.base_url is the host on Gong's"
        " API page (for an OAuth token, the host that came with the token)"
    )


class Forbidden(ResponseError):
    """403: this machine's address is not on the company's allow-list."""

    reason = "forbidden"
    advice = "ask a Gong administrator to put this machine's public IP address on the allow-list"


class UserNotFound(ResponseError):
    """404: a requested user is unknown, or none of them has data in the window."""

    reason = "not_found"
    advice = "check activity.users"


class RateLimited(ResponseError):
    """429: the company's 3 calls a second or 10,000 a day are used up.

    Attributes:
        retry_after: seconds to wait, from the header; None when it is absent or unreadable.
        until: Unix seconds at which to poll again when the wait is too long for a call; set by
            the client.
    """

    reason = "rate_limited"
    advice = "lower gong.requests_per_second or requests_per_day; other integrations share them"

    def __init__(
        self,
        status: int = 429,
        *,
        errors: tuple[str, ...] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, errors=errors, request_id=request_id)
        self.retry_after = retry_after
        self.until: float | None = None


class ServiceUnavailable(RateLimited):
    """503 with a Retry-After, which is obeyed like that of a 429."""

    reason = "server_error"
    advice = "wait; no call is made before the time that Gong named"


class ServerError(ResponseError):
    """5xx from Gong or the edge in front of it; also 408 and 425, which are as temporary."""

    reason = "server_error"
    advice = "wait; if it stays, see Gong's status page, then ask its support, with the request_id"


class Redirected(ResponseError):
    """3xx: this is not the company's host. Following it would end in a misleading 401.

    Args:
        location: the host (with scheme and port) that the ``Location`` header names, or None.
    """

    reason = "redirect"
    advice = "set gong.base_url to the host shown on Gong's API page"

    def __init__(
        self, status: int, *, location: str | None = None, request_id: str | None = None
    ) -> None:
        target = f"redirects to {location}" if location else "redirects elsewhere"
        super().__init__(status, errors=(target,), request_id=request_id)


class TransportError(GongError):
    """No complete response arrived."""


class TimedOut(TransportError):
    """The exchange took longer, to the last byte of the body, than ``gong.timeout``."""

    reason = "timeout"
    advice = "raise gong.timeout, or look for a slow proxy"


class ConnectionFailed(TransportError):
    """DNS, the connection, TLS or the proxy failed, or a connection broke."""

    reason = "connection"
    advice = "check gong.base_url, the network, gong.proxy_url or $HTTPS_PROXY, and gong.ca_file"


class InvalidResponse(GongError):
    """A 2xx or 404 of another shape, or too large; also a listing that contradicts itself."""

    reason = "invalid_response"


class NotSent(GongError):
    """The call was not made.

    Attributes:
        until: Unix seconds at which it can be made; None when that is unknown.
    """

    def __init__(self, message: str, *, until: float | None = None) -> None:
        super().__init__(message)
        self.until = until


class QuotaSpent(NotSent):
    """The last 24 hours already contain ``requests_per_day`` calls.

    Attributes:
        spacing: seconds in which one call becomes free, on average.
    """

    advice = "raise gong.requests_per_day, poll less often, or ask for fewer windows"

    def __init__(self, message: str, *, until: float | None = None, spacing: float = 0.0) -> None:
        super().__init__(message, until=until)
        self.spacing = spacing


class WaitTooLong(NotSent):
    """A Retry-After, ours or another process's, is in force for more than a minute."""


class CredentialsUnreadable(NotSent):
    """A secret's file cannot be read at the moment."""

    advice = "check the file and its permissions"
