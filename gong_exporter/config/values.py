"""What each single value may be: text in, typed value out, or a ValueError that says why not."""

from __future__ import annotations

import os
import re
import ssl
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import ValidationInfo

from gong_exporter.activity.snapshot import METRICS
from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.common.problems import nearest, quoted
from gong_exporter.common.user_names import column_problem
from gong_exporter.config.durations import format_duration, parse_duration
from gong_exporter.config.secrets import Secret, access_key_problem, secret_problem, variable_in

COMPANY_REQUESTS_PER_SECOND = 3
"""Gong's default limit for all integrations of a company together; Gong grants more on request."""

COMPANY_REQUESTS_PER_DAY = 10_000
"""Likewise."""

MIN_INTERVAL = 60.0
"""Seconds. Gong's numbers change once a day; nothing is gained by polling more often."""

MIN_TIMEOUT, MAX_TIMEOUT = 0.1, 600.0
"""Seconds for one exchange."""

MAX_CERTIFICATE_BYTES = 8 * 1024 * 1024
"""Of a file of certificates; a system's has some 200 kB."""


_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_METRIC = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_NOT_ROSTER_LABELS = {
    "active": "is always a label",
    "aliases": "is never a label",
    "id": "is the label user",
    "email": "is a label already, see email_label",
}
_NO_PLACE = frozenset({"localtime", "Factory"})
"""Names in the database that are not the zone of a company."""

_WEB_HOSTS = frozenset({"gong.io", "www.gong.io", "app.gong.io", "help.gong.io"})
_API_PATH = re.compile(r"/v[0-9]+(/|$)", re.ASCII)


class EmailLabel(StrEnum):
    """What the ``email`` label, pages and logs show of an address."""

    PLAIN = "plain"
    HASHED = "hashed"
    OMITTED = "omitted"


def timeout(text: str) -> float:
    """``gong.timeout``; seconds."""
    seconds = parse_duration(text)
    if not MIN_TIMEOUT <= seconds <= MAX_TIMEOUT:
        raise ValueError(
            f"{quoted(text)} is out of range; {format_duration(MIN_TIMEOUT)} to"
            f" {format_duration(MAX_TIMEOUT)} are allowed"
        )
    return seconds


def interval(text: str) -> float:
    """``poll.interval``; seconds."""
    seconds = parse_duration(text)
    if seconds < MIN_INTERVAL:
        raise ValueError(
            f"{quoted(text)} is too short; the shortest is {format_duration(MIN_INTERVAL)}"
        )
    return seconds


def requests_per_second(text: str) -> float:
    """``gong.requests_per_second``."""
    if not _DECIMAL.fullmatch(text) or float(text) == 0:
        raise ValueError(f"{quoted(text)} is not a number above 0, such as 2 or 0.5")
    return float(text)


def requests_per_day(text: str) -> int:
    """``gong.requests_per_day``."""
    if not _WHOLE.fullmatch(text) or int(text) == 0:
        raise ValueError(f"{quoted(text)} is not a whole number above 0, such as 5000")
    return int(text)


def secret(text: str) -> Secret:
    """An access key's secret or a token, given inline."""
    wrong = secret_problem(text)
    if wrong is not None:
        raise ValueError(wrong)
    return Secret(text)


def access_key(text: str) -> Secret:
    """An access key, given inline."""
    wrong = access_key_problem(text)
    if wrong is not None:
        raise ValueError(wrong)
    return Secret(text)


def base_url(text: str) -> str:
    """``gong.base_url``, without the slash at its end; never echoed: it may hold a password."""
    parts = _url(text)
    if "@" in parts.netloc:
        raise ValueError(
            "must not hold a user name or password; Gong's belong in access_key and its like"
        )
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("must not have a query ('?') or a fragment ('#')")
    host = (parts.hostname or "").removesuffix(".")
    if host in _WEB_HOSTS or host.endswith(".app.gong.io"):
        raise ValueError(
            "is the host of Gong's web application, not of its API; Gong's API page, where access"
            " keys are made, shows that one, such as https://us-12345.api.gong.io"
        )
    if _API_PATH.search(parts.path):
        raise ValueError("must be the host alone, such as https://api.gong.io, without /v2/...")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def proxy_url(text: str) -> Secret:
    """``gong.proxy_url``; kept like a secret, since it may hold a password."""
    parts = _url(text)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and port alone, such as http://proxy.example:3128")
    return Secret(text)


