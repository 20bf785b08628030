"""Redaction: takes secrets and e-mail addresses out of text that people will read.

One `Redactor` serves the log, the status page and the commands' output. It finds a secret in any
case and cut at either end, because a response may repeat credentials in each of these forms.
"""

from __future__ import annotations

import base64
import contextlib
import re
import string
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

MIN_PIECE = 8
"""Characters of a secret that are redacted inside other text; a shorter secret is redacted only
as a whole token, since its letters occur in ordinary words."""

MAX_TEXT = 2**20
"""Characters of a text that are read; the rest is dropped."""

_STARS = "***"
_HIDDEN = "(hidden)"

_REMEMBERED = 8
"""Authorization headers that stay redacted after the secrets in their files were rotated."""

# It keeps the length: positions in the folded text are positions in the text.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

_SIGN = "(?:@|\uff20|\ufe6b|%40|%2540|&#64;|&#x40;|&commat;|\\\\[ux](?:00)?40)"
_IN_ADDRESS = r"""[^\s@\uff20\ufe6b<>"'(),;:]"""
_ADDRESS = re.compile(
    # Only from the beginning of a word, which makes the search linear. The part after the sign may
    # be missing.
    rf"(?<!{_IN_ADDRESS}){_IN_ADDRESS}+?(?:'{_IN_ADDRESS}+?)*{_SIGN}(?:{_SIGN}|(?!&){_IN_ADDRESS})*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionPolicy:
    """What the configuration in force wants hidden.

    Attributes:
        hide_addresses: e-mail addresses are hidden; so until a configuration says otherwise.
        secrets: values hidden besides those of the Authorization headers.
    """

    hide_addresses: bool = True
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rules:
    """A policy and the headers sent, prepared for searching.

    Attributes:
        policy: in force.
        headers: Authorization headers that were sent, the newest last.
        pieces: every run of MIN_PIECE characters of the secrets' forms, in lower case.
        tokens: matches the shorter secrets as whole tokens; None without any.
    """

    policy: RedactionPolicy
    headers: tuple[str, ...]
    pieces: frozenset[str]
    tokens: re.Pattern[str] | None


class Redactor:
    """Redacts text by the policy in force. Thread-safe: rules are frozen and swapped whole."""

    def __init__(self, policy: RedactionPolicy | None = None) -> None:
        self._lock = threading.Lock()
        self._rules = _prepare(policy or RedactionPolicy(), ())

    def use(self, policy: RedactionPolicy) -> None:
        """Put a policy in force; the headers that were sent stay redacted."""
        with self._lock:
            if policy != self._rules.policy:
                self._rules = _prepare(policy, self._rules.headers)

    def add_authorization(self, header: str) -> None:
        """Redact this value of an Authorization header from now on, and the secrets in it.

        Credentials are read at each use because they rotate, so every header is added before it
        is sent.
        """
        with self._lock:
            headers = self._rules.headers
            if header not in headers:
                self._rules = _prepare(self._rules.policy, (*headers[1 - _REMEMBERED :], header))

    def redact(self, text: str) -> str:
        """The text with ``***`` for each secret and ``(hidden)`` for each hidden address."""
        rules = self._rules
        text = _without_pieces(text[:MAX_TEXT], rules.pieces)
        if rules.tokens:
            text = rules.tokens.sub(_STARS, text)
        return _ADDRESS.sub(_HIDDEN, text) if rules.policy.hide_addresses else text

    def shorten(self, text: str, limit: int) -> str:
        """The redacted text, at most ``limit`` characters of it."""
        return self.redact(text)[:limit]


def _prepare(policy: RedactionPolicy, headers: tuple[str, ...]) -> _Rules:
    secrets = {*policy.secrets}.union(*map(_secrets_of, headers)) - {""}
    short = [secret for secret in secrets if len(secret) < MIN_PIECE]
    return _Rules(
        policy=policy,
        headers=headers,
        pieces=frozenset(
            piece for each in secrets for form in _forms(each) for piece in _pieces(form)
        ),
        tokens=_token_pattern(short) if short else None,
    )


def _secrets_of(header: str) -> Iterator[str]:
    scheme, _, value = header.partition(" ")
    yield value or scheme
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            pair = base64.b64decode(value).decode("utf-8", "replace")
            yield from (pair, *pair.split(":", 1))


def _forms(secret: str) -> tuple[str, ...]:
    """The secret as it is, in a URL, and in JSON."""
    return secret, quote(secret, safe=""), secret.replace("/", "\\/")


def _pieces(text: str) -> Iterator[str]:
    lower = text.translate(_LOWER)
    return (lower[start : start + MIN_PIECE] for start in range(len(lower) - MIN_PIECE + 1))


def _token_pattern(short: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(short, key=len, reverse=True)
    tokens = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<!\w)(?:{tokens})(?!\w)", re.IGNORECASE)


def _without_pieces(text: str, hidden: frozenset[str]) -> str:
    """The text with a mark in place of each run of these pieces."""
    shown: list[str] = []
    end = 0
    for start, piece in enumerate(_pieces(text) if hidden else ()):
        if piece in hidden:
            if start > end or not shown:
                shown += [text[end:start], _STARS]
            end = start + MIN_PIECE
    return "".join([*shown, text[end:]])
