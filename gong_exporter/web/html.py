"""HTML that cannot be broken out of: text is escaped unless a tag was built from it here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias


class Html(str):
    """Finished markup. Only this module makes it."""

    __slots__ = ()


Child: TypeAlias = "str | Html | Iterable[str | Html | None] | None"
Attribute: TypeAlias = "str | int | float | bool | None"

_VOID = frozenset({"input", "link", "meta", "wbr"})
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """One element.

    Text among the children and the values of attributes are escaped. In the names of attributes a
    trailing underscore is dropped and others become hyphens (``class_``, ``aria_sort``); True
    stands for an attribute without a value, None and False leave it out.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{_safe(str(value))}"')
    parts.append(">")
    parts.extend(_flat(children))
    if name not in _VOID:
        parts.append(f"</{name}>")
    return Html("".join(parts))


def join(*children: Child) -> Html:
    """Several elements and texts as one."""
    return Html("".join(_flat(children)))


def lines(text: str) -> Html:
    """Text of several lines from outside; no line can turn the direction of what follows it."""
    return Html("<br>".join(tag("bdi", line) for line in text.splitlines()))


def constant(markup: str) -> Html:
    """Markup that was written by us: never pass it anything from outside."""
    return Html(markup)


def _flat(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            yield child if isinstance(child, Html) else _safe(child)
        else:
            yield from _flat(child)


def _safe(text: str) -> str:
    """Escaped, and control characters made visible: no browser agrees with another on them."""
    return escape(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
