"""What the contract has and this version does not: refused, so that nobody counts on it.

When a feature lands, its line goes.
"""

from __future__ import annotations

from collections.abc import Iterator

from gong_exporter.config.errors import Problem
from gong_exporter.config.nearest import dotted
from gong_exporter.config.tree import Items, Keys, Scalar

NOT_YET = (
    "activity.roster_file",
    "activity.email_hash_key_file",
    "activity.email_label: hashed",
    "activity.users: columns",
)
"""Keys, a key's values, and the columns of inline users beside id and email."""

_WHAT = "not available in this version"


def refused(root: Keys, not_yet: tuple[str, ...] = NOT_YET) -> Iterator[Problem]:
    """What the file asks for that is not there yet."""
    for entry in not_yet:
        if entry == "activity.users: columns":
            yield from _columns(root)
            continue
        key, _, value = entry.partition(": ")
        section, name = key.split(".")
        keys = root.get(section)
        node = keys.get(name) if isinstance(keys, Keys) else None
        if not isinstance(keys, Keys) or node is None:
            continue
        if not value:
            yield Problem(keys.lines[name], key, _WHAT)
        elif isinstance(node, Scalar) and node.text == value:
            yield Problem(keys.lines[name], key, f"{value!r} is {_WHAT}")


def _columns(root: Keys) -> Iterator[Problem]:
    activity = root.get("activity")
    users = activity.get("users") if isinstance(activity, Keys) else None
    for user in users if isinstance(users, Items) else ():
        if not isinstance(user, Keys):
            continue
        for name in user:
            if name not in {"id", "email"}:
                what = f"a column beside id and email is {_WHAT}"
                yield Problem(user.lines[name], dotted("activity.users", name), what)
