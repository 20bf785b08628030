"""Redaction: takes secrets and e-mail addresses out of text that people will read.

One `Redactor` serves the log, the status page and the commands' output. It finds a secret in any
case, percent-encoded, as HTML entities, as JSON escapes, in Base64 at any offset, and cut at
either end, because a response may repeat credentials in each of these forms.
"""

from __future__ import annotations

import base64
import contextlib
import html
import re
import string
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

MIN_PIECE = 8
"""Characters of a secret that are redacted inside other text; a shorter secret is redacted only
as a whole token, since its letters occur in ordinary words."""

MAX_TEXT = 2**20
"""Characters of a text that are read; the rest is dropped."""

_STARS = "***"
_HIDDEN = "(hidden)"

_REMEMBERED = 8
"""Authorization headers that stay redacted after the secrets in their files were rotated."""

_ESCAPE = re.compile(
    r"%[0-9a-f]{2}|=[0-9a-f]{2}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[\"/\\]"
    r"|&\#x[0-9a-f]{1,8};?|&\#[0-9]{1,8};?|&[a-z]{2,10};",
    re.IGNORECASE,
)
_ESCAPE_ROUNDS = 3
"""Times that escapes are resolved: ``%2540`` needs two."""

# These keep the length: positions in the folded text are positions in the text.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_URL_SAFE_BASE64 = str.maketrans("-_", "+/")

_SIGN = re.compile("[@\uff20\ufe6b]")
# The local part is matched on the reversed text, which makes the search linear.
_LOCAL_REVERSED = re.compile(
    r"""\s{0,20}(?:\)[^()]{0,100}\(\s{0,20})?"""  # a comment
    r"""(?:\\?"(?:"\\|[^"]){0,320}"|[^\s@<>"'(),;:]+(?:'[^\s@<>"'(),;:]+)*)"""
)
_DOMAIN = re.compile(
    r"""\s{0,20}(?:\([^()]{0,100}\)\s{0,20})?(?:\[[^\]\s]{0,100}\]?|[^\s@<>"'(),;:]+)?"""
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


class _Span(NamedTuple):
    start: int
    end: int
    mark: str


@dataclass(frozen=True, slots=True)
class _Rules:
    """A policy and the headers sent, prepared for searching.

    Attributes:
        policy: in force.
        headers: Authorization headers that were sent, the newest last.
        pieces: every run of MIN_PIECE characters of the secrets' forms, as `_fold` makes them.
        tokens: matches the shorter forms as whole tokens in lower-case text; None without any.
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
        text = text[:MAX_TEXT]
        rules = self._rules
        if not (rules.pieces or rules.tokens or rules.policy.hide_addresses):
            return text
        spans = [span for layer in _layers(text) for span in _find(layer, rules)]
        return _replace(text, spans)

    def shorten(self, text: str, limit: int) -> str:
        """The redacted text, at most ``limit`` characters of it.

        An address is never cut: a part of it would not be recognised when a later policy hides
        addresses.
        """
        text = self.redact(text)
        for layer in _layers(text) if len(text) > limit else ():
            for start, end, _ in _addresses(layer):
                if start < limit < end:
                    return text[:start]
        return text[:limit]


def _prepare(policy: RedactionPolicy, headers: tuple[str, ...]) -> _Rules:
    secrets = [*policy.secrets]
    for header in headers:
        secrets += _secrets_of(header)
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    short = {form.translate(_LOWER) for form in forms if len(form) < MIN_PIECE}
    return _Rules(
        policy=policy,
        headers=headers,
        pieces=frozenset(piece for form in forms for piece in _pieces(_fold(form))),
        tokens=_token_pattern(short) if short else None,
    )


def _secrets_of(header: str) -> Iterator[str]:
    scheme, _, value = header.partition(" ")
    yield value or scheme
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            pair = base64.b64decode(value).decode("utf-8", "replace")
            yield from (pair, *pair.split(":", 1))


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is and in Base64, which looks different at each of three offsets."""
    yield secret
    if len(secret) < MIN_PIECE:
        return
    raw = secret.encode(errors="replace")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        # The characters at both ends also depend on the neighbouring bytes.
        first = -(-offset * 8 // 6)
        last = (offset + len(raw)) * 8 // 6
        yield encoded[first:last]


def _fold(text: str) -> str:
    return text.translate(_LOWER).translate(_URL_SAFE_BASE64)


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + MIN_PIECE] for start in range(len(text) - MIN_PIECE + 1))