def _url(text: str) -> SplitResult:
    if not text.isprintable() or any(character in text for character in ' \\"<>'):
        raise ValueError("has a character that no URL has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not text.lower().startswith(parts.scheme + "://"):
        raise ValueError("must begin with https:// (or http://)")
    if not parts.hostname:
        raise ValueError("has no host")
    if variable_in(parts.hostname):
        raise ValueError("has the name of a variable in its host, which nothing replaces here")
    if port == 0:
        raise ValueError("has port 0")
    return parts


def time_zone(text: str) -> ZoneInfo:
    """``gong.time_zone``, by a name of the IANA database, aliases included."""
    known = available_timezones() - _NO_PLACE
    if text in known:
        return ZoneInfo(text)
    # Without the list of some 600 names when none is close.
    close = nearest(text, sorted(known))
    advice = f"did you mean '{close}'?" if close else "write it as in Europe/Berlin or US/Pacific"
    raise ValueError(f"{quoted(text)} is not a known time zone; {advice}")


def rfc3339(text: str) -> str:
    """``activity.created_from`` and ``created_to``, as written."""
    try:
        if _RFC3339.fullmatch(text):
            moment(text)
            return text
    except ValueError:
        raise ValueError(f"{quoted(text)} is on a day or at a time that does not exist") from None
    raise ValueError(
        f"{quoted(text)} is not an RFC 3339 date and time with an offset,"
        " such as 2026-01-01T00:00:00Z"
    )


def moment(text: str) -> datetime:
    """The moment an RFC 3339 text stands for."""
    return datetime.fromisoformat(text)


def switch(text: str) -> bool:
    """``true`` or ``false``, as YAML 1.2 writes them."""
    words = {"true": True, "True": True, "TRUE": True}
    words |= {"false": False, "False": False, "FALSE": False}
    if text not in words:
        raise ValueError(f"{quoted(text)} is neither true nor false")
    return words[text]


def roster_source(text: str) -> str:
    """``activity.roster``."""
    if text != "gong":
        raise ValueError("must be gong; a file is activity.roster_file")
    return text


def roster_label(text: str) -> str:
    """A name in ``activity.roster_labels``."""
    if text in _NOT_ROSTER_LABELS:
        raise ValueError(f"{quoted(text)} {_NOT_ROSTER_LABELS[text]}")
    if problem := column_problem(text):
        raise ValueError(problem)
    return text


def metric(text: str) -> str:
    """A name in ``activity.metrics``; which ones there are is Gong's to say."""
    if not _METRIC.fullmatch(text):
        close = nearest(text, METRICS) or METRICS[0]
        raise ValueError(f"{quoted(text)} is not a metric name; write it as in {close}")
    return text


def path(text: str) -> Path:
    """A path as written; never echoed, because it may be a secret in the place of its file."""
    if not text:
        raise ValueError("is empty")
    if "\0" in text:
        raise ValueError("has a NUL character, which no path has")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("begins with '~', and that home folder is not known") from None


def shown_path(written: Path, folder: Path) -> str:
    """The whole path and a space, for a message; empty when it may be a secret instead."""
    if len(written.parts) < 2:  # noqa: PLR2004 - a folder and a name
        return ""
    whole = folder / written
    there = os.path.isdir(whole.parent)  # noqa: PTH112 - Path.is_dir raises where we may not look
    return f"{whole} " if there and whole.parent.name else ""


def certificates(written: Path, info: ValidationInfo) -> Path:
    """``gong.ca_file``, absolute, once it is known to hold certificates."""
    folder: Path = info.context or Path()
    whole = folder / written
    try:
        read_bounded(whole, MAX_CERTIFICATE_BYTES)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=whole)
    except UnreadableFile as error:
        wrong = str(error)
    except ssl.SSLError:
        wrong = "has no certificates in PEM form"
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or error}"
    else:
        return whole
    raise ValueError(f"{shown_path(written, folder)}{wrong}")


def email_label(text: str) -> EmailLabel:
    """``activity.email_label``."""
    valid = tuple(label.value for label in EmailLabel)
    if text not in valid:
        raise ValueError(f"{quoted(text)} is none of {', '.join(valid)}")
    return EmailLabel(text)
