"""The proxy that the environment sets for calls to Gong, checked before the first call."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from requests.utils import should_bypass_proxies
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url


def proxy_problem(base_url: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable whose proxy cannot be used, and why, without its value; None if it can.

    As requests reads them: a name in lower case takes precedence, also when it is empty.
    """
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    if should_bypass_proxies(base_url, no_proxy=no_proxy):
        return None
    for name in (f"{urlsplit(base_url).scheme}_proxy", "all_proxy"):
        variable = name if name in environ else name.upper()
        text = environ.get(variable, "").strip()
        if text:
            why = _problem(text)
            return (f"${variable}", why) if why else None
    return None


def _problem(text: str) -> str:
    try:
        url = text if "://" in text else f"http://{text}"
        parts = urlsplit(url)
        _ = parts.port
        parse_url(url)  # as the client reads it, which refuses a space in the host
    except (ValueError, LocationParseError):
        return "is not the URL of a proxy"
    if parts.scheme.startswith("socks"):
        return "names a SOCKS proxy, which is not supported; use one with http:// or https://"
    if parts.scheme not in {"http", "https"}:
        return "must begin with http:// (or https://)"
    return "" if parts.hostname else "has no host"