def _token_pattern(short: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(short, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


class _Layer(NamedTuple):
    """A text, perhaps with its escapes resolved.

    Attributes:
        text: the characters.
        starts: where each of them begins in the original text, and the original's length.
    """

    text: str
    starts: list[int] | range


def _layers(text: str) -> Iterator[_Layer]:
    """The text as it is, then with its escapes resolved, as long as that changes it."""
    layer = _Layer(text, range(len(text) + 1))
    yield layer
    for _ in range(_ESCAPE_ROUNDS):
        resolved = _resolve_escapes(layer)
        if len(resolved.text) == len(layer.text):
            return
        layer = resolved
        yield layer


def _resolve_escapes(layer: _Layer) -> _Layer:
    characters: list[str] = []
    starts: list[int] = []
    position = 0
    for match in _ESCAPE.finditer(layer.text):
        characters += layer.text[position : match.start()]
        starts += layer.starts[position : match.start()]
        character = _character(match.group())
        if len(character) == 1:
            characters.append(character)
            starts.append(layer.starts[match.start()])
        else:  # no escape after all
            characters += match.group()
            starts += layer.starts[match.start() : match.end()]
        position = match.end()
    characters += layer.text[position:]
    starts += layer.starts[position:]
    return _Layer("".join(characters), starts)


def _character(escape: str) -> str:
    if escape.startswith("&"):
        return html.unescape(escape)
    if len(escape) == 2:  # noqa: PLR2004 - a backslash and the character itself
        return escape[1]
    return chr(int(escape.lstrip("%=\\uxUX"), 16))


def _find(layer: _Layer, rules: _Rules) -> Iterator[_Span]:
    found = [*_secrets(layer.text, rules)]
    if rules.policy.hide_addresses:
        found += _addresses(layer)
    for start, end, mark in found:
        yield _Span(layer.starts[start], layer.starts[end], mark)


def _secrets(text: str, rules: _Rules) -> Iterator[_Span]:
    lower = text.translate(_LOWER)
    if rules.tokens:
        for match in rules.tokens.finditer(lower):
            yield _Span(_scheme_start(lower, match.start()), match.end(), _STARS)
    if rules.pieces:
        for start, piece in enumerate(_pieces(_fold(text))):
            if piece in rules.pieces:
                yield _Span(_scheme_start(lower, start), start + MIN_PIECE, _STARS)


def _scheme_start(lower: str, start: int) -> int:
    """Where the header's scheme begins, if one stands before a secret."""
    for scheme in ("basic ", "bearer "):
        if lower.endswith(scheme, 0, start):
            return start - len(scheme)
    return start


def _addresses(layer: _Layer) -> Iterator[_Span]:
    """Everything that may be an address; the part after the sign may be missing."""
    text = layer.text
    signs = [*_SIGN.finditer(text)]
    backwards = text[::-1] if signs else ""
    for sign in signs:
        local = _LOCAL_REVERSED.match(backwards, len(text) - sign.start())
        domain = _DOMAIN.match(text, sign.end())
        if local and domain:
            yield _Span(sign.start() - (local.end() - local.start()), domain.end(), _HIDDEN)


def _replace(text: str, spans: Iterable[_Span]) -> str:
    """The text with a mark in place of each span; of overlapping ones a secret's mark stays."""
    merged: list[_Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            mark = _STARS if _STARS in (last.mark, span.mark) else _HIDDEN
            merged[-1] = _Span(last.start, max(last.end, span.end), mark)
        else:
            merged.append(span)
    shown: list[str] = []
    position = 0
    for span in merged:
        shown += [text[position : span.start], span.mark]
        position = span.end
    return "".join([*shown, text[position:]])
